// SPDX-License-Identifier: MIT
/* The first stage: GVA, or IOVA, to GPA (nested) or HPA. VT-d 3.6, 3.8, 9.7 */
#include "hw/memory.h"
#include "hw/walk.h"

static bool is_nested(const struct walk *walk)
{
	return walk->space->pgtt == VTD_PGTT_NESTED;
}

/* Tables */

/* The host address of a first-stage table entry that is to be read. VT-d 3.8.1: with second-stage
 * A/D bits the table must be writable too. */
static enum vtd_fault locate_to_read(struct walk *walk, uint64_t guest_at, unsigned level,
				     uint64_t *at)
{
	uint8_t need = walk->space->ssade ? PAGING_READ | PAGING_WRITE : PAGING_READ;
	struct walk_leaf leaf;
	enum vtd_fault fault;

	fault = walk_second_stage(walk, guest_at, false, &leaf);
	if (fault)
		return fault;
	if ((leaf.rights & need) != need)
		return level == walk->space->first_levels ? VTD_FAULT_SFS_6 : VTD_FAULT_SFS_7;
	*at = leaf.output;
	return walk_commit_second_stage(walk, &leaf, false);
}

/* The same for a change, which the second stage sees as a write. */
static enum vtd_fault locate_to_write(struct walk *walk, uint64_t guest_at, uint64_t *at)
{
	const uint8_t need = PAGING_READ | PAGING_WRITE;
	struct walk_leaf leaf;
	enum vtd_fault fault;

	fault = walk_second_stage(walk, guest_at, true, &leaf);
	if (fault)
		return fault;
	if ((leaf.rights & need) != need)
		return VTD_FAULT_SFS_8;
	*at = leaf.output;
	return walk_commit_second_stage(walk, &leaf, true);
}

static enum vtd_fault swap(struct walk *walk, uint64_t at, uint64_t expected, uint64_t desired)
{
	switch (memory_swap(walk->lookup->physmem, at, expected, desired)) {
	case MEMORY_SWAPPED:
		return VTD_FAULT_NONE;
	case MEMORY_CHANGED:
		walk->raced = true;
		return VTD_FAULT_SFS_10;
	default:
		return VTD_FAULT_SFS_10;
	}
}

/* Sets bits of an entry at `at`, which is guest_at before the second stage. SFS.9, SFS.8, SFS.10 */
static __attribute__((noinline)) enum vtd_fault set_bits(struct walk *walk, struct walk_entry entry,
							 uint64_t guest_at, uint64_t bits)
{
	uint64_t at = entry.at;
	enum vtd_fault fault;

	if (walk->look_ahead || !walk->space->snooped)
		return VTD_FAULT_SFS_9;
	if (is_nested(walk)) {
		fault = locate_to_write(walk, guest_at, &at);
		if (fault)
			return fault;
	}
	return swap(walk, at, entry.value, entry.value | bits);
}

static inline enum vtd_fault update(struct walk *walk, const struct walk_entry *entry,
				    uint64_t guest_at, uint64_t bits)
{
	return (entry->value & bits) == bits ? VTD_FAULT_NONE
					     : set_bits(walk, *entry, guest_at, bits);
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

/* Walk */

/* The way down so far: the table that is next, and whether its host address is known. */
struct way {
	struct paging_entry above;
	bool located;   /* above.table_host is valid */
	bool from_walk; /* above was read from memory, not found in a cache */
};

static inline void begin(const struct walk *walk, uint64_t address, struct way *way)
{
	const struct space *space = walk->space;

	way->above = (struct paging_entry){
		.first_stage = true,
		.level = (uint8_t)space->first_levels,
		.kind = (uint8_t)space->pgtt,
		.did = space->did,
		.pasid = space->pasid,
		.input = address,
	};
	way->from_walk = false;
	way->located = true;
	if (walk->keeps && cache_paging_find(walk->lookup->caches, &way->above))
		return;
	way->above.level = (uint8_t)(space->first_levels + 1);
	way->above.table = way->above.table_host = space->first_root;
	way->above.rights = PAGING_READ | PAGING_WRITE | PAGING_USER;
	way->located = !is_nested(walk);
}

/* Finds the host address of the table; only then can the entry that led to it be cached. */
static inline enum vtd_fault locate_table(struct walk *walk, struct way *way, uint64_t guest_at)
{
	enum vtd_fault fault;
	uint64_t at = 0;

	if (!way->located) {
		fault = locate_to_read(walk, guest_at, way->above.level - 1u, &at);
		if (fault)
			return fault;
		way->above.table_host = at & ~(uint64_t)(VSVA_PAGE_SIZE - 1);
		way->located = true;
	}
	if (walk->keeps && way->from_walk)
		walk_passed(walk, &way->above);
	return VTD_FAULT_NONE;
}

static inline void descend(const struct walk *walk, struct way *way, const struct walk_entry *entry)
{
	way->above.level = (uint8_t)entry->level;
	way->above.table = way->above.table_host = vtd_pte_address(entry->value, 1);
	way->located = !is_nested(walk);
	way->from_walk = true;
}

enum vtd_fault walk_first_stage(struct walk *walk, uint64_t address, struct walk_leaf *leaf)
{
	const struct space *space = walk->space;
	const uint64_t(*reserved)[2] = walk->lookup->masks->fs;
	uint64_t accessed = walk_first_accessed(walk->space);
	struct way way;

	begin(walk, address, &way);
	for (;;) {
		struct walk_entry entry = {.level = way.above.level - 1u};
		uint64_t offset = vtd_level_index(address, entry.level) * sizeof(uint64_t);
		uint64_t guest_at = way.above.table + offset;
		enum vtd_fault fault = locate_table(walk, &way, guest_at);
		bool is_leaf;

		if (fault)
			return fault;
		entry.at = way.above.table_host + offset;
		if (!memory_read_near(walk->lookup->physmem, &walk->first, entry.at, &entry.value))
			return entry.level == space->first_levels ? VTD_FAULT_SFS_4
								  : VTD_FAULT_SFS_1;
		is_leaf = vtd_fs_pte_is_leaf(entry.value, entry.level);
		fault = walk_judge_first(space, entry.value, reserved[entry.level][is_leaf]);
		if (fault)
			return fault;
		way.above.rights &= walk_first_rights(entry.value);
		if (is_leaf) {
			leaf->guest_at = guest_at;
			found_leaf(&entry, address, way.above.rights, leaf);
			return VTD_FAULT_NONE;
		}
		fault = update(walk, &entry, guest_at, accessed);
		if (fault)
			return fault;
		descend(walk, &way, &entry);
	}
}

enum vtd_fault walk_commit_first_stage(struct walk *walk, const struct walk_leaf *leaf, bool dirty)
{
	uint64_t bits = walk_first_accessed(walk->space) | (dirty ? VTD_FS_PTE_D : 0u);

	return update(walk, &leaf->entry, leaf->guest_at, bits);
}

bool walk_first_stage_is_dirty(const struct walk_leaf *leaf)
{
	return leaf->entry.value & VTD_FS_PTE_D;
}
