/* SPDX-License-Identifier: MIT */
/*
 * Locks with ranks. In debug builds (VSVA_DEBUG) each acquisition is checked against lock_rank.h.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

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
/* Waits. Debug builds: CHECK that the rank is greater than that of every lock held. */
void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);
/* Debug builds: is this lock held by the calling thread? Release builds: true. */
bool lock_is_held(const struct lock *lock);
/* Debug builds: does the calling thread hold no lock at all? Release builds: true. */
bool lock_none_held(void);

#endif
