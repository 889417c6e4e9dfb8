// SPDX-License-Identifier: MIT
#include "host/page_list.h"

#include "base/check.h"

/* Where the order stands in a link: ignored by hardware like the address, and not P, R or W. */
#define ORDER_UNIT UINT64_C(16)
#define ORDER_MASK UINT64_C(0xf0)
#define PAGE_MASK  ((uint64_t)VSVA_PAGE_SIZE - 1)

void *page_alloc(struct physmem *pm, hpa_t *page)
{
	void *memory;

	return physmem_alloc_pages(pm, 0, page, &memory) ? NULL : memory;
}

void *table_alloc(const struct table_memory *memory, hpa_t *page)
{
	void *table = page_alloc(memory->pm, page);

	if (table)
		table_written(memory, table, VSVA_PAGE_SIZE);
	return table;
}

static hpa_t link_page(uint64_t link)
{
	return hpa(link & ~PAGE_MASK);
}

static uint64_t *link_of(struct physmem *pm, uint64_t link)
{
	return physmem_own_page(pm, link_page(link));
}

static void link_set(struct physmem *pm, uint64_t link, uint64_t next)
{
	__atomic_store_n(link_of(pm, link), next, __ATOMIC_RELAXED);
}

void page_list_add(struct physmem *pm, struct page_list *list, hpa_t pages, unsigned order)
{
	uint64_t link = pages.v | order * ORDER_UNIT;

	CHECK(pages.v && (pages.v & PAGE_MASK) == 0 && order * ORDER_UNIT <= ORDER_MASK);
	link_set(pm, link, list->first);
	list->first = link;
}

void page_list_move(struct physmem *pm, struct page_list *list, struct page_list *from)
{
	uint64_t last = from->first;

	if (!last)
		return;
	while (*link_of(pm, last))
		last = *link_of(pm, last);
	link_set(pm, last, list->first);
	list->first = from->first;
	from->first = 0;
}

void page_list_free(struct physmem *pm, struct page_list *list)
{
	while (list->first) {
		uint64_t link = list->first;

		list->first = *link_of(pm, link);
		physmem_free_pages(pm, link_page(link),
				   (unsigned)((link & ORDER_MASK) / ORDER_UNIT));
	}
}
