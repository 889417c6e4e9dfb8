/* SPDX-License-Identifier: MIT */
#include "base/rcu.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

#include "base/atomic.h"
#include "base/rcu_flavour.h"
#include "base/sched.h"

#define GATHER_NS 1000000

_Thread_local unsigned rcu_depth_ __attribute__((tls_model("initial-exec")));

static _Thread_local bool registered;
static pthread_key_t thread_end_key;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

static void thread_end(void *value)
{
	(void)value;
	CHECK(rcu_depth_ == 0);
	registered = false;
	flavour_unregister();
}

static void thread_end_key_create(void)
{
	CHECK(pthread_key_create(&thread_end_key, thread_end) == 0);
}

static void thread_register(void)
{
	CHECK(pthread_once(&thread_end_once, thread_end_key_create) == 0);
	/* Any value but NULL has thread_end() called. */
	CHECK(pthread_setspecific(thread_end_key, &registered) == 0);
	registered = true;
	flavour_register();
}

void rcu_online_(void)
{
	if (sched_is_on())
		sched_rcu_online();
	else if (registered)
		flavour_online();
	else
		thread_register();
}

void rcu_offline_(void)
{
	if (sched_is_on())
		sched_rcu_offline();
	else
		flavour_offline();
}

void rcu_pass_(void)
{
	if (sched_is_on())
		sched_rcu_quiescent();
	else
		flavour_quiescent();
}

/* The scheduler decides at each seam who goes on, whoever waits. */
bool rcu_is_awaited_(void)
{
	return sched_is_on() || flavour_is_awaited();
}

void rcu_synchronize(void)
{
	CHECK(!rcu_is_reading() && !atomic_is_inside());
	if (sched_is_on())
		sched_rcu_synchronize();
	else
		flavour_synchronize();
}

/*
 * Deferred calls: a stack that everybody pushes to and that is taken whole. Taking it, the grace
 * period and the calls happen under one mutex, so that rcu_barrier() also waits for the calls that
 * the reclaimer has in hand. The mutex has no rank: what a callback locks has nothing to do with
 * it, and nobody who holds a lock of ours takes it.
 */
static struct rcu_node *deferred; /* atomic */
static pthread_mutex_t reclaim_mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t reclaim_wanted;
static pthread_once_t reclaimer_once = PTHREAD_ONCE_INIT;

static struct rcu_node *in_order_of_calls(struct rcu_node *node)
{
	struct rcu_node *reversed = NULL;

	while (node) {
		struct rcu_node *next = node->next;

		node->next = reversed;
		reversed = node;
		node = next;
	}
	return reversed;
}

static void reclaim(void)
{
	struct rcu_node *node;

	pthread_mutex_lock(&reclaim_mutex);
	node = __atomic_exchange_n(&deferred, NULL, __ATOMIC_ACQ_REL);
	if (node)
		rcu_synchronize();
	for (node = in_order_of_calls(node); node;) {
		struct rcu_node *next = node->next;

		node->func(node);
		node = next;
	}
	pthread_mutex_unlock(&reclaim_mutex);
}

/* Who frees much wakes the reclaimer once for all of it: the wake-up costs far more than the call.
 * Nobody waits for a call to be carried out but in rcu_barrier(), which does it itself. */
static void let_them_gather(void)
{
	const struct timespec pause = {.tv_nsec = GATHER_NS};

	nanosleep(&pause, NULL);
}

static void *reclaimer_main(void *arg)
{
	(void)arg;
	for (;;) {
		if (sem_wait(&reclaim_wanted))
			continue;
		let_them_gather();
		reclaim();
	}
	return NULL;
}

/* Without the thread, for want of memory, the calls wait for the next rcu_barrier(). */
static void reclaimer_start(void)
{
	pthread_t thread;
	sigset_t all, before;

	CHECK(sem_init(&reclaim_wanted, 0, 0) == 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, reclaimer_main, NULL) == 0) {
		pthread_setname_np(thread, "vsva-rcu");
		pthread_detach(thread);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void rcu_call(struct rcu_node *node, void (*func)(struct rcu_node *node))
{
	struct rcu_node *first = __atomic_load_n(&deferred, __ATOMIC_RELAXED);

	node->func = func;
	if (sched_is_on()) {
		sched_rcu_call(node);
		return;
	}
	pthread_once(&reclaimer_once, reclaimer_start);
	do {
		node->next = first;
	} while (!__atomic_compare_exchange_n(&deferred, &first, node, true, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	if (!first)
		sem_post(&reclaim_wanted);
}

void rcu_barrier(void)
{
	CHECK(!rcu_is_reading() && !atomic_is_inside());
	if (sched_is_on())
		sched_rcu_barrier();
	else
		reclaim();
}
