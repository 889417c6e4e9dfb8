/* SPDX-License-Identifier: MIT */
#include "base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "base/sched.h"

#define POLL_FIRST_NS 20000u
#define POLL_LAST_NS  1000000u
#define STEPS_PER_MS  1000u

/* Bits of worker.state, atomic. */
#define KICKED  1u /* run is owed */
#define RUNNING 2u /* run is on somebody's stack */

struct worker {
	struct worker_pool *pool;
	const char *name;
	bool (*run)(void *arg);
	void *arg;
	unsigned state;
	struct worker *next; /* pool->lock */

	/* threads mode */
	pthread_t thread;
	struct sched_thread *scheduled; /* under the test scheduler, instead of thread */
	struct lock lock;
	struct condition wake; /* lock */
	bool stopping;         /* lock */
};

struct worker_pool {
	enum worker_mode mode;
	struct lock lock;
	struct worker *first; /* lock: in order of creation */

	/* manual mode, lock */
	bool is_shuffled;
	struct rng rng;
	struct worker *last_run;    /* only compared, may have been destroyed */
	struct worker *last_kicked; /* atomic; NULL: none, or it has been destroyed */

	/* threads mode */
	struct condition changed; /* lock */
	unsigned waiters;         /* atomic */
	uint64_t change_count;    /* atomic */
	uint64_t run_count;       /* atomic */
	/* atomic: one for each KICKED and each RUNNING that is set; never 0 while work is owed */
	unsigned tokens;
};

struct worker_pool *(worker_pool_create)(enum worker_mode mode, uint64_t seed)
{
	struct worker_pool *pool = base_zalloc(sizeof(*pool));

	if (!pool)
		return NULL;
	pool->mode = mode;
	pool->is_shuffled = seed != 0;
	rng_seed(&pool->rng, seed);
	lock_init(&pool->lock, LOCK_RANK_LEAF, "worker pool");
	return pool;
}

void worker_pool_destroy(struct worker_pool *pool)
{
	if (!pool)
		return;
	CHECK(!pool->first);
	lock_destroy(&pool->lock);
	base_free(pool);
}

enum worker_mode worker_pool_mode(const struct worker_pool *pool)
{
	return pool->mode;
}

void worker_pool_notify(struct worker_pool *pool)
{
	sched_signal();
	if (pool->mode == WORKERS_MANUAL)
		return; /* nobody sleeps */
	__atomic_fetch_add(&pool->change_count, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&pool->waiters, __ATOMIC_SEQ_CST) == 0)
		return;
	lock_take(&pool->lock);
	condition_tell(&pool->changed);
	lock_drop(&pool->lock);
}

static void token_add(struct worker_pool *pool)
{
	__atomic_fetch_add(&pool->tokens, 1, __ATOMIC_ACQ_REL);
}

static void token_drop(struct worker_pool *pool)
{
	if (__atomic_fetch_sub(&pool->tokens, 1, __ATOMIC_ACQ_REL) == 1)
		worker_pool_notify(pool);
}

