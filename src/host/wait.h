/* SPDX-License-Identifier: MIT */
/* Waits of the driver, all bounded. */
#ifndef HOST_WAIT_H
#define HOST_WAIT_H

#include "base/atomic.h"
#include "base/fail.h"
#include "base/worker.h"

/*
 * Waits until done(arg). Without threads the unit has done all that it will do when the register
 * write returns, and no worker may run below a lock of the driver's: then one look is the whole
 * wait. For whoever waits until it has happened, or gives memory up for good because it has not:
 * others use host_wait().
 */
static inline bool host_wait_out(struct worker_pool *pool, bool (*done)(void *arg), void *arg,
				 uint32_t timeout_ms)
{
	CHECK(!atomic_is_inside());
	if (done(arg))
		return true;
	return worker_pool_mode(pool) == WORKERS_THREADS &&
	       worker_pool_wait_until(pool, done, arg, timeout_ms);
}

/* The same as a step that a test makes fail: it comes too late then, whatever has happened. */
static inline bool host_wait(struct worker_pool *pool, bool (*done)(void *arg), void *arg,
			     uint32_t timeout_ms)
{
	return !fail_nth_now() && host_wait_out(pool, done, arg, timeout_ms);
}
#define host_wait(pool, done, arg, timeout_ms) FAIL_SITE(host_wait(pool, done, arg, timeout_ms))

#endif
