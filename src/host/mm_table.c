// SPDX-License-Identifier: MIT
#include "host/mm_table.h"

#include <errno.h>

#include "base/check.h"
#include "base/sched.h"

/* Has no meaning in an entry that is not present. */
#define CONDEMNED VTD_FS_PTE_G

static const struct mm_range everything = {0, UINT64_MAX};

static uint64_t load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static uint64_t *entries_of(const struct mm_table *table, uint64_t entry)
{
	return physmem_own_page(table->pm, hpa(vtd_pte_address(entry, 1)));
}

static uint64_t *root_of(const struct mm_table *table)
{
	return physmem_own_page(table->pm, table->root);
}

/* The part of a range within a table that one of its entries covers. */
static struct mm_range part_of(struct mm_range range, unsigned level, unsigned index)
{
	uint64_t size = vtd_level_size(level);
	uint64_t base = (range.first & ~(size * VTD_PTE_COUNT - 1)) + index * size;

	return (struct mm_range){
		.first = range.first > base ? range.first : base,
		.last = range.last < base + size - 1 ? range.last : base + size - 1,
	};
}

static struct mm_range translated(struct mm_range range)
{
	if (range.first == 0 && range.last == UINT64_MAX)
		return (struct mm_range){0, VTD_MASK(MM_TABLE_WIDTH - 1, 0)};
	return (struct mm_range){range.first & VTD_MASK(MM_TABLE_WIDTH - 1, 0),
				 range.last & VTD_MASK(MM_TABLE_WIDTH - 1, 0)};
}

/* Life */

int mm_table_init(struct mm_table *table, struct physmem *pm, bool is_user)
{
	*table = (struct mm_table){.pm = pm, .is_user = is_user};
	return page_alloc(pm, &table->root) ? 0 : -ENOMEM;
}

void mm_table_fini(struct mm_table *table)
{
	mm_table_condemn(table, everything);
	mm_table_reap(table, everything);
	CHECK(table->page_count == 0);
	physmem_free_pages(table->pm, table->root, 0);
	table->root = hpa(0);
}

/* Leaves */

uint64_t *mm_table_find(const struct mm_table *table, uint64_t address)
{
	uint64_t *entries = root_of(table);

	for (unsigned level = MM_TABLE_LEVELS; level > 1; level--) {
		uint64_t entry = load(&entries[vtd_level_index(address, level)]);

		if (!(entry & VTD_FS_PTE_P))
			return NULL;
		entries = entries_of(table, entry);
	}
	return &entries[vtd_level_index(address, 1)];
}

/* Rights are the leaves' affair. A table that is condemned and not reaped blocks its place. */
static bool make_next(struct mm_table *table, uint64_t *entry)
{
	hpa_t page;

	if (load(entry))
		return mm_leaf_is_present(entry);
	if (!page_alloc(table->pm, &page))
		return false;
	__atomic_store_n(entry,
			 VTD_FS_PTE_P | VTD_FS_PTE_RW | (table->is_user ? VTD_FS_PTE_US : 0u) |
				 page.v,
			 __ATOMIC_RELEASE);
	return true;
}

uint64_t *mm_table_make(struct mm_table *table, uint64_t address)
{
	uint64_t *entries = root_of(table);

	for (unsigned level = MM_TABLE_LEVELS; level > 1; level--) {
		uint64_t *entry = &entries[vtd_level_index(address, level)];

		if (!make_next(table, entry))
			return NULL;
		entries = entries_of(table, load(entry));
	}
	return &entries[vtd_level_index(address, 1)];
}

static void count(struct mm_table *table, int64_t more)
{
	__atomic_store_n(&table->page_count, table->page_count + (uint64_t)more, __ATOMIC_RELAXED);
}

void mm_leaf_set(struct mm_table *table, uint64_t *leaf, hpa_t page, bool writable)
{
	uint64_t value = VTD_FS_PTE_P | (writable ? VTD_FS_PTE_RW : 0u) |
			 (table->is_user ? VTD_FS_PTE_US : 0u) | page.v;

	CHECK(load(leaf) == 0);
	SEAM_MEMORY_WRITE(leaf);
	__atomic_store_n(leaf, value, __ATOMIC_RELEASE);
	count(table, 1);
}

