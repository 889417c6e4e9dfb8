/* SPDX-License-Identifier: MIT */
/*
 * Locks with ranks, on a futex, and conditions to sleep for with one. In debug builds (VSVA_DEBUG) each
 * acquisition is checked against lock_rank.h.
 *
 * Two instructions that are locked, in line, are all that a lock costs that nobody else wants. Like a
 * pthread mutex it is nobody's in particular, and whoever sleeps for it is woken in no order.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock_rank.h"

enum lock_word {
	LOCK_FREE,
	LOCK_HELD,
	LOCK_WANTED, /* held, and somebody may sleep for it */
};

struct lock {
	uint32_t word; /* atomic: enum lock_word */
	enum lock_rank rank;
	const char *name;
};

/* For a lock that is a static variable. */
#define LOCK_INITIALIZER(rank_, name_)                                                             \
	{                                                                                          \
		.rank = (rank_), .name = (name_)                                                   \
	}

/* name: a literal, for messages */
void lock_init(struct lock *lock, enum lock_rank rank, const char *name);
void lock_destroy(struct lock *lock);

/* Only for the functions below: sleeps until it has the lock; wakes one who sleeps. */
void lock_sleep_(struct lock *lock);
void lock_wake_(struct lock *lock);

static inline void lock_take_(struct lock *lock)
{
	uint32_t free = LOCK_FREE;

	if (!__atomic_compare_exchange_n(&lock->word, &free, LOCK_HELD, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		lock_sleep_(lock);
}

static inline void lock_drop_(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->word, LOCK_FREE, __ATOMIC_RELEASE) == LOCK_WANTED)
		lock_wake_(lock);
}

/*
 * lock_take: waits. Debug builds: CHECK that the rank is greater than that of every lock held.
 * lock_is_held: is it held by the calling thread? lock_none_held: does that hold no lock at all? True in
 * release builds, whatever is held. The test scheduler wants all that, too.
 */
#if defined(VSVA_DEBUG) || defined(VSVA_SCHED)
#define LOCKS_ARE_WATCHED
void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);
bool lock_is_held(const struct lock *lock);
bool lock_none_held(void);
#else
static inline void lock_take(struct lock *lock)
{
	lock_take_(lock);
}
static inline void lock_drop(struct lock *lock)
{
	lock_drop_(lock);
}
static inline bool lock_is_held(const struct lock *lock)
{
	(void)lock;
	return true;
}
static inline bool lock_none_held(void)
{
	return true;
}
#endif

/* What threads that hold a lock sleep for. Zeroed is none that anybody sleeps for. All with the lock. */
struct condition {
	uint32_t changes; /* atomic */
	uint32_t sleepers;
};

/* Drops the lock, sleeps until the condition is told of a change, or until a time of CLOCK_MONOTONIC
 * (UINT64_MAX: for ever), and takes the lock again. May wake for no reason. */
void condition_wait(struct condition *condition, struct lock *lock, uint64_t until_ns);
/* Wakes all who sleep. */
void condition_tell(struct condition *condition);

#endif