/* The token of the kick becomes that of the run. */
static bool begin_run_if_kicked(struct worker *worker)
{
	unsigned kicked = KICKED;

	return __atomic_compare_exchange_n(&worker->state, &kicked, RUNNING, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* If there is more to do the token of the run becomes that of a kick, unless a kick has come
 * meanwhile and has brought its own. */
static void end_run(struct worker *worker, bool more)
{
	bool is_token_used = false;

	CHECK(lock_none_held() && !rcu_is_reading() && !atomic_is_inside());
	if (more)
		is_token_used =
			!(__atomic_fetch_or(&worker->state, KICKED, __ATOMIC_ACQ_REL) & KICKED);
	__atomic_fetch_and(&worker->state, ~RUNNING, __ATOMIC_ACQ_REL);
	if (!is_token_used)
		token_drop(worker->pool);
}

static void run_once(struct worker *worker)
{
	if (worker->pool->mode == WORKERS_THREADS)
		__atomic_fetch_add(&worker->pool->run_count, 1, __ATOMIC_RELAXED);
	end_run(worker, worker->run(worker->arg));
}

static bool is_woken(void *arg)
{
	const struct worker *worker = arg;

	return worker->stopping || (__atomic_load_n(&worker->state, __ATOMIC_ACQUIRE) & KICKED);
}

/* Sleeps until kicked. False: the worker is being destroyed. */
static bool wait_for_kick(struct worker *worker)
{
	bool go_on;

	if (worker->scheduled) {
		sched_wait(is_woken, worker, SEAM_WRITE, worker->name);
		return !worker->stopping;
	}
	lock_take(&worker->lock);
	while (!is_woken(worker))
		condition_wait(&worker->wake, &worker->lock, UINT64_MAX);
	go_on = !worker->stopping;
	lock_drop(&worker->lock);
	return go_on;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	while (wait_for_kick(worker))
		if (begin_run_if_kicked(worker))
			run_once(worker);
	return NULL;
}

static int scheduled_start(struct worker *worker)
{
	if (fail_nth_now())
		return EAGAIN;
	worker->scheduled = sched_start(worker->name, worker_main, worker);
	return 0;
}

/* Signals of the program go to the program's threads, but for those that an access raises. */
static int thread_start(struct worker *worker)
{
	sigset_t blocked, before;
	int err;

	if (sched_is_on())
		return scheduled_start(worker);
	sigfillset(&blocked);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	sigdelset(&blocked, SIGTRAP);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	err = FAIL_CALL(EAGAIN, EAGAIN, pthread_create(&worker->thread, NULL, worker_main, worker));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(worker->thread, worker->name);
	return err;
}

static void pool_append(struct worker_pool *pool, struct worker *worker)
{
	struct worker **link = &pool->first;

	lock_take(&pool->lock);
	while (*link)
		link = &(*link)->next;
	*link = worker;
	lock_drop(&pool->lock);
}

static void pool_remove(struct worker_pool *pool, struct worker *worker)
{
	struct worker **link = &pool->first;

	lock_take(&pool->lock);
	while (*link != worker)
		link = &(*link)->next;
	*link = worker->next;
	if (pool->last_kicked == worker)
		__atomic_store_n(&pool->last_kicked, NULL, __ATOMIC_RELAXED);
	lock_drop(&pool->lock);
}

static void worker_free(struct worker *worker)
{
	lock_destroy(&worker->lock);
	base_free(worker);
}

struct worker *(worker_create)(struct worker_pool *pool, const char *name, bool (*run)(void *arg),
			       void *arg)
{
	struct worker *worker = base_zalloc(sizeof(*worker));

	if (!worker)
		return NULL;
	worker->pool = pool;
	worker->name = name;
	worker->run = run;
	worker->arg = arg;
	lock_init(&worker->lock, LOCK_RANK_WORKER, "worker");
	if (pool->mode == WORKERS_THREADS && thread_start(worker)) {
		worker_free(worker);
		return NULL;
	}
	pool_append(pool, worker);
	return worker;
}

void worker_kick(struct worker *worker)
{
	unsigned before;

	if (!worker)
		return;
	SEAM_POINT(SEAM_WORKER, SEAM_READ, worker->name, 0); /* two kicks commute */
	if (sched_loses_kick(worker->name))
		return;
	sched_signal();
	token_add(worker->pool);
	before = __atomic_fetch_or(&worker->state, KICKED, __ATOMIC_ACQ_REL);
	if (before & KICKED)
		token_drop(worker->pool);
	if (worker->pool->mode == WORKERS_MANUAL)
		__atomic_store_n(&worker->pool->last_kicked, worker, __ATOMIC_RELAXED);
	if (before || worker->pool->mode == WORKERS_MANUAL || worker->scheduled)
		return;
	lock_take(&worker->lock);
	condition_tell(&worker->wake);
	lock_drop(&worker->lock);
}

static void scheduled_stop(struct worker *worker)
{
	worker->stopping = true;
	sched_join(worker->scheduled);
}

static void thread_stop(struct worker *worker)
{
	CHECK(!pthread_equal(worker->thread, pthread_self()) && !atomic_is_inside());
	lock_take(&worker->lock);
	worker->stopping = true;
	condition_tell(&worker->wake);
	lock_drop(&worker->lock);
	CHECK(pthread_join(worker->thread, NULL) == 0);
}

void worker_destroy(struct worker *worker)
{
	if (!worker)
		return;
	if (worker->scheduled)
		scheduled_stop(worker);
	else if (worker->pool->mode == WORKERS_THREADS)
		thread_stop(worker);
	CHECK(!(worker->state & RUNNING));
	pool_remove(worker->pool, worker);
	if (worker->state & KICKED)
		token_drop(worker->pool);
	worker_free(worker);
}

/* lock of the pool. Manual mode. */
static bool is_runnable(const struct worker *worker)
{
	return __atomic_load_n(&worker->state, __ATOMIC_ACQUIRE) == KICKED;
}

/* lock of the pool. The nth runnable worker, or NULL. */
static struct worker *runnable_at(const struct worker_pool *pool, uint64_t n)
{
	struct worker *worker;

	for (worker = pool->first; worker; worker = worker->next)
		if (is_runnable(worker) && n-- == 0)
			break;
	return worker;
}

/* lock of the pool. *last: the last of them. Where one token is left and its owner is known, nobody has
 * to be asked. */
static uint64_t runnable_count(const struct worker_pool *pool, struct worker **last)
{
	uint64_t count = 0;

	*last = __atomic_load_n(&pool->last_kicked, __ATOMIC_RELAXED);
	if (*last && is_runnable(*last) && __atomic_load_n(&pool->tokens, __ATOMIC_ACQUIRE) == 1)
		return 1;
	for (struct worker *worker = pool->first; worker; worker = worker->next) {
		if (!is_runnable(worker))
			continue;
		count++;
		*last = worker;
	}
	return count;
}

/* lock of the pool. The first runnable worker behind the one that ran last, or the first of all. */
static struct worker *runnable_in_turn(const struct worker_pool *pool)
{
	struct worker *worker = pool->first;

	while (worker && worker != pool->last_run)
		worker = worker->next;
	if (worker)
		worker = worker->next;
	while (worker && !is_runnable(worker))
		worker = worker->next;
	return worker ? worker : runnable_at(pool, 0);
}

/* lock of the pool. Marks it as running; NULL: none was kicked. */
static struct worker *pick(struct worker_pool *pool)
{
	struct worker *worker = NULL;
	uint64_t count = runnable_count(pool, &worker), nth;

	if (count == 0)
		return NULL;
	if (pool->is_shuffled) {
		nth = rng_below(&pool->rng, count); /* of one too: a seed stands for one order */
		worker = count == 1 ? worker : runnable_at(pool, nth);
	} else if (count > 1) {
		worker = runnable_in_turn(pool);
	}
	CHECK(begin_run_if_kicked(worker));
	pool->last_run = worker;
	return worker;
}

bool worker_pool_step(struct worker_pool *pool)
{
	struct worker *worker;

	if (pool->mode != WORKERS_MANUAL)
		return false;
	lock_take(&pool->lock);
	worker = pick(pool);
	lock_drop(&pool->lock);
	if (worker)
		run_once(worker);
	return worker != NULL;
}

static uint64_t step_until_idle(struct worker_pool *pool, uint64_t limit)
{
	uint64_t steps = 0;

	while (steps < limit && worker_pool_step(pool))
		steps++;
	return steps;
}

static bool is_idle(void *arg)
{
	struct worker_pool *pool = arg;

	return __atomic_load_n(&pool->tokens, __ATOMIC_ACQUIRE) == 0;
}

uint64_t worker_pool_run_idle(struct worker_pool *pool, uint64_t limit)
{
	uint64_t before;

	if (pool->mode == WORKERS_MANUAL)
		return step_until_idle(pool, limit);
	before = __atomic_load_n(&pool->run_count, __ATOMIC_RELAXED);
	worker_pool_wait_until(pool, is_idle, pool,
			       limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit);
	return __atomic_load_n(&pool->run_count, __ATOMIC_RELAXED) - before;
}

static bool step_until(struct worker_pool *pool, bool (*done)(void *arg), void *arg, uint64_t limit)
{
	for (uint64_t steps = 0; steps < limit; steps++) {
		if (done(arg))
			return true;
		if (!worker_pool_step(pool))
			break;
	}
	return done(arg);
}

/* Threads wait in real time: a clock that a test has stopped does not stop them. */
static uint64_t real_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Sleeps until the time, or until something has changed since change_count was seen. */
static void sleep_until(struct worker_pool *pool, uint64_t until_ns, uint64_t seen)
{
	lock_take(&pool->lock);
	if (__atomic_load_n(&pool->change_count, __ATOMIC_SEQ_CST) == seen)
		condition_wait(&pool->changed, &pool->lock, until_ns);
	lock_drop(&pool->lock);
}

static bool poll_until(struct worker_pool *pool, bool (*done)(void *arg), void *arg,
		       uint64_t deadline_ns)
{
	uint64_t pause_ns = POLL_FIRST_NS;

	for (;;) {
		uint64_t seen = __atomic_load_n(&pool->change_count, __ATOMIC_SEQ_CST);
		uint64_t now_ns, until_ns;

		if (done(arg))
			return true;
		now_ns = real_now_ns();
		if (now_ns >= deadline_ns)
			return false;
		until_ns = now_ns + pause_ns < deadline_ns ? now_ns + pause_ns : deadline_ns;
		sleep_until(pool, until_ns, seen);
		pause_ns = pause_ns * 2 < POLL_LAST_NS ? pause_ns * 2 : POLL_LAST_NS;
	}
}

bool worker_pool_wait_until(struct worker_pool *pool, bool (*done)(void *arg), void *arg,
			    uint32_t timeout_ms)
{
	bool is_done;

	CHECK(!rcu_is_reading() && !atomic_is_inside());
	if (pool->mode == WORKERS_MANUAL)
		return step_until(pool, done, arg, (uint64_t)timeout_ms * STEPS_PER_MS);
	if (sched_is_on())
		return sched_poll(done, arg, timeout_ms);
	__atomic_fetch_add(&pool->waiters, 1, __ATOMIC_SEQ_CST);
	is_done = poll_until(pool, done, arg, real_now_ns() + (uint64_t)timeout_ms * 1000000u);
	__atomic_fetch_sub(&pool->waiters, 1, __ATOMIC_SEQ_CST);
	return is_done;
}
