// SPDX-License-Identifier: MIT
#include "host/ioasid_members.h"

#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"

#define PAGE_IDS (1u << MEMBERS_PAGE_LG2)

void members_fini(struct members *members)
{
	for (unsigned page = 0; page < MEMBERS_PAGES; page++)
		base_free(members->pages[page]);
}

static uint64_t *word_of(const struct members *members, uint32_t id)
{
	return &members->pages[id / PAGE_IDS][id % PAGE_IDS / 64];
}

int members_add(struct members *members, uint32_t id)
{
	uint64_t **page = &members->pages[id / PAGE_IDS];

	if (!*page)
		*page = base_calloc(MEMBERS_PAGE_WORDS, sizeof(**page));
	if (!*page)
		return -ENOMEM;
	*word_of(members, id) |= UINT64_C(1) << id % 64;
	return 0;
}

void members_remove(struct members *members, uint32_t id)
{
	*word_of(members, id) &= ~(UINT64_C(1) << id % 64);
}

/* The first one of a page, from a number in it on. */
static uint32_t next_of_page(const uint64_t *page, uint32_t from)
{
	uint32_t word = from / 64;
	uint64_t bits = page[word] & UINT64_MAX << from % 64;

	while (!bits && ++word < MEMBERS_PAGE_WORDS)
		bits = page[word];
	return bits ? word * 64 + (uint32_t)__builtin_ctzll(bits) : MEMBERS_NONE;
}

uint32_t members_next(const struct members *members, uint32_t from)
{
	for (uint32_t page = from / PAGE_IDS; page < MEMBERS_PAGES; page++) {
		uint32_t first = page == from / PAGE_IDS ? from % PAGE_IDS : 0;
		uint32_t found = MEMBERS_NONE;

		if (members->pages[page])
			found = next_of_page(members->pages[page], first);
		if (found != MEMBERS_NONE)
			return page * PAGE_IDS + found;
	}
	return MEMBERS_NONE;
}
