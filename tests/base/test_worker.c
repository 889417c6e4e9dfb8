/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/rcu.h"
#include "base/worker.h"

#define LONG_MS 20000 /* never passes unless something is broken */

static bool is_set(void *flag)
{
	return atomic_load((atomic_bool *)flag);
}

static bool is_never(void *arg)
{
	(void)arg;
	return false;
}

/* Each test that is true of both modes runs in both. */
static enum worker_mode mode_of(void **state)
{
	return *(enum worker_mode *)*state;
}

struct countdown {
	unsigned left;
	atomic_uint runs;
};

static bool count_down(void *arg)
{
	struct countdown *countdown = arg;

	atomic_fetch_add(&countdown->runs, 1);
	if (countdown->left > 0)
		countdown->left--;
	return countdown->left > 0;
}

static void test_worker_runs_while_there_is_more(void **state)
{
	struct worker_pool *pool = worker_pool_create(mode_of(state), 0);
	struct countdown countdown = {.left = 5};
	struct worker *worker = worker_create(pool, "counter", count_down, &countdown);
	uint64_t steps;

	assert_int_equal(worker_pool_mode(pool), mode_of(state));
	worker_pool_run_idle(pool, 1000);
	assert_int_equal(atomic_load(&countdown.runs), 0);
	worker_kick(worker);
	steps = worker_pool_run_idle(pool, LONG_MS);
	if (mode_of(state) == WORKERS_MANUAL)
		assert_int_equal(steps, 5);
	assert_int_equal(atomic_load(&countdown.runs), 5);
	worker_destroy(worker);
	worker_pool_destroy(pool);
}

static void test_worker_null_is_ignored(void **state)
{
	(void)state;
	worker_kick(NULL);
	worker_destroy(NULL);
	worker_pool_destroy(NULL);
}

static void test_worker_destroyed_while_kicked(void **state)
{
	size_t before = base_bytes_in_use();
	struct worker_pool *pool = worker_pool_create(mode_of(state), 0);
	struct countdown countdown = {.left = UINT32_MAX};
	struct worker *worker = worker_create(pool, "endless", count_down, &countdown);

	worker_kick(worker);
	worker_destroy(worker);
	worker_pool_run_idle(pool, LONG_MS); /* nothing is owed any more */
	worker_pool_destroy(pool);
	assert_int_equal(base_bytes_in_use(), before);
}

struct asking {
	struct worker_pool *pool;
	struct worker *helper;
	struct worker *self;
	unsigned help_runs;
	atomic_bool helped;
	atomic_bool asked;
	atomic_uint entered;
};

static bool help(void *arg)
{
	struct asking *asking = arg;

	worker_kick(asking->self); /* is running, must not be entered again meanwhile */
	if (asking->help_runs++ < 3)
		return true;
	atomic_store(&asking->helped, true);
	worker_pool_notify(asking->pool);
	return false;
}

static bool ask_for_help(void *arg)
{
	struct asking *asking = arg;

	if (atomic_fetch_add(&asking->entered, 1) > 0)
		return false;
	worker_kick(asking->helper);
	atomic_store(&asking->asked,
		     worker_pool_wait_until(asking->pool, is_set, &asking->helped, LONG_MS) &&
			     atomic_load(&asking->entered) == 1);
	return false;
}

static void test_worker_may_wait_for_another(void **state)
{
	struct worker_pool *pool = worker_pool_create(mode_of(state), 0);
	struct asking asking = {.pool = pool};

	asking.self = worker_create(pool, "asker", ask_for_help, &asking);
	asking.helper = worker_create(pool, "helper", help, &asking);
	worker_kick(asking.self);
	assert_true(worker_pool_wait_until(pool, is_set, &asking.asked, LONG_MS));
	worker_pool_run_idle(pool, LONG_MS);
	assert_int_equal(atomic_load(&asking.entered), 2); /* the kick was not lost */
	worker_destroy(asking.self);
	worker_destroy(asking.helper);
	worker_pool_destroy(pool);
}

/* A chain of workers, each waiting for the next. */
#define CHAIN 5

struct link {
	struct worker_pool *pool;
	struct worker *worker;
	struct link *next;
	atomic_bool done;
};

static bool wait_for_next(void *arg)
{
	struct link *link = arg;
	bool done = true;

	if (link->next) {
		worker_kick(link->next->worker);
		done = worker_pool_wait_until(link->pool, is_set, &link->next->done, LONG_MS);
	}
	atomic_store(&link->done, done);
	worker_pool_notify(link->pool);
	return false;
}

