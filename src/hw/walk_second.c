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

/* Legacy mode knows no "not present", only rights; write goes before read. */
static enum vtd_fault no_right_left(const struct space *space, bool write)
{
	if (!space->legacy)
		return VTD_FAULT_SSS_2;
	return write ? VTD_FAULT_LGN_2 : VTD_FAULT_LGN_3;
}

/* To set bits of an entry that has passed every check. */
static enum vtd_fault update(struct walk *walk, const struct walk_entry *entry, uint64_t bits)
{
	if ((entry->value & bits) == bits)
		return VTD_FAULT_NONE;
	if (walk->look_ahead || !walk->space->snooped)
		return VTD_FAULT_SSS_5;
	switch (memory_swap(walk->lookup->physmem, entry->at, entry->value, entry->value | bits)) {
	case MEMORY_SWAPPED:
		return VTD_FAULT_NONE;
	case MEMORY_CHANGED:
		walk->raced = true;
		return VTD_FAULT_SSS_6;
	default:
		return VTD_FAULT_SSS_6;
	}
}

/* What an entry that was read says about itself. */
static enum vtd_fault judge_entry(const struct walk *walk, const struct walk_entry *entry,
				  bool leaf, bool write)
{
	if (!vtd_ss_pte_is_present(entry->value))
		return no_right_left(walk->space, write);
	if (entry->value & walk->lookup->masks->ss[entry->level][leaf])
		return walk->space->legacy ? VTD_FAULT_LSS_2 : VTD_FAULT_SSS_3;
	return VTD_FAULT_NONE;
}

static uint8_t rights_of(uint64_t pte)
{
	static_assert((int)VTD_SS_PTE_R == PAGING_READ && (int)VTD_SS_PTE_W == PAGING_WRITE,
		      "the same bits");

	return pte & (PAGING_READ | PAGING_WRITE);
}

static void found_leaf(const struct walk_entry *entry, uint64_t address, struct walk_leaf *leaf)
{
	leaf->entry = *entry;
	leaf->size_lg2 = vtd_level_shift(entry->level);
	leaf->output = vtd_pte_address(entry->value, entry->level) |
		       (address & (vtd_level_size(entry->level) - 1));
}

/* Where to begin: at the top, or below what a cache knows. */
static void begin(struct walk *walk, uint64_t address, struct paging_entry *above)
{
	const struct space *space = walk->space;

	*above = (struct paging_entry){
		.level = (uint8_t)space->second_levels,
		.kind = (uint8_t)space->pgtt,
		.did = space->did,
		.input = address,
	};
	if (cache_paging_find(walk->lookup->caches, above))
		return;
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

enum vtd_fault walk_second_stage(struct walk *walk, uint64_t address, bool write,
				 struct walk_leaf *leaf)
{
	uint64_t accessed = walk->space->ssade ? VTD_SS_PTE_A : 0, table;
	struct paging_entry above;
	uint8_t rights;

	begin(walk, address, &above);
	table = above.table;
	rights = above.rights;
	for (unsigned level = above.level - 1u;; level--) {
		struct walk_entry entry = {.at = table + vtd_level_index(address, level) * 8,
					   .level = level};
		enum vtd_fault fault;
		bool is_leaf;

		if (!memory_read_near(walk->lookup->physmem, &walk->second, entry.at, &entry.value))
			return access_error(walk->space, level);
		is_leaf = vtd_ss_pte_is_leaf(entry.value, level);
		fault = judge_entry(walk, &entry, is_leaf, write);
		if (fault)
			return fault;
		rights &= rights_of(entry.value);
		if (!rights)
			return no_right_left(walk->space, write);
		if (is_leaf) {
			leaf->rights = rights;
			found_leaf(&entry, address, leaf);
			return VTD_FAULT_NONE;
		}
		if ((entry.value & accessed) != accessed) {
			fault = update(walk, &entry, accessed);
			if (fault)
				return fault;
		}
		table = vtd_pte_address(entry.value, 1);
		if (walk->keeps)
			keep_passed(walk, &above, level, table, rights);
	}
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
