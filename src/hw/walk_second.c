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

static inline void found_leaf(const struct walk_entry *entry, uint64_t address, uint8_t rights,
			      struct walk_leaf *leaf)
{
	leaf->entry = *entry;
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

/* A walk in a walk: five of them for a page of which nothing is cached. What the loop needs is in local
 * variables. */
enum vtd_fault walk_second_stage(struct walk *walk, uint64_t address, bool write,
				 struct walk_leaf *leaf)
{
	const struct space *space = walk->space;
	const struct physmem *pm = walk->lookup->physmem;
	const uint64_t(*reserved)[2] = walk->lookup->masks->ss;
	uint64_t accessed = space->ssade ? VTD_SS_PTE_A : 0, table;
	struct memory_near near = walk->second;
	struct paging_entry above;
	struct walk_entry entry;
	enum vtd_fault fault;
	uint8_t rights;

	begin(walk, address, &above);
	table = above.table;
	rights = above.rights;
	for (entry.level = above.level - 1u;; entry.level--) {
		entry.at = table + vtd_level_index(address, entry.level) * 8;
		if (!memory_read_near(pm, &near, entry.at, &entry.value))
			return access_error(space, entry.level);
		if (vtd_ss_pte_is_leaf(entry.value, entry.level))
			break;
		fault = walk_judge_second(space, entry.value, reserved[entry.level][0], write,
					  &rights);
		if (!fault)
			fault = update(walk, &entry, accessed);
		if (fault)
			return fault;
		table = vtd_pte_address(entry.value, 1);
		if (walk->keeps)
			keep_passed(walk, &above, entry.level, table, rights);
	}
	fault = walk_judge_second(space, entry.value, reserved[entry.level][1], write, &rights);
	if (fault)
		return fault;
	walk->second = near;
	found_leaf(&entry, address, rights, leaf);
	return VTD_FAULT_NONE;
}

enum vtd_fault walk_commit_second_stage(struct walk *walk, const struct walk_leaf *leaf, bool dirty)
{
	uint64_t bits = VTD_SS_PTE_A | (dirty ? VTD_SS_PTE_D : 0u);

	return walk->space->ssade ? update(walk, &leaf->entry, bits) : VTD_FAULT_NONE;
}

bool walk_second_stage_is_dirty(const struct walk *walk, const struct walk_leaf *leaf)
{
	return !walk->space->ssade || (leaf->entry.value & VTD_SS_PTE_D);
}
