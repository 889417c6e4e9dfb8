/* SPDX-License-Identifier: MIT */
/*
 * Atomic contexts: stretches of code in which a thread must not wait for another one, such as an
 * event function that is called under a lock. The waits of base check that the calling thread is in
 * none: rcu_synchronize, rcu_barrier, worker_pool_wait_until, worker_destroy. Locks may be taken.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdbool.h>

#include "base/check.h"

/* Nesting depth of the calling thread: only for the functions below. */
extern _Thread_local unsigned atomic_depth_ __attribute__((tls_model("initial-exec")));

static inline void atomic_enter(void)
{
	atomic_depth_++;
}

static inline void atomic_exit(void)
{
	CHECK(atomic_depth_ > 0);
	atomic_depth_--;
}

static inline bool atomic_is_inside(void)
{
	return atomic_depth_ > 0;
}

#endif
