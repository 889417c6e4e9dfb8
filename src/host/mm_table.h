/* SPDX-License-Identifier: MIT */
/*
 * Page tables of a native address space: x86-64, four levels, pages of 4 KiB (VT-d 3.6, 9.7).
 *
 * Hardware reads entries at any time, and sets A and D in those that are present, each by one
 * locked operation on what it has read (VT-d 3.6.2); so an entry changes here by single atomic
 * operations, too, and none of them writes back an A or D that it has read before.
 *
 * Condemning takes P from entries and leaves the rest, so that reaping finds what to free without
 * a list, and neither needs memory.
 *
 * Ranges are [first, last] of addresses; bits above the 48 that are translated are ignored. Writers
 * are serialised by the owner.
 */
#ifndef HOST_MM_TABLE_H
#define HOST_MM_TABLE_H

#include "host/page_list.h"
#include "vtd/tables.h"

#define MM_TABLE_LEVELS 4u
#define MM_TABLE_WIDTH  48u

struct mm_table {
	struct physmem *pm;
	hpa_t root;
	bool is_user;        /* its pages are */
	uint64_t page_count; /* leaves, condemned ones too; atomic, writers: owner */
};

struct mm_range {
	uint64_t first, last;
};

/* 0; -ENOMEM. */
int mm_table_init(struct mm_table *table, struct physmem *pm, bool is_user);
/* Frees everything, present or condemned: no hardware looks at it. */
void mm_table_fini(struct mm_table *table);

/* The leaf entry of an address. NULL: there is no table for it. */
uint64_t *mm_table_find(const struct mm_table *table, uint64_t address);
/* The same, and makes the tables. NULL: no memory. */
uint64_t *mm_table_make(struct mm_table *table, uint64_t address);

/* Makes a page present in an entry that is 0. */
void mm_leaf_set(struct mm_table *table, uint64_t *leaf, hpa_t page, bool writable);
void mm_leaf_set_writable(uint64_t *leaf, bool writable);
/* What an access of a CPU leaves. */
void mm_leaf_touch(uint64_t *leaf, bool write);
bool mm_leaf_is_present(const uint64_t *leaf);
bool mm_leaf_is_condemned(const uint64_t *leaf);
hpa_t mm_leaf_page(const uint64_t *leaf);

/* Calls fn for each leaf of the range that is present. */
void mm_table_for_each(struct mm_table *table, struct mm_range range,
		       void (*fn)(void *arg, uint64_t *leaf), void *arg);
/* Leaves of the range, and tables that have nothing present any more. false: there were none. */
bool mm_table_condemn(struct mm_table *table, struct mm_range range);
/* Frees what is condemned in the range. */
void mm_table_reap(struct mm_table *table, struct mm_range range);

#endif
