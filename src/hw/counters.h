/* SPDX-License-Identifier: MIT */
/*
 * Statistics. Those that every access counts are kept per thread (roughly: in a shard), so that
 * counting costs no shared cache line; two threads that meet in a shard may lose a count.
 */
#ifndef HW_COUNTERS_H
#define HW_COUNTERS_H

#include <stdint.h>

#define COUNTERS_SHARDS 16u
#define COUNTERS_TYPES  16u /* more than there are types of descriptors */

struct counters {
	struct {
		uint64_t iotlb_hits, iotlb_misses, walks;
	} __attribute__((aligned(64))) shard[1 + COUNTERS_SHARDS];
	/* the rest: atomic */
	uint64_t descriptors, waits, page_requests, faults;
	uint64_t descriptors_of[COUNTERS_TYPES]; /* by type */
};

/* 0: threads that have not missed anything yet */
extern _Thread_local unsigned counters_shard_ __attribute__((tls_model("initial-exec")));
void counters_take_shard_(void);

static inline unsigned counters_shard(void)
{
	return counters_shard_;
}

/* The thread gets a shard of its own, if it has none. */
static inline void counters_take_shard(void)
{
	if (!counters_shard_)
		counters_take_shard_();
}

static inline void counters_bump_by(uint64_t *sharded, uint64_t count)
{
	__atomic_store_n(sharded, __atomic_load_n(sharded, __ATOMIC_RELAXED) + count,
			 __ATOMIC_RELAXED);
}

static inline void counters_bump(uint64_t *sharded)
{
	counters_bump_by(sharded, 1);
}

static inline void counters_add(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static inline uint64_t counters_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
