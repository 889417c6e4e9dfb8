/* SPDX-License-Identifier: MIT */
/*
 * Locks with ranks. In debug builds (VSVA_DEBUG) each acquisition is checked against lock_rank.h.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/lock_rank.h"

struct lock {
	pthread_mutex_t mutex;
	enum lock_rank rank;
	const char *name;
};

/* For a lock that is a static variable. */
#define LOCK_INITIALIZER(rank_, name_)                                                             \
	{                                                                                          \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (rank_), .name = (name_)               \
	}

/* name: a literal, for messages */
void lock_init(struct lock *lock, enum lock_rank rank, const char *name);
void lock_destroy(struct lock *lock);

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
	CHECK(pthread_mutex_lock(&lock->mutex) == 0);
}
static inline void lock_drop(struct lock *lock)
{
	CHECK(pthread_mutex_unlock(&lock->mutex) == 0);
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

#endif
