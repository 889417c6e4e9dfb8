/* SPDX-License-Identifier: MIT */
#include "base/host_pages.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

#define CHUNK_PAGES (1u << HOST_PAGES_ORDER_MAX)
#define CHUNK_LEN   ((size_t)CHUNK_PAGES * VSVA_PAGE_SIZE)
#define PAGE_NONE   UINT16_MAX
#define STALE_BYTE  0xa5 /* what debug builds leave in a page that was given back */

/* What is known of a page. The first page of a block speaks for the block. */
enum page_state {
	PAGE_INSIDE, /* of a block, not its first */
	PAGE_FREE,
	PAGE_TAKEN,
};

struct page {
	uint8_t state;
	uint8_t order;
	bool used_before; /* not zero any more */
	uint16_t next;    /* PAGE_FREE: neighbours in the list of its order */
	uint16_t prev;
};

/* Lies behind the chunk's pages. */
struct host_chunk {
	struct physmem_region region;
	struct host_chunk *next;
	uint16_t free_first[HOST_PAGES_ORDER_MAX + 1];
	struct page pages[CHUNK_PAGES];
};

#define MAPPING_LEN (CHUNK_LEN + sizeof(struct host_chunk))

static void free_list_add(struct host_chunk *chunk, unsigned index, unsigned order)
{
	struct page *page = &chunk->pages[index];
	uint16_t second = chunk->free_first[order];

	page->state = PAGE_FREE;
	page->order = (uint8_t)order;
	page->prev = PAGE_NONE;
	page->next = second;
	if (second != PAGE_NONE)
		chunk->pages[second].prev = (uint16_t)index;
	chunk->free_first[order] = (uint16_t)index;
}

static void free_list_remove(struct host_chunk *chunk, unsigned index)
{
	struct page *page = &chunk->pages[index];

	if (page->prev == PAGE_NONE)
		chunk->free_first[page->order] = page->next;
	else
		chunk->pages[page->prev].next = page->next;
	if (page->next != PAGE_NONE)
		chunk->pages[page->next].prev = page->prev;
	page->state = PAGE_INSIDE;
}

static struct host_chunk *chunk_map(void)
{
	unsigned char *memory = base_reserve(MAPPING_LEN);
	struct host_chunk *chunk;

	if (!memory)
		return NULL;
	chunk = (struct host_chunk *)(void *)(memory + CHUNK_LEN);
	chunk->region =
		(struct physmem_region){.memory = memory, .len = CHUNK_LEN, .writable = true};
	for (unsigned order = 0; order <= HOST_PAGES_ORDER_MAX; order++)
		chunk->free_first[order] = PAGE_NONE;
	free_list_add(chunk, 0, HOST_PAGES_ORDER_MAX);
	return chunk;
}

struct physmem_region *host_pages_add_chunk(struct host_pages *host)
{
	struct host_chunk *chunk = chunk_map();

	if (!chunk)
		return NULL;
	chunk->next = host->chunks;
	host->chunks = chunk;
	return &chunk->region;
}

void host_pages_drop_chunk(struct host_pages *host)
{
	struct host_chunk *chunk = host->chunks;

	host->chunks = chunk->next;
	base_unreserve(chunk->region.memory, MAPPING_LEN);
}

void host_pages_release(struct host_pages *host)
{
	while (host->chunks)
		host_pages_drop_chunk(host);
}

bool host_pages_own(const struct host_pages *host, const struct physmem_region *region)
{
	for (const struct host_chunk *chunk = host->chunks; chunk; chunk = chunk->next)
		if (region == &chunk->region)
			return true;
	return false;
}

/* First page of a block of that order, cut from a larger one if need be; PAGE_NONE: no room. */
static unsigned block_take(struct host_chunk *chunk, unsigned order)
{
	unsigned from = order, index;

	while (from <= HOST_PAGES_ORDER_MAX && chunk->free_first[from] == PAGE_NONE)
		from++;
	if (from > HOST_PAGES_ORDER_MAX)
		return PAGE_NONE;
	index = chunk->free_first[from];
	free_list_remove(chunk, index);
	while (from > order) {
		from--;
		free_list_add(chunk, index + (1u << from), from);
	}
	chunk->pages[index].state = PAGE_TAKEN;
	chunk->pages[index].order = (uint8_t)order;
	return index;
}

static void block_return(struct host_chunk *chunk, unsigned index, unsigned order)
{
	chunk->pages[index].state = PAGE_INSIDE;
	for (; order < HOST_PAGES_ORDER_MAX; order++) {
		unsigned buddy = index ^ 1u << order;

		if (chunk->pages[buddy].state != PAGE_FREE || chunk->pages[buddy].order != order)
			break;
		free_list_remove(chunk, buddy);
		index &= ~(1u << order);
	}
	free_list_add(chunk, index, order);
}

static unsigned char *page_memory(struct host_chunk *chunk, unsigned index)
{
	return chunk->region.memory + (size_t)index * VSVA_PAGE_SIZE;
}

static void pages_zero(struct host_chunk *chunk, unsigned index, unsigned count)
{
	for (unsigned i = index; i < index + count; i++) {
		if (chunk->pages[i].used_before)
			memset(page_memory(chunk, i), 0, VSVA_PAGE_SIZE);
		chunk->pages[i].used_before = true;
	}
}

int host_pages_take(struct host_pages *host, unsigned order, hpa_t *base, void **memory)
{
	struct host_chunk *chunk;
	unsigned index = PAGE_NONE;

	if (order > HOST_PAGES_ORDER_MAX)
		return -ENOMEM;
	for (chunk = host->chunks; chunk; chunk = chunk->next) {
		index = block_take(chunk, order);
		if (index != PAGE_NONE)
			break;
	}
	if (!chunk)
		return -EAGAIN;
	pages_zero(chunk, index, 1u << order);
	host->pages_in_use += (size_t)1 << order;
	*base = hpa(chunk->region.base + (uint64_t)index * VSVA_PAGE_SIZE);
	*memory = page_memory(chunk, index);
	return 0;
}

static struct host_chunk *chunk_of(struct host_pages *host, hpa_t address)
{
	struct host_chunk *chunk = host->chunks;

	while (chunk && address.v - chunk->region.base >= CHUNK_LEN)
		chunk = chunk->next;
	return chunk;
}

/* A walker that still reads a table that was given back meets reserved bits, not luck. */
static void pages_make_stale(unsigned char *memory, unsigned order)
{
#ifdef VSVA_DEBUG
	memset(memory, STALE_BYTE, (size_t)VSVA_PAGE_SIZE << order);
#else
	(void)memory;
	(void)order;
#endif
}

void host_pages_return(struct host_pages *host, hpa_t base, unsigned order)
{
	struct host_chunk *chunk = chunk_of(host, base);
	unsigned index;

	CHECK(chunk && base.v % VSVA_PAGE_SIZE == 0);
	index = (unsigned)((base.v - chunk->region.base) / VSVA_PAGE_SIZE);
	CHECK(chunk->pages[index].state == PAGE_TAKEN && chunk->pages[index].order == order);
	pages_make_stale(page_memory(chunk, index), order);
	block_return(chunk, index, order);
	host->pages_in_use -= (size_t)1 << order;
}
