/* SPDX-License-Identifier: MIT */
/*
 * Which ids a set has: a bit for each of 2^20, in pages that are made on first use and kept until the
 * end, as most sets have few ids and those near to each other. The owner's lock protects it.
 */
#ifndef HOST_IOASID_MEMBERS_H
#define HOST_IOASID_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#define MEMBERS_PAGE_LG2   12
#define MEMBERS_PAGE_WORDS ((1u << MEMBERS_PAGE_LG2) / 64)
#define MEMBERS_PAGES      (1u << (20 - MEMBERS_PAGE_LG2))
#define MEMBERS_NONE       UINT32_MAX

/* Zeroed: nobody is in it. */
struct members {
	uint64_t *pages[MEMBERS_PAGES];
};

void members_fini(struct members *members);
/* id: below 2^20. 0; -ENOMEM. */
int members_add(struct members *members, uint32_t id);
void members_remove(struct members *members, uint32_t id);
/* The first one at or after `from`; MEMBERS_NONE: there is none. */
uint32_t members_next(const struct members *members, uint32_t from);

#endif
