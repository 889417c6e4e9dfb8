/* SPDX-License-Identifier: MIT */
/*
 * Table pages that hardware may still be reading, waiting for the flush after which they can be
 * freed. The list is threaded through the pages themselves, so that putting one on it cannot fail:
 * the first word of a page holds the address of the next, and an aligned address has P, R and W
 * zero, which hardware takes for an entry that is not present (VT-d 9.5, 9.6, 9.8), whichever kind
 * of table the page was.
 */
#ifndef HOST_PAGE_LIST_H
#define HOST_PAGE_LIST_H

#include "host/port.h"

struct page_list {
	uint64_t first; /* HPA and order, 0: empty */
};

/* Where tables live, and what it takes until hardware sees them. */
struct table_memory {
	struct physmem *pm;
	const struct vtd_port *port; /* writes back what is written; NULL: hardware snoops */
};

/* Words of a table have been written. Hardware sees them when this returns. */
static inline void table_written(const struct table_memory *memory, const void *at, size_t len)
{
	if (memory->port)
		memory->port->write_back(memory->port->arg, at, len);
}

/* One zeroed page that hardware will see zeroed; NULL: no memory. */
void *table_alloc(const struct table_memory *memory, hpa_t *page);

/* One zeroed page; NULL: no memory. */
void *page_alloc(struct physmem *pm, hpa_t *page);

static inline bool page_list_is_empty(const struct page_list *list)
{
	return list->first == 0;
}

/* 2^order pages. Entries that are still present in it are cleared by the caller first. */
void page_list_add(struct physmem *pm, struct page_list *list, hpa_t pages, unsigned order);
/* Appends all of from to list; from is empty then. */
void page_list_move(struct physmem *pm, struct page_list *list, struct page_list *from);
/* No access of hardware and no reader is left: frees all. */
void page_list_free(struct physmem *pm, struct page_list *list);

#endif
