/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/rcu.h"

/* Long enough for a grace period that does not wait to be caught, too short to be felt. */
#define YIELDS 2000

static void yield_often(void)
{
	for (unsigned i = 0; i < YIELDS; i++)
		sched_yield();
}

static void wait_for(atomic_bool *flag)
{
	while (!atomic_load(flag))
		sched_yield();
}

static pthread_t start(void *(*func)(void *arg), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, func, arg), 0);
	return thread;
}

static void test_rcu_sections_nest(void **state)
{
	(void)state;
	assert_false(rcu_is_reading());
	rcu_read_lock();
	rcu_read_lock();
	assert_true(rcu_is_reading());
	rcu_read_unlock();
	assert_true(rcu_is_reading());
	rcu_read_unlock();
	assert_false(rcu_is_reading());
}

static void synchronize_in_section(void *arg)
{
	(void)arg;
	rcu_read_lock();
	rcu_synchronize();
}

static void barrier_in_section(void *arg)
{
	(void)arg;
	rcu_read_lock();
	rcu_barrier();
}

static void quiescent_at_depth_two(void *arg)
{
	(void)arg;
	rcu_read_lock();
	rcu_read_lock();
	rcu_quiescent();
}

static void quiescent_outside(void *arg)
{
	(void)arg;
	rcu_quiescent();
}

static void is_awaited_outside(void *arg)
{
	(void)arg;
	rcu_is_awaited();
}

static void unlock_without_lock(void *arg)
{
	(void)arg;
	rcu_read_unlock();
}

static void test_rcu_misuse_is_caught(void **state)
{
	(void)state;
	unit_expect_check(synchronize_in_section, NULL);
	unit_expect_check(barrier_in_section, NULL);
	unit_expect_check(quiescent_at_depth_two, NULL);
	unit_expect_check(quiescent_outside, NULL);
	unit_expect_check(is_awaited_outside, NULL);
	unit_expect_check(unlock_without_lock, NULL);
}

static void *synchronize_only(void *arg)
{
	(void)arg;
	rcu_synchronize();
	rcu_barrier();
	return NULL;
}

static void test_rcu_thread_that_never_reads_may_synchronize(void **state)
{
	(void)state;
	pthread_join(start(synchronize_only, NULL), NULL);
}

struct scene {
	atomic_bool reading;
	atomic_bool may_end;
	atomic_bool is_over; /* what the writer was waiting to do */
	unsigned depth;
};

/* Reads until told, at some depth. */
static void *read_until_told(void *arg)
{
	struct scene *scene = arg;

	for (unsigned i = 0; i < scene->depth; i++)
		rcu_read_lock();
	atomic_store(&scene->reading, true);
	wait_for(&scene->may_end);
	for (unsigned i = 0; i < scene->depth; i++) {
		assert_false(atomic_load(&scene->is_over));
		rcu_read_unlock();
	}
	return NULL;
}

static void *synchronize_and_tell(void *arg)
{
	struct scene *scene = arg;

	rcu_synchronize();
	atomic_store(&scene->is_over, true);
	return NULL;
}

static void check_waits_for_reader(unsigned depth)
{
	struct scene scene = {.depth = depth};
	pthread_t reader = start(read_until_told, &scene), writer;

	wait_for(&scene.reading);
	writer = start(synchronize_and_tell, &scene);
	yield_often();
	assert_false(atomic_load(&scene.is_over));
	atomic_store(&scene.may_end, true);
	pthread_join(reader, NULL);
	pthread_join(writer, NULL);
	assert_true(atomic_load(&scene.is_over));
}

static void test_rcu_synchronize_waits_for_a_section(void **state)
{
	(void)state;
	check_waits_for_reader(1);
}

static void test_rcu_synchronize_waits_for_the_outermost_unlock(void **state)
{
	(void)state;
	check_waits_for_reader(3);
}

static void *read_and_pass_quiescent(void *arg)
{
	struct scene *scene = arg;

	rcu_read_lock();
	atomic_store(&scene->reading, true);
	/* the writer's grace period can end only here: the section goes on until it has */
	while (!atomic_load(&scene->is_over)) {
		rcu_quiescent();
		sched_yield();
	}
	rcu_read_unlock();
	return NULL;
}

static void test_rcu_quiescent_lets_a_grace_period_end(void **state)
{
	struct scene scene = {.depth = 1};
	pthread_t reader = start(read_and_pass_quiescent, &scene);
	(void)state;

	wait_for(&scene.reading);
	synchronize_and_tell(&scene);
	pthread_join(reader, NULL);
}

static void test_rcu_section_hears_that_it_is_awaited(void **state)
{
	struct scene scene = {.depth = 1};
	pthread_t writer;
	(void)state;

	rcu_read_lock();
	assert_false(rcu_is_awaited());
	writer = start(synchronize_and_tell, &scene);
	while (!rcu_is_awaited())
		sched_yield();
	assert_false(atomic_load(&scene.is_over));
	rcu_quiescent();
	assert_false(rcu_is_awaited());
	pthread_join(writer, NULL);
	assert_false(rcu_is_awaited());
	rcu_read_unlock();
}

