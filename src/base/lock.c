/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/sched.h"

void lock_init(struct lock *lock, enum lock_rank rank, const char *name)
{
	*lock = (struct lock){.rank = rank, .name = name};
}

void lock_destroy(struct lock *lock)
{
	CHECK(__atomic_load_n(&lock->word, __ATOMIC_RELAXED) == LOCK_FREE);
}

/* Futexes. That one sleeps for nothing, or wakes nobody, is no error; errno is the caller's. */

static void futex_wait(uint32_t *word, uint32_t as_long_as, const struct timespec *until)
{
	int before = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, as_long_as, until, NULL,
		FUTEX_BITSET_MATCH_ANY);
	errno = before;
}

static void futex_wake(uint32_t *word, int count)
{
	int before = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
	errno = before;
}

/* Whoever has slept does not know whether others do, so that he leaves the lock wanted. */
void lock_sleep_(struct lock *lock)
{
	while (__atomic_exchange_n(&lock->word, LOCK_WANTED, __ATOMIC_ACQUIRE) != LOCK_FREE)
		futex_wait(&lock->word, LOCK_WANTED, NULL);
}

void lock_wake_(struct lock *lock)
{
	futex_wake(&lock->word, 1);
}

void condition_wait(struct condition *condition, struct lock *lock, uint64_t until_ns)
{
	uint32_t seen = __atomic_load_n(&condition->changes, __ATOMIC_RELAXED);
	struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000u),
				 .tv_nsec = (long)(until_ns % 1000000000u)};

	condition->sleepers++;
	lock_drop(lock);
	futex_wait(&condition->changes, seen, until_ns == UINT64_MAX ? NULL : &until);
	lock_take(lock);
	condition->sleepers--;
}

void condition_tell(struct condition *condition)
{
	if (!condition->sleepers)
		return;
	__atomic_fetch_add(&condition->changes, 1, __ATOMIC_RELEASE);
	futex_wake(&condition->changes, INT_MAX);
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
		lock_take_(lock);
	held_add(lock);
}

void lock_drop(struct lock *lock)
{
	held_remove(lock);
	if (sched_is_on())
		sched_lock_drop(lock);
	else
		lock_drop_(lock);
}

#endif