void mm_leaf_set_writable(uint64_t *leaf, bool writable)
{
	SEAM_MEMORY_WRITE(leaf);
	if (writable)
		__atomic_fetch_or(leaf, VTD_FS_PTE_RW, __ATOMIC_RELEASE);
	else
		__atomic_fetch_and(leaf, ~(uint64_t)VTD_FS_PTE_RW, __ATOMIC_RELEASE);
}

void mm_leaf_touch(uint64_t *leaf, bool write)
{
	__atomic_fetch_or(leaf, VTD_FS_PTE_A | (write ? VTD_FS_PTE_D : 0u), __ATOMIC_RELAXED);
}

bool mm_leaf_is_present(const uint64_t *leaf)
{
	return load(leaf) & VTD_FS_PTE_P;
}

bool mm_leaf_is_condemned(const uint64_t *leaf)
{
	return !mm_leaf_is_present(leaf) && (load(leaf) & CONDEMNED);
}

hpa_t mm_leaf_page(const uint64_t *leaf)
{
	return hpa(vtd_pte_address(load(leaf), 1));
}

/* Ranges */

struct visit {
	struct mm_table *table;
	void (*leaf)(void *arg, uint64_t *leaf);
	void *arg;
};

static void visit_table(const struct visit *visit, uint64_t *entries, unsigned level,
			struct mm_range range)
{
	unsigned last = vtd_level_index(range.last, level);

	for (unsigned i = vtd_level_index(range.first, level); i <= last; i++) {
		uint64_t entry = load(&entries[i]);

		if (!(entry & VTD_FS_PTE_P))
			continue;
		if (level == 1)
			visit->leaf(visit->arg, &entries[i]);
		else
			visit_table(visit, entries_of(visit->table, entry), level - 1,
				    part_of(range, level, i));
	}
}

void mm_table_for_each(struct mm_table *table, struct mm_range range,
		       void (*fn)(void *arg, uint64_t *leaf), void *arg)
{
	struct visit visit = {table, fn, arg};

	visit_table(&visit, root_of(table), MM_TABLE_LEVELS, translated(range));
}

static void condemn_entry(uint64_t *entry)
{
	SEAM_MEMORY_WRITE(entry);
	/* From here on no hardware writes to it. */
	__atomic_fetch_and(entry, ~(uint64_t)VTD_FS_PTE_P, __ATOMIC_RELEASE);
	__atomic_fetch_or(entry, CONDEMNED, __ATOMIC_RELAXED);
}

static bool has_present(const uint64_t *entries)
{
	for (unsigned i = 0; i < VTD_PTE_COUNT; i++)
		if (load(&entries[i]) & VTD_FS_PTE_P)
			return true;
	return false;
}

/* Returns whether anything was condemned. */
static bool condemn_in(struct mm_table *table, uint64_t *entries, unsigned level,
		       struct mm_range range)
{
	unsigned last = vtd_level_index(range.last, level);
	bool any = false;

	for (unsigned i = vtd_level_index(range.first, level); i <= last; i++) {
		uint64_t entry = load(&entries[i]);
		uint64_t *below;

		if (!(entry & VTD_FS_PTE_P))
			continue;
		if (level > 1) {
			below = entries_of(table, entry);
			any |= condemn_in(table, below, level - 1, part_of(range, level, i));
			if (has_present(below))
				continue;
		}
		condemn_entry(&entries[i]);
		any = true;
	}
	return any;
}

bool mm_table_condemn(struct mm_table *table, struct mm_range range)
{
	return condemn_in(table, root_of(table), MM_TABLE_LEVELS, translated(range));
}

static void free_condemned(struct mm_table *table, uint64_t *entry, unsigned level)
{
	physmem_free_pages(table->pm, hpa(vtd_pte_address(load(entry), 1)), 0);
	__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
	if (level == 1)
		count(table, -1);
}

static void reap_in(struct mm_table *table, uint64_t *entries, unsigned level,
		    struct mm_range range)
{
	unsigned last = vtd_level_index(range.last, level);

	for (unsigned i = vtd_level_index(range.first, level); i <= last; i++) {
		uint64_t entry = load(&entries[i]);

		if (!entry)
			continue;
		if (level > 1)
			reap_in(table, entries_of(table, entry), level - 1,
				part_of(range, level, i));
		if (!(entry & VTD_FS_PTE_P))
			free_condemned(table, &entries[i], level);
	}
}

void mm_table_reap(struct mm_table *table, struct mm_range range)
{
	reap_in(table, root_of(table), MM_TABLE_LEVELS, translated(range));
}