struct deferred {
	struct rcu_node rcu;
	unsigned number;
	unsigned *next_number;
	bool in_order;
};

static void note_call(struct rcu_node *node)
{
	struct deferred *deferred = (struct deferred *)node;

	deferred->in_order = deferred->number == (*deferred->next_number)++;
}

static void test_rcu_barrier_has_carried_out_all_calls_in_order(void **state)
{
	static struct deferred calls[100];
	unsigned next_number = 0;
	(void)state;

	for (unsigned i = 0; i < 100; i++) {
		calls[i] = (struct deferred){.number = i, .next_number = &next_number};
		rcu_call(&calls[i].rcu, note_call);
	}
	rcu_barrier();
	assert_int_equal(next_number, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_true(calls[i].in_order);
}

struct told {
	struct rcu_node rcu;
	struct scene *scene;
};

static void tell(struct rcu_node *node)
{
	atomic_store(&((struct told *)node)->scene->is_over, true);
}

static void test_rcu_call_waits_for_a_section(void **state)
{
	struct scene scene = {.depth = 1};
	struct told told = {.scene = &scene};
	pthread_t reader = start(read_until_told, &scene);
	(void)state;

	wait_for(&scene.reading);
	rcu_call(&told.rcu, tell);
	yield_often();
	assert_false(atomic_load(&scene.is_over));
	atomic_store(&scene.may_end, true);
	pthread_join(reader, NULL);
	rcu_barrier();
	assert_true(atomic_load(&scene.is_over));
}

static void test_rcu_call_needs_no_barrier(void **state)
{
	struct scene scene = {.depth = 0};
	struct told told = {.scene = &scene};
	(void)state;

	rcu_call(&told.rcu, tell);
	wait_for(&scene.is_over);
	rcu_barrier();
}

static void *read_once(void *arg)
{
	(void)arg;
	rcu_read_lock();
	rcu_read_unlock();
	return NULL;
}

static void test_rcu_threads_come_and_go(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		pthread_join(start(read_once, NULL), NULL);
		rcu_synchronize();
	}
}

#define ALIVE   0x600df00du
#define DEAD    0xdeadu
#define READERS 2
#define SWAPS   2000

struct payload {
	struct rcu_node rcu;
	uint32_t value;
};

struct swapped {
	struct payload *current; /* RCU */
	atomic_bool stop;
};

static void payload_free(struct rcu_node *node)
{
	struct payload *payload = (struct payload *)node;

	payload->value = DEAD;
	base_free(payload);
}

static void *read_in_bursts(void *arg)
{
	struct swapped *swapped = arg;

	while (!atomic_load(&swapped->stop)) {
		rcu_read_lock();
		for (unsigned i = 0; i < 50; i++) {
			assert_int_equal(rcu_load(swapped->current)->value, ALIVE);
			rcu_quiescent();
		}
		rcu_read_unlock();
	}
	return NULL;
}

static struct payload *payload_alloc(void)
{
	struct payload *payload = base_zalloc(sizeof(*payload));

	assert_non_null(payload);
	payload->value = ALIVE;
	return payload;
}

/* Every second one by hand, the others deferred. */
static void swap(struct swapped *swapped, bool by_hand)
{
	struct payload *old = swapped->current;

	rcu_publish(swapped->current, payload_alloc());
	if (by_hand) {
		rcu_synchronize();
		payload_free(&old->rcu);
	} else {
		rcu_call(&old->rcu, payload_free);
	}
}

static void test_rcu_readers_never_see_what_was_freed(void **state)
{
	size_t before = base_bytes_in_use();
	struct swapped swapped = {.current = payload_alloc()};
	pthread_t readers[READERS];
	(void)state;

	for (unsigned i = 0; i < READERS; i++)
		readers[i] = start(read_in_bursts, &swapped);
	for (unsigned i = 0; i < SWAPS; i++)
		swap(&swapped, i % 2);
	atomic_store(&swapped.stop, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	rcu_barrier();
	base_free(swapped.current);
	assert_int_equal(base_bytes_in_use(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rcu_sections_nest),
		cmocka_unit_test(test_rcu_misuse_is_caught),
		cmocka_unit_test(test_rcu_thread_that_never_reads_may_synchronize),
		cmocka_unit_test(test_rcu_synchronize_waits_for_a_section),
		cmocka_unit_test(test_rcu_synchronize_waits_for_the_outermost_unlock),
		cmocka_unit_test(test_rcu_quiescent_lets_a_grace_period_end),
		cmocka_unit_test(test_rcu_section_hears_that_it_is_awaited),
		cmocka_unit_test(test_rcu_barrier_has_carried_out_all_calls_in_order),
		cmocka_unit_test(test_rcu_call_waits_for_a_section),
		cmocka_unit_test(test_rcu_call_needs_no_barrier),
		cmocka_unit_test(test_rcu_threads_come_and_go),
		cmocka_unit_test(test_rcu_readers_never_see_what_was_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
