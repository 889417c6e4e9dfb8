// SPDX-License-Identifier: MIT
/* The second stage: GPA, or the address of a request without first stage, to HPA. VT-d 3.7, 9.8 */
#include "hw/memory.h"
#include "hw/walk.h"

/* What entries of the second stage say in legacy mode has other names. VT-d 7.1 */
static enum vtd_fault access_error(const struct space *space, unsigned level)
{
	bool top = level == space->second_levels;

	if (space->legacy)
		return top ? VTD_FAULT_LCT_4 : VTD_FAULT_LSS_1;
	return top ? VTD_FAULT_SSS_4 : VTD_FAULT_SSS_1;
}

/* To set bits of an entry that has passed every check. */
static __attribute__((noinline)) enum vtd_fault set_bits(struct walk *walk, struct walk_entry entry,
							 uint64_t bits)
{
	if (walk->look_ahead || !walk->space->snooped)
		return VTD_FAULT_SSS_5;
	switch (memory_swap(walk->lookup->physmem, entry.at, entry.value, entry.value | bits)) {
	case MEMORY_SWAPPED:
		return VTD_FAULT_NONE;
	case MEMORY_CHANGED:
		walk->raced = true;
		return VTD_FAULT_SSS_6;
	default:
		return VTD_FAULT_SSS_6;
	}
}

static inline enum vtd_fault update(struct walk *walk, const struct walk_entry *entry,
				    uint64_t bits)
{
	return (entry->value & bits) == bits ? VTD_FAULT_NONE : set_bits(walk, *entry, bits);
}

/* Member by member: a copy of the whole would wait for its parts, which were written just now. */
static inline void found_leaf(const struct walk_entry *entry, uint64_t address, uint8_t rights,
			      struct walk_leaf *leaf)
{
	leaf->entry.at = entry->at;
	leaf->entry.value = entry->value;
	leaf->entry.level = entry->level;
	leaf->rights = rights;
	leaf->size_lg2 = vtd_level_shift(entry->level);
	leaf->output = vtd_pte_address(entry->value, entry->level) |
		       (address & (vtd_level_size(entry->level) - 1));
}

/* Where to begin: at the top, or below what a cache knows. */
static inline void begin(const struct walk *walk, uint64_t address, struct paging_entry *above)
{
	const struct space *space = walk->space;

	if (walk->keeps) {
		*above = (struct paging_entry){
			.level = (uint8_t)space->second_levels,
			.kind = (uint8_t)space->pgtt,
			.did = space->did,
			.input = address,
		};
		if (cache_paging_find(walk->lookup->caches, above))
			return;
	}
	above->level = (uint8_t)(space->second_levels + 1);
	above->table = space->second_root;
	above->rights = PAGING_READ | PAGING_WRITE;
}

static void keep_passed(struct walk *walk, struct paging_entry *above, unsigned level,
			uint64_t table, uint8_t rights)
{
	above->level = (uint8_t)level;
	above->table = above->table_host = table;
	above->rights = rights;
	walk_passed(walk, above);
}

/* The way down: the table that is next and the rights so far; the entry that was read, and what is wrong with it. */
struct descent {
	uint64_t table;
	uint8_t rights;
	struct walk_entry entry;
	enum vtd_fault fault;
};

/* What the way down needs at each level. */
struct ground {
	const struct space *space;
	const struct physmem *pm;
	struct memory_near *near;
	const uint64_t (*reserved)[2];
	uint64_t accessed;
	bool keeps;
};

/* One table further. false: this entry is the last, a leaf or one with a fault. level: a constant. */
static inline __attribute__((always_inline)) bool descend(struct walk *walk,
							  const struct ground *ground,
							  struct descent *down, uint64_t address,
							  unsigned level, bool write)
{
	struct walk_entry *entry = &down->entry;

	entry->level = level;
	entry->at = down->table + vtd_level_index(address, level) * sizeof(entry->value);
	if (!memory_read_near(ground->pm, ground->near, entry->at, &entry->value)) {
		down->fault = access_error(ground->space, level);
		return false;
	}
	if (vtd_ss_pte_is_leaf(entry->value, level))
		return false;
	down->fault = walk_judge_second(ground->space, entry->value, ground->reserved[level][0],
					write, &down->rights);
	if (!down->fault)
		down->fault = update(walk, entry, ground->accessed);
	down->table = vtd_pte_address(entry->value, 1);
	return !down->fault;
}

/* Five such walks are in one for a page of which nothing is cached: there is code for each level. */
static inline __attribute__((always_inline)) void
descend_to_last(struct walk *walk, const struct ground *ground, struct descent *down,
		struct paging_entry *above, uint64_t address, bool write)
{
	const unsigned from = above->level - 1u;

#pragma GCC unroll 4
	for (unsigned level = VTD_LEVELS_MAX; level > 1; level--) {
		if (level > from)
			continue;
		if (!descend(walk, ground, down, address, level, write))
			return;
		if (ground->keeps)
			keep_passed(walk, above, level, down->table, down->rights);
	}
	descend(walk, ground, down, address, 1, write);
}

static inline __attribute__((always_inline)) enum vtd_fault
second_stage(struct walk *walk, uint64_t address, bool write, struct walk_leaf *leaf)
{
	const struct ground ground = {
		.space = walk->space,
		.pm = walk->lookup->physmem,
		.near = &walk->lookup->near,
		.reserved = walk->lookup->masks->ss,
		.accessed = walk->space->ssade ? VTD_SS_PTE_A : 0,
		.keeps = walk->keeps,
	};
	struct paging_entry above;
	struct descent down;
	enum vtd_fault fault;

	begin(walk, address, &above);
	down.table = above.table;
	down.rights = above.rights;
	down.fault = VTD_FAULT_NONE;
	descend_to_last(walk, &ground, &down, &above, address, write);
	if (down.fault)
		return down.fault;
	fault = walk_judge_second(ground.space, down.entry.value,
				  ground.reserved[down.entry.level][1], write, &down.rights);
	if (fault)
		return fault;
	found_leaf(&down.entry, address, down.rights, leaf);
	return VTD_FAULT_NONE;
}

enum vtd_fault walk_second_stage(struct walk *walk, uint64_t address, bool write,
				 struct walk_leaf *leaf)
{
	return second_stage(walk, address, write, leaf);
}

struct walk_located walk_locate_table(struct walk *walk, uint64_t guest_at, unsigned level)
{
	const struct space *space = walk->space;
	uint8_t need = space->ssade ? PAGING_READ | PAGING_WRITE : PAGING_READ;
	struct walk_leaf leaf;
	enum vtd_fault fault = second_stage(walk, guest_at, false, &leaf);

	if (fault)
		return (struct walk_located){.fault = fault};
	if ((leaf.rights & need) != need)
		fault = level == space->first_levels ? VTD_FAULT_SFS_6 : VTD_FAULT_SFS_7;
	else if (space->ssade)
		fault = update(walk, &leaf.entry, VTD_SS_PTE_A);
	return (struct walk_located){leaf.output, fault};
}

enum vtd_fault walk_commit_second_stage_(struct walk *walk, const struct walk_leaf *leaf,
					 bool dirty)
{
	return update(walk, &leaf->entry, VTD_SS_PTE_A | (dirty ? VTD_SS_PTE_D : 0u));
}

bool walk_second_stage_is_dirty(const struct walk *walk, const struct walk_leaf *leaf)
{
	return !walk->space->ssade || (leaf->entry.value & VTD_SS_PTE_D);
}
