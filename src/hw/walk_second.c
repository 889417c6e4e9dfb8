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

static enum vtd_fault read_entry(struct walk *walk, uint64_t table, uint64_t address, bool write,
				 struct walk_entry *entry)
{
	const struct space *space = walk->space;
	uint64_t reserved;

	entry->at = table + vtd_level_index(address, entry->level) * sizeof(uint64_t);
	if (!memory_read(walk->lookup->physmem, entry->at, &entry->value))
		return access_error(space, entry->level);
	if (!vtd_ss_pte_is_present(entry->value))
		return no_right_left(space, write);
	reserved = vtd_ss_pte_reserved(walk->lookup->rules, entry->level,
				       vtd_ss_pte_is_leaf(entry->value, entry->level));
	if (entry->value & reserved)
		return space->legacy ? VTD_FAULT_LSS_2 : VTD_FAULT_SSS_3;
	return VTD_FAULT_NONE;
}

static uint8_t rights_of(uint64_t pte)
{
	return (uint8_t)((pte & VTD_SS_PTE_R ? PAGING_READ : 0) |
			 (pte & VTD_SS_PTE_W ? PAGING_WRITE : 0));
}

static void found_leaf(const struct walk_entry *entry, uint64_t address, struct walk_leaf *leaf)
{
	leaf->entry = *entry;
	leaf->size_lg2 = vtd_level_shift(entry->level);
	leaf->output = vtd_pte_address(entry->value, entry->level) |
		       (address & (vtd_level_size(entry->level) - 1));
}

/* Where to begin: at the top, or below what a cache knows. */
static struct paging_entry begin(struct walk *walk, uint64_t address)
{
	const struct space *space = walk->space;
	struct paging_entry e = {
		.level = (uint8_t)space->second_levels,
		.kind = (uint8_t)space->pgtt,
		.did = space->did,
		.input = address,
	};

	if (cache_paging_find(walk->lookup->caches, &e))
		return e;
	e.level = (uint8_t)(space->second_levels + 1);
	e.table = space->second_root;
	e.rights = PAGING_READ | PAGING_WRITE;
	return e;
}

enum vtd_fault walk_second_stage(struct walk *walk, uint64_t address, bool write,
				 struct walk_leaf *leaf)
{
	struct paging_entry above = begin(walk, address);
	uint64_t accessed = walk->space->ssade ? VTD_SS_PTE_A : 0;

	for (;;) {
		struct walk_entry entry = {.level = above.level - 1u};
		enum vtd_fault fault = read_entry(walk, above.table, address, write, &entry);

		if (fault)
			return fault;
		above.rights &= rights_of(entry.value);
		if (!above.rights)
			return no_right_left(walk->space, write);
		if (vtd_ss_pte_is_leaf(entry.value, entry.level)) {
			leaf->rights = above.rights;
			found_leaf(&entry, address, leaf);
			return VTD_FAULT_NONE;
		}
		fault = update(walk, &entry, accessed);
		if (fault)
			return fault;
		above.level--;
		above.table = above.table_host = vtd_pte_address(entry.value, 1);
		walk_passed(walk, &above);
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
