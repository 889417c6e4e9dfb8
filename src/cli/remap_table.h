/* SPDX-License-Identifier: MIT */
/*
 * The tables of a unit, from its root down: which entries a table has, and to which tables an entry
 * leads. Who follows them decides how far; tables that a guest has written may lead in a circle.
 *
 *   input    what an entry is about: a bus, a requester id, a PASID, or the first address that is
 *            translated by it
 *   leaf     a paging entry that leads to a page
 */
#ifndef CLI_REMAP_TABLE_H
#define CLI_REMAP_TABLE_H

#include "cli/view/view.h"
#include "vsva/describe.h"

enum remap_kind {
	REMAP_LEGACY_ROOT,
	REMAP_ROOT,
	REMAP_LEGACY_CONTEXT,
	REMAP_CONTEXT,
	REMAP_PASID_DIRECTORY,
	REMAP_PASID_TABLE,
	REMAP_FIRST_STAGE,
	REMAP_SECOND_STAGE,
};

struct remap_table {
	enum remap_kind kind;
	uint64_t address; /* as it is said where the table is named */
	unsigned pages;   /* 1; a PASID directory may have more */
	unsigned level;   /* of a paging table: 1 … 5; else 0 */
	uint64_t input;   /* of its first entry */
	/* of the first stage of a nested translation: address goes through this second stage; 0: none */
	uint64_t second;
	unsigned second_levels;
};

/* An entry leads to two tables at most: halves of a bus, stages. */
#define REMAP_CHILDREN 2u

/* The table that RTADDR names, as it was latched. */
struct remap_table remap_root(uint64_t rtaddr);
const struct vsva_layout *remap_layout(const struct remap_table *table);
/* Entries of a page of it, and 64-bit words of an entry. */
unsigned remap_entries(const struct remap_table *table);
unsigned remap_words(const struct remap_table *table);
bool remap_is_present(const struct remap_table *table, const uint64_t *entry);
/* Of a paging table. */
bool remap_is_leaf(const struct remap_table *table, const uint64_t *entry);
/* index: counted through all pages. */
uint64_t remap_input(const struct remap_table *table, unsigned index);
/* Bytes that a paging entry translates. */
uint64_t remap_span(const struct remap_table *table);
/* The tables that a present entry leads to: how many. */
unsigned remap_children(const struct remap_table *table, unsigned index, const uint64_t *entry,
			struct remap_table out[REMAP_CHILDREN]);
/* Where a page of it lies in the memory that the view is asked for, of VM vm or (0) physical. false:
 * its second stage leads nowhere. */
bool remap_place(struct view *view, uint32_t vm, const struct remap_table *table, unsigned page,
		 uint64_t *address);

#endif
