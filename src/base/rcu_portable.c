/* SPDX-License-Identifier: MIT */
/*
 * The same in C11 atomics, without fences, which the thread sanitizer does not understand.
 *
 * A reader stores the period that it is in (0: offline) and then touches `period` with a
 * read-modify-write, as the writer does when it begins a new one. Of two read-modify-writes of one
 * object one comes first: if the reader's does, the writer sees what the reader stored and waits
 * for it; if the writer's does, the reader sees what the writer did before, and need not be waited
 * for.
 */
#include "base/rcu_flavour.h"

#ifdef VSVA_RCU_PORTABLE

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define YIELDS_BEFORE_SLEEP 100
#define SLEEP_NS            20000

struct reader {
	_Atomic uint64_t period; /* 0: offline */
	struct reader *next;     /* readers_mutex */
};

static _Atomic uint64_t period = 1;
static pthread_mutex_t readers_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct reader *readers; /* readers_mutex */
static _Thread_local struct reader self;

static void enter(uint64_t now)
{
	atomic_store_explicit(&self.period, now, memory_order_release);
	atomic_fetch_add_explicit(&period, 0, memory_order_acq_rel);
}

void flavour_register(void)
{
	pthread_mutex_lock(&readers_mutex);
	self.next = readers;
	readers = &self;
	pthread_mutex_unlock(&readers_mutex);
	flavour_online();
}

void flavour_unregister(void)
{
	struct reader **link = &readers;

	pthread_mutex_lock(&readers_mutex);
	while (*link != &self)
		link = &(*link)->next;
	*link = self.next;
	pthread_mutex_unlock(&readers_mutex);
}

void flavour_online(void)
{
	enter(atomic_load_explicit(&period, memory_order_acquire));
}

void flavour_offline(void)
{
	atomic_store_explicit(&self.period, 0, memory_order_release);
}

void flavour_quiescent(void)
{
	uint64_t now = atomic_load_explicit(&period, memory_order_acquire);

	if (now != atomic_load_explicit(&self.period, memory_order_relaxed))
		enter(now);
}

bool flavour_is_awaited(void)
{
	return atomic_load_explicit(&self.period, memory_order_relaxed) !=
	       atomic_load_explicit(&period, memory_order_acquire);
}

static bool all_readers_passed(uint64_t target)
{
	bool passed = true;

	pthread_mutex_lock(&readers_mutex);
	for (struct reader *reader = readers; reader && passed; reader = reader->next) {
		uint64_t in = atomic_load_explicit(&reader->period, memory_order_acquire);

		passed = in == 0 || in >= target;
	}
	pthread_mutex_unlock(&readers_mutex);
	return passed;
}

void flavour_synchronize(void)
{
	uint64_t target = atomic_fetch_add_explicit(&period, 1, memory_order_acq_rel) + 1;

	for (unsigned tries = 0; !all_readers_passed(target); tries++) {
		if (tries < YIELDS_BEFORE_SLEEP)
			sched_yield();
		else
			nanosleep(&(struct timespec){.tv_nsec = SLEEP_NS}, NULL);
	}
}

#endif
