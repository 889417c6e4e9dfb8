/* SPDX-License-Identifier: MIT */
/*
 * x86-64 page tables of four levels, in guest RAM. A device sets accessed and dirty bits in them at
 * any moment, so entries change by single atomic stores.
 */
#include <errno.h>

#include "guest/guest.h"

#define TABLE_LEVELS 4u

static uint64_t *entries_of(struct guest_table *table, gpa_t at)
{
	return frame_memory(table->guest, at);
}

static uint64_t load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

int table_init(struct guest_table *table, struct vsva_guest *guest)
{
	table->guest = guest;
	return frame_alloc(guest, 0, &table->root);
}

static void free_level(struct guest_table *table, gpa_t at, unsigned level, bool with_leaves)
{
	uint64_t *entries = entries_of(table, at);

	for (unsigned i = 0; i < VTD_PTE_COUNT; i++) {
		uint64_t entry = load(&entries[i]);

		if (!(entry & VTD_FS_PTE_P))
			continue;
		if (!vtd_fs_pte_is_leaf(entry, level))
			free_level(table, gpa(vtd_pte_address(entry, 1)), level - 1, with_leaves);
		else if (with_leaves)
			frame_free(table->guest, gpa(vtd_pte_address(entry, level)),
				   VTD_LEVEL_BITS * (level - 1));
	}
	frame_free(table->guest, at, 0);
}

void table_fini(struct guest_table *table, bool with_leaves)
{
	free_level(table, table->root, TABLE_LEVELS, with_leaves);
}

/* The entry of an address at a level; with make, missing tables are made. NULL: missing (or no
 * frame, or a larger page is in the way). */
static uint64_t *entry_at(struct guest_table *table, uint64_t address, unsigned level, bool make)
{
	gpa_t at = table->root, fresh;

	for (unsigned above = TABLE_LEVELS; above > level; above--) {
		uint64_t *entry = &entries_of(table, at)[vtd_level_index(address, above)];

		if (!(load(entry) & VTD_FS_PTE_P)) {
			if (!make || frame_alloc(table->guest, 0, &fresh))
				return NULL;
			store(entry, fresh.v | VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US);
		}
		if (vtd_fs_pte_is_leaf(load(entry), above))
			return NULL;
		at = gpa(vtd_pte_address(load(entry), 1));
	}
	return &entries_of(table, at)[vtd_level_index(address, level)];
}

int table_map(struct guest_table *table, uint64_t address, gpa_t to, unsigned level, bool writable)
{
	uint64_t *entry = entry_at(table, address, level, true);

	if (!entry)
		return -ENOMEM;
	if (load(entry) & VTD_FS_PTE_P)
		return -EEXIST;
	store(entry, to.v | VTD_FS_PTE_P | VTD_FS_PTE_US | (writable ? VTD_FS_PTE_RW : 0) |
			     (level > 1 ? VTD_FS_PTE_PS : 0));
	return 0;
}

uint64_t *table_leaf(struct guest_table *table, uint64_t address, unsigned *level)
{
	for (*level = 1; *level <= 2; (*level)++) {
		uint64_t *entry = entry_at(table, address, *level, false);

		if (entry && (load(entry) & VTD_FS_PTE_P) &&
		    vtd_fs_pte_is_leaf(load(entry), *level))
			return entry;
	}
	return NULL;
}

gpa_t table_frame(const uint64_t *leaf, unsigned level)
{
	return gpa(vtd_pte_address(load(leaf), level));
}
