/* SPDX-License-Identifier: MIT */
/*
 * Domain ids: the tags of cached translations. Same id means same second stage; ids of nested
 * translations are used once each. Id 0 is never used: the unit keeps it for faulty entries when
 * CAP.CM=1 (VT-d 6.2.3.1).
 *
 * Threads: any.
 */
#ifndef HOST_DID_H
#define HOST_DID_H

#include "base/lock.h"
#include "vsva/types.h"

/* Where a unit with CM=1 files entries that were not present, VT-d 6.1 */
#define DID_OF_NOT_PRESENT 0u

struct did_pool {
	struct lock lock; /* LOCK_RANK_LEAF */
	uint32_t end;     /* ids are below */
	uint64_t *taken;  /* lock: a bit for each id */
	uint64_t *doubt;  /* lock: taken, but free after the next flush of everything that works */
	uint64_t *flush;  /* lock: those in doubt when a flush of everything began */
};

/* bits: of CAP.ND. */
int did_pool_init(struct did_pool *pool, unsigned bits);
void did_pool_fini(struct did_pool *pool);
/* -ENOSPC */
int did_alloc(struct did_pool *pool, did_t *out);
/* Nothing is cached under the id any more. */
void did_free(struct did_pool *pool, did_t did);
/* Something may be: a flush timed out. */
void did_doubt(struct did_pool *pool, did_t did);
/* Around a flush of everything, one at a time: what was in doubt before it is free after it. */
void did_doubt_begin_flush(struct did_pool *pool);
void did_doubt_end_flush(struct did_pool *pool, bool worked);

#endif