static void test_worker_waits_nest(void **state)
{
	struct worker_pool *pool = worker_pool_create(mode_of(state), 7);
	struct link links[CHAIN] = {0};

	for (unsigned i = 0; i < CHAIN; i++) {
		links[i].pool = pool;
		links[i].next = i + 1 < CHAIN ? &links[i + 1] : NULL;
		links[i].worker = worker_create(pool, "link", wait_for_next, &links[i]);
	}
	worker_kick(links[0].worker);
	assert_true(worker_pool_wait_until(pool, is_set, &links[0].done, LONG_MS));
	for (unsigned i = 0; i < CHAIN; i++)
		worker_destroy(links[i].worker);
	worker_pool_destroy(pool);
}

static void test_worker_wait_gives_up(void **state)
{
	struct worker_pool *pool = worker_pool_create(mode_of(state), 0);

	assert_false(worker_pool_wait_until(pool, is_never, NULL, 1));
	worker_pool_destroy(pool);
}

static bool run_for_ever(void *arg)
{
	(void)arg;
	return true;
}

static void test_worker_wait_gives_up_beside_an_endless_worker(void **state)
{
	struct worker_pool *pool = worker_pool_create(mode_of(state), 0);
	struct worker *worker = worker_create(pool, "endless", run_for_ever, NULL);

	worker_kick(worker);
	assert_false(worker_pool_wait_until(pool, is_never, NULL, 2));
	worker_destroy(worker);
	worker_pool_destroy(pool);
}

static void wait_in_section(void *arg)
{
	rcu_read_lock();
	worker_pool_wait_until(worker_pool_create(WORKERS_MANUAL, 0), is_never, arg, 1);
}

static void test_worker_wait_in_a_read_section_is_caught(void **state)
{
	(void)state;
	unit_expect_check(wait_in_section, NULL);
}

static void test_worker_create_fails_cleanly(void **state)
{
	size_t before = base_bytes_in_use();
	enum worker_mode mode = mode_of(state);
	struct worker_pool *pool;
	struct worker *worker = NULL;
	uint64_t nth = 0;

	do {
		fail_nth_set(++nth, 0);
		pool = worker_pool_create(mode, 0);
		if (pool)
			worker = worker_create(pool, "tried", count_down, NULL);
		if (fail_nth_hits() < nth)
			break;
		assert_null(worker);
		worker_pool_destroy(pool);
	} while (true);
	fail_nth_set(0, 0);
	assert_int_equal(nth, mode == WORKERS_THREADS ? 4 : 3);
	worker_destroy(worker);
	worker_pool_destroy(pool);
	assert_int_equal(base_bytes_in_use(), before);
}

/* Manual mode: in which order do workers run? */
#define NOTED 8

struct note {
	char name;
	char *order;
};

static bool write_name(void *arg)
{
	struct note *note = arg;
	size_t len = strlen(note->order);

	note->order[len] = note->name;
	return len + 1 < (size_t)NOTED * 4;
}

static void note_order(uint64_t seed, char order[NOTED * 5])
{
	struct worker_pool *pool = worker_pool_create(WORKERS_MANUAL, seed);
	struct worker *workers[NOTED];
	struct note notes[NOTED];

	memset(order, 0, NOTED * 5);
	for (unsigned i = 0; i < NOTED; i++) {
		notes[i] = (struct note){.name = (char)('a' + i), .order = order};
		workers[i] = worker_create(pool, "note", write_name, &notes[i]);
	}
	for (unsigned i = NOTED; i-- > 0;)
		worker_kick(workers[i]);
	worker_pool_run_idle(pool, 1000);
	for (unsigned i = 0; i < NOTED; i++)
		worker_destroy(workers[i]);
	worker_pool_destroy(pool);
}

static void test_worker_manual_order_without_seed_is_in_turn(void **state)
{
	char order[NOTED * 5];
	(void)state;

	note_order(0, order);
	assert_memory_equal(order, "abcdefghabcdefghabcdefghabcdefgh", 32);
}

static void test_worker_manual_order_is_the_seeds(void **state)
{
	char first[NOTED * 5], again[NOTED * 5], other[NOTED * 5];
	(void)state;

	note_order(1, first);
	note_order(1, again);
	note_order(2, other);
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
}

static void test_worker_manual_step_runs_one(void **state)
{
	struct worker_pool *pool = worker_pool_create(WORKERS_MANUAL, 0);
	struct countdown countdown = {.left = 2};
	struct worker *worker = worker_create(pool, "counter", count_down, &countdown);
	(void)state;

	assert_false(worker_pool_step(pool));
	worker_kick(worker);
	worker_kick(worker);
	assert_true(worker_pool_step(pool));
	assert_int_equal(countdown.runs, 1);
	assert_int_equal(worker_pool_run_idle(pool, 0), 0);
	assert_true(worker_pool_step(pool));
	assert_false(worker_pool_step(pool));
	worker_destroy(worker);
	worker_pool_destroy(pool);
}

/* Threads mode. */

struct slow {
	atomic_bool running;
	atomic_bool may_end;
	atomic_bool ended;
	struct worker *worker;
	atomic_bool destroyed;
};

