// SPDX-License-Identifier: MIT
/* The first stage: GVA, or IOVA, to GPA (nested) or HPA. VT-d 3.6, 3.8, 9.7 */
#include "hw/memory.h"
#include "hw/walk.h"

static bool is_nested(const struct walk *walk)
{
	return walk->space->pgtt == VTD_PGTT_NESTED;
}

/* Tables */

/* The host address of an entry that is to be changed, which the second stage sees as a write. */
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
	leaf->entry.at = entry->at;
	leaf->entry.value = entry->value;
	leaf->entry.level = entry->level;
	leaf->rights = rights;
	leaf->size_lg2 = vtd_level_shift(entry->level);
	leaf->output = vtd_pte_address(entry->value, entry->level) |
		       (address & (vtd_level_size(entry->level) - 1));
}

/* Walk */

/* The way down so far: the table that is next, and whether its host address is known. */
struct way {
	unsigned level;      /* of the entries of that table */
	uint64_t table;      /* in the address space its entry speaks of */
	uint64_t table_host; /* valid where located */
	uint8_t rights;
	bool located;
	bool from_walk; /* its entry was read from memory, not found in a cache */
};

static bool begin_from_cache(const struct walk *walk, uint64_t address, struct way *way)
{
	const struct space *space = walk->space;
	struct paging_entry above = {
		.first_stage = true,
		.level = (uint8_t)space->first_levels,
		.did = space->did,
		.pasid = space->pasid,
		.input = address,
	};

	if (!cache_paging_find(walk->lookup->caches, &above))
		return false;
	*way = (struct way){.level = above.level - 1u,
			    .table = above.table,
			    .table_host = above.table_host,
			    .rights = above.rights,
			    .located = true};
	return true;
}

static inline struct way begin(const struct walk *walk, uint64_t address)
{
	const struct space *space = walk->space;
	struct way way;

	if (walk->keeps && begin_from_cache(walk, address, &way))
		return way;
	return (struct way){.level = space->first_levels,
			    .table = space->first_root,
			    .table_host = space->first_root,
			    .rights = PAGING_READ | PAGING_WRITE | PAGING_USER,
			    .located = !is_nested(walk)};
}

static void keep_table(struct walk *walk, uint64_t address, const struct way way)
{
	const struct space *space = walk->space;
	struct paging_entry above = {
		.first_stage = true,
		.level = (uint8_t)(way.level + 1),
		.kind = (uint8_t)space->pgtt,
		.did = space->did,
		.pasid = space->pasid,
		.rights = way.rights,
		.input = address,
		.table = way.table,
		.table_host = way.table_host,
	};

	walk_passed(walk, &above);
}

/* Finds the host address of the entry, and of its table; only then can the entry that led to it be cached. */
static inline enum vtd_fault locate_entry(struct walk *walk, struct way *way, uint64_t address,
					  uint64_t offset, uint64_t *at)
{
	if (way->located) {
		*at = way->table_host + offset;
	} else {
		struct walk_located located =
			walk_locate_table(walk, way->table + offset, way->level);

		if (located.fault)
			return located.fault;
		*at = located.at;
		way->table_host = located.at - offset;
	}
	if (walk->keeps && way->from_walk)
		keep_table(walk, address, *way);
	return VTD_FAULT_NONE;
}

static inline void descend(struct way *way, uint64_t entry, bool nested)
{
	way->level--;
	way->table = way->table_host = vtd_pte_address(entry, 1);
	way->located = !nested;
	way->from_walk = true;
}

enum vtd_fault walk_first_stage(struct walk *walk, uint64_t address, struct walk_leaf *leaf)
{
	const struct space *space = walk->space;
	const struct physmem *pm = walk->lookup->physmem;
	const uint64_t(*reserved)[2] = walk->lookup->masks->fs;
	const bool nested = is_nested(walk);
	uint64_t accessed = walk_first_accessed(space);
	struct way way = begin(walk, address);

	for (;;) {
		struct walk_entry entry = {.level = way.level};
		uint64_t offset = vtd_level_index(address, entry.level) * sizeof(uint64_t);
		uint64_t guest_at = way.table + offset;
		enum vtd_fault fault = locate_entry(walk, &way, address, offset, &entry.at);
		bool is_leaf;

		if (fault)
			return fault;
		if (!memory_read_near(pm, &walk->first, entry.at, &entry.value))
			return entry.level == space->first_levels ? VTD_FAULT_SFS_4
								  : VTD_FAULT_SFS_1;
		is_leaf = vtd_fs_pte_is_leaf(entry.value, entry.level);
		fault = walk_judge_first(space, entry.value, reserved[entry.level][is_leaf]);
		if (fault)
			return fault;
		way.rights &= walk_first_rights(entry.value);
		if (is_leaf) {
			leaf->guest_at = guest_at;
			found_leaf(&entry, address, way.rights, leaf);
			return VTD_FAULT_NONE;
		}
		fault = update(walk, &entry, guest_at, accessed);
		if (fault)
			return fault;
		descend(&way, entry.value, nested);
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
