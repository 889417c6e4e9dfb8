/* SPDX-License-Identifier: MIT */
/*
 * Workers: everything that runs "by itself" (a device's engine, the host's page-request handler, a
 * virtual unit's queue) is a function that does a bounded amount of work and says whether there is
 * more. A pool runs them in one of two ways:
 *
 *   WORKERS_THREADS  a thread per worker, asleep until kicked
 *   WORKERS_MANUAL   nobody runs them but worker_pool_step() and the waits below: one thread,
 *                    same order every time; the order is drawn from the pool's seed
 *
 * In manual mode a wait (worker_pool_wait_until) runs other workers until its condition holds, so
 * code that waits for hardware or for a guest is the same in both modes. A worker that is running
 * (also one that waits) is never entered again.
 */
#ifndef BASE_WORKER_H
#define BASE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fail.h"

enum worker_mode { WORKERS_MANUAL, WORKERS_THREADS };

struct worker_pool;
struct worker;

/* NULL: no memory. seed orders the workers in manual mode; 0 means in turn, in the order of
 * creation. */
struct worker_pool *worker_pool_create(enum worker_mode mode, uint64_t seed);
/* All workers must have been destroyed. */
void worker_pool_destroy(struct worker_pool *pool);
enum worker_mode worker_pool_mode(const struct worker_pool *pool);

/* run returns true if there is more to do. name: a literal. NULL: no memory or no thread. */
struct worker *worker_create(struct worker_pool *pool, const char *name, bool (*run)(void *arg),
			     void *arg);
#define worker_pool_create(mode, seed)      FAIL_SITE(worker_pool_create(mode, seed))
#define worker_create(pool, name, run, arg) FAIL_SITE(worker_create(pool, name, run, arg))
/* Any thread, any lock held but LOCK_RANK_WORKER and above; never blocks. NULL is ignored. */
void worker_kick(struct worker *worker);
/* Returns when run is not running and will not run again. Not from within run of the same worker,
 * not with a lock held that run takes. NULL is ignored. */
void worker_destroy(struct worker *worker);

/* Manual mode: runs one kicked worker; false if none was. Threads mode: false. */
bool worker_pool_step(struct worker_pool *pool);
/* Manual mode: until none is kicked, at most limit steps; returns the steps taken.
 * Threads mode: waits until no worker is kicked or running, at most limit milliseconds; returns how
 * often a worker was run meanwhile. */
uint64_t worker_pool_run_idle(struct worker_pool *pool, uint64_t limit);

/*
 * Waits until done(arg) is true; returns false on time-out. Threads mode: polls done() with
 * growing sleeps (and at once after worker_pool_notify()) until timeout_ms have passed. Manual
 * mode: steps other workers; gives up when none is runnable and done() is still false (time does
 * not help a world that stands still), or after a thousand steps for each millisecond of the
 * time-out. Not inside an RCU read section (checked), no lock held that a worker takes.
 */
bool worker_pool_wait_until(struct worker_pool *pool, bool (*done)(void *arg), void *arg,
			    uint32_t timeout_ms);
/* Something that a wait may be waiting for has changed. Never blocks for long. */
void worker_pool_notify(struct worker_pool *pool);

#endif