static bool run_slowly(void *arg)
{
	struct slow *slow = arg;

	atomic_store(&slow->running, true);
	while (!atomic_load(&slow->may_end))
		sched_yield();
	atomic_store(&slow->ended, true);
	return true;
}

static void *destroy_slow(void *arg)
{
	struct slow *slow = arg;

	worker_destroy(slow->worker);
	assert_true(atomic_load(&slow->ended));
	atomic_store(&slow->destroyed, true);
	return NULL;
}

static void test_worker_destroy_waits_for_run(void **state)
{
	struct worker_pool *pool = worker_pool_create(WORKERS_THREADS, 0);
	struct slow slow = {.worker = NULL};
	pthread_t destroyer;
	(void)state;

	slow.worker = worker_create(pool, "slow", run_slowly, &slow);
	worker_kick(slow.worker);
	while (!atomic_load(&slow.running))
		sched_yield();
	assert_int_equal(pthread_create(&destroyer, NULL, destroy_slow, &slow), 0);
	for (unsigned i = 0; i < 2000; i++)
		sched_yield();
	assert_false(atomic_load(&slow.destroyed));
	atomic_store(&slow.may_end, true);
	pthread_join(destroyer, NULL);
	worker_pool_destroy(pool);
}

static void test_worker_threads_step_is_nothing(void **state)
{
	struct worker_pool *pool = worker_pool_create(WORKERS_THREADS, 0);
	(void)state;

	assert_false(worker_pool_step(pool));
	worker_pool_destroy(pool);
}

/* Work that several threads hand in, some of it from other workers: none may be lost. */
#define KICKERS 3
#define ITEMS   5000

struct stage {
	atomic_uint pending;
	atomic_uint taken;
	struct worker *worker;
	struct stage *next;
};

static void hand_in(struct stage *stage, unsigned items)
{
	atomic_fetch_add(&stage->pending, items);
	worker_kick(stage->worker);
}

static bool take_one(void *arg)
{
	struct stage *stage = arg;
	unsigned items = atomic_load(&stage->pending);

	if (items == 0)
		return false;
	atomic_fetch_sub(&stage->pending, 1);
	atomic_fetch_add(&stage->taken, 1);
	if (stage->next)
		hand_in(stage->next, 1);
	return items > 1;
}

static void *hand_in_many(void *arg)
{
	for (unsigned i = 0; i < ITEMS; i++)
		hand_in(arg, 1);
	return NULL;
}

static void test_worker_kicks_are_not_lost(void **state)
{
	struct worker_pool *pool = worker_pool_create(WORKERS_THREADS, 0);
	struct stage last = {.next = NULL}, first = {.next = &last};
	pthread_t kickers[KICKERS];
	(void)state;

	last.worker = worker_create(pool, "last", take_one, &last);
	first.worker = worker_create(pool, "first", take_one, &first);
	for (unsigned i = 0; i < KICKERS; i++)
		assert_int_equal(pthread_create(&kickers[i], NULL, hand_in_many, &first), 0);
	for (unsigned i = 0; i < KICKERS; i++)
		pthread_join(kickers[i], NULL);
	worker_pool_run_idle(pool, LONG_MS);
	assert_int_equal(atomic_load(&first.taken), KICKERS * ITEMS);
	assert_int_equal(atomic_load(&last.taken), KICKERS * ITEMS);
	worker_destroy(first.worker);
	worker_destroy(last.worker);
	worker_pool_destroy(pool);
}

static enum worker_mode manual = WORKERS_MANUAL, threads = WORKERS_THREADS;

#define IN_BOTH_MODES(test)                                                                        \
	{#test "_manual", test, NULL, NULL, &manual},                                              \
	{                                                                                          \
#test "_threads", test, NULL, NULL, &threads                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOTH_MODES(test_worker_runs_while_there_is_more),
		IN_BOTH_MODES(test_worker_destroyed_while_kicked),
		IN_BOTH_MODES(test_worker_may_wait_for_another),
		IN_BOTH_MODES(test_worker_waits_nest),
		IN_BOTH_MODES(test_worker_wait_gives_up),
		IN_BOTH_MODES(test_worker_wait_gives_up_beside_an_endless_worker),
		IN_BOTH_MODES(test_worker_create_fails_cleanly),
		cmocka_unit_test(test_worker_null_is_ignored),
		cmocka_unit_test(test_worker_wait_in_a_read_section_is_caught),
		cmocka_unit_test(test_worker_manual_order_without_seed_is_in_turn),
		cmocka_unit_test(test_worker_manual_order_is_the_seeds),
		cmocka_unit_test(test_worker_manual_step_runs_one),
		cmocka_unit_test(test_worker_destroy_waits_for_run),
		cmocka_unit_test(test_worker_threads_step_is_nothing),
		cmocka_unit_test(test_worker_kicks_are_not_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
