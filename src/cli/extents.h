/* SPDX-License-Identifier: MIT */
/*
 * A map from address ranges to address ranges, with the life of a mapping in it:
 *
 *   live     an access is allowed
 *   retired  it is being taken away: allowed until the invalidation has completed
 *   buried   gone; an access is a violation
 *
 * Live extents do not overlap; retired ones may overlap live ones that came after them. Pieces of
 * extents can be retired and buried.
 *
 * Threads: the caller serialises.
 */
#ifndef CLI_EXTENTS_H
#define CLI_EXTENTS_H

#include <stdbool.h>
#include <stdint.h>

struct extent {
	uint64_t start, len, to;
	bool writable;
};

struct retired;

struct extents {
	void *live; /* tree of struct extent, see tsearch(3) */
	struct retired *retired;
};

/* What is live in the range is buried first. -ENOMEM. */
int extents_add(struct extents *extents, const struct extent *extent);
/* -ENOMEM. */
int extents_retire(struct extents *extents, uint64_t start, uint64_t len);
/* Retired pieces of the range are no longer allowed; live ones stay. -ENOMEM. */
int extents_bury(struct extents *extents, uint64_t start, uint64_t len);
void extents_clear(struct extents *extents);

/* Ways in which an address may be reached now: first the live one, then retired ones. */
struct extents_cursor {
	bool has_begun;
	const struct retired *next;
};

/* The next way, {0} in the cursor for the first: where to, and for how many bytes on at most *len.
 */
bool extents_next(const struct extents *extents, struct extents_cursor *cursor, uint64_t address,
		  bool write, uint64_t *to, uint64_t *len);
/* Whether some address of the map leads to a target, and for how many bytes on at most *len. */
bool extents_leads_to(const struct extents *extents, uint64_t to, bool write, uint64_t *len);

#endif
