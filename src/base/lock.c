/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include <stdio.h>

#include "base/check.h"
#include "base/sched.h"

void lock_init(struct lock *lock, enum lock_rank rank, const char *name)
{
	*lock = (struct lock){.rank = rank, .name = name};
	CHECK(pthread_mutex_init(&lock->mutex, NULL) == 0);
}

void lock_destroy(struct lock *lock)
{
	CHECK(pthread_mutex_destroy(&lock->mutex) == 0);
}

#ifdef LOCKS_ARE_WATCHED

/* Deeper than the ranks there are: a rank is never held twice. */
#define HELD_MAX 32

static _Thread_local const struct lock *held[HELD_MAX];
static _Thread_local unsigned held_count;

static void held_check_order(const struct lock *lock)
{
	for (unsigned i = 0; i < held_count; i++) {
		if (held[i]->rank < lock->rank)
			continue;
		fprintf(stderr,
			"vsva: lock order: \"%s\" (rank %d) taken with \"%s\" (rank %d) held\n",
			lock->name, (int)lock->rank, held[i]->name, (int)held[i]->rank);
		check_failed("lock order", __FILE__, __LINE__);
	}
}

static void held_add(const struct lock *lock)
{
	CHECK(held_count < HELD_MAX);
	held[held_count++] = lock;
}

static void held_remove(const struct lock *lock)
{
	unsigned i = held_count;

	while (i > 0 && held[i - 1] != lock)
		i--;
	CHECK(i > 0);
	for (held_count--; i <= held_count; i++)
		held[i - 1] = held[i];
}

bool lock_is_held(const struct lock *lock)
{
	for (unsigned i = 0; i < held_count; i++)
		if (held[i] == lock)
			return true;
	return false;
}

bool lock_none_held(void)
{
	return held_count == 0;
}

void lock_take(struct lock *lock)
{
	held_check_order(lock);
	if (sched_is_on())
		sched_lock_take(lock);
	else
		CHECK(pthread_mutex_lock(&lock->mutex) == 0);
	held_add(lock);
}

void lock_drop(struct lock *lock)
{
	held_remove(lock);
	if (sched_is_on())
		sched_lock_drop(lock);
	else
		CHECK(pthread_mutex_unlock(&lock->mutex) == 0);
}

#endif
