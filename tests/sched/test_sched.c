// SPDX-License-Identifier: MIT
/* The scheduler itself: that it finds what is planted, repeats it, and misses no order. */
#include "explore.h"

#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/rcu.h"
#include "base/worker.h"

static const struct explore_plan two = {.preemptions = 2};

/* A world that all cases share; each uses what it needs. */
struct world {
	unsigned counter;
	unsigned order_len;
	char order[16];
	struct lock lock, inner;
	struct node *published;
	struct worker_pool *pool;
	struct worker *worker;
	unsigned runs;
	bool flag;
	bool timed_out;
};

static struct world world;

static void *setup(uint64_t seed)
{
	(void)seed;
	memset(&world, 0, sizeof(world));
	lock_init(&world.lock, LOCK_RANK_IOMMU, "outer");
	lock_init(&world.inner, LOCK_RANK_QI, "inner");
	return &world;
}

static void teardown(void *arg)
{
	(void)arg;
	lock_destroy(&world.inner);
	lock_destroy(&world.lock);
}

/* Lost update */

static void add_carelessly(void *arg)
{
	unsigned seen;

	(void)arg;
	SEAM_FLAG_READ("counter");
	seen = world.counter;
	SEAM_FLAG_WRITE("counter");
	world.counter = seen + 1;
}

static void add_under_lock(void *arg)
{
	lock_take(&world.lock);
	add_carelessly(arg);
	lock_drop(&world.lock);
}

static void counter_is_two(void *arg)
{
	(void)arg;
	EXPLORE_CHECK(world.counter == 2);
}

static void test_lost_update_is_found(void **state)
{
	const struct explore_case test = {
		.name = "lost-update",
		.setup = setup,
		.actors = {{"a", add_carelessly}, {"b", add_carelessly}},
		.check = counter_is_two,
		.teardown = teardown,
	};
	struct explore_result result;

	(void)state;
	explore_all(&test, 0, 0, &result);
	assert_int_equal(result.verdict, EXPLORE_GOOD);
	explore_expect_found(&test, &two, EXPLORE_FAILED);
}

static void test_lock_prevents_lost_update(void **state)
{
	struct explore_case test = {
		.name = "locked-update",
		.setup = setup,
		.actors = {{"a", add_under_lock}, {"b", add_under_lock}},
		.check = counter_is_two,
		.teardown = teardown,
	};

	(void)state;
	explore_expect_good(&test, &two);
	test.name = "update-without-its-lock";
	test.sabotage.no_lock = "outer";
	explore_expect_found(&test, &two, EXPLORE_FAILED);
}

/* Deadlock */

static void synchronize_under_lock(void *arg)
{
	(void)arg;
	lock_take(&world.lock);
	rcu_synchronize();
	lock_drop(&world.lock);
}

static void lock_in_section(void *arg)
{
	(void)arg;
	rcu_read_lock();
	lock_take(&world.lock);
	lock_drop(&world.lock);
	rcu_read_unlock();
}

static void test_deadlock_is_found(void **state)
{
	const struct explore_case test = {
		.name = "deadlock",
		.setup = setup,
		.actors = {{"writer", synchronize_under_lock}, {"reader", lock_in_section}},
		.teardown = teardown,
	};
	struct explore_result result;

	(void)state;
	explore_expect_found(&test, &two, EXPLORE_STUCK);
	explore_all(&test, 2, 0, &result);
	assert_non_null(strstr(result.text, "writer waits for a grace period"));
	assert_non_null(strstr(result.text, "reader waits for lock \"outer\" of writer"));
}

/* ABA: a stack of two, popped without a count of changes */

struct node {
	struct node *next;
	struct rcu_node rcu;
	bool is_popped, is_gone;
};

static struct node nodes[2];
static struct node *top;

static void *setup_stack(uint64_t seed)
{
	memset(nodes, 0, sizeof(nodes));
	nodes[0].next = &nodes[1];
	top = &nodes[0];
	return setup(seed);
}

static struct node *pop(void)
{
	struct node *first, *next;

	do {
		SEAM_FLAG_READ("top");
		first = top;
		if (!first)
			return NULL;
		SEAM_FLAG_READ("next");
		next = first->next;
		SEAM_FLAG_WRITE("top");
	} while (!__atomic_compare_exchange_n(&top, &first, next, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	EXPLORE_CHECK(!first->is_popped);
	first->is_popped = true;
	return first;
}

static void push(struct node *node)
{
	node->is_popped = false;
	do {
		node->next = top;
		SEAM_FLAG_WRITE("top");
	} while (!__atomic_compare_exchange_n(&top, &node->next, node, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
}

static void pop_one(void *arg)
{
	(void)arg;
	pop();
}

static void pop_two_push_first(void *arg)
{
	struct node *first = pop(), *second = pop();

	(void)arg;
	if (first && second)
		push(first);
}

/* Whoever was popped and not pushed again is not on the stack. */
static void stack_is_whole(void *arg)
{
	(void)arg;
	for (struct node *node = top; node; node = node->next)
		EXPLORE_CHECK(!node->is_popped);
}

static void test_aba_is_found(void **state)
{
	const struct explore_case test = {
		.name = "aba",
		.setup = setup_stack,
		.actors = {{"popper", pop_one}, {"juggler", pop_two_push_first}},
		.check = stack_is_whole,
		.teardown = teardown,
	};

	(void)state;
	explore_expect_found(&test, &two, EXPLORE_FAILED);
}

/* Grace periods */

static void *setup_published(uint64_t seed)
{
	struct world *w = setup(seed);

	memset(nodes, 0, sizeof(nodes));
	rcu_publish(w->published, &nodes[0]);
	return w;
}

static void use_published(void *arg)
{
	struct node *node;

	(void)arg;
	rcu_read_lock();
	node = rcu_load(world.published);
	SEAM_FLAG_READ("node");
	EXPLORE_CHECK(!node || !node->is_gone);
	rcu_read_unlock();
}

static void replace_carefully(void *arg)
{
	(void)arg;
	SEAM_FLAG_WRITE("published");
	rcu_publish(world.published, NULL);
	rcu_synchronize();
	SEAM_FLAG_WRITE("node");
	nodes[0].is_gone = true;
}

static void replace_at_once(void *arg)
{
	(void)arg;
	SEAM_FLAG_WRITE("published");
	rcu_publish(world.published, NULL);
	SEAM_FLAG_WRITE("node");
	nodes[0].is_gone = true;
}

static void test_missing_grace_period_is_found(void **state)
{
	struct explore_case test = {
		.name = "missing-grace-period",
		.setup = setup_published,
		.actors = {{"reader", use_published},
			   {"reader2", use_published},
			   {"writer", replace_at_once}},
		.teardown = teardown,
	};

	(void)state;
	explore_expect_found(&test, &two, EXPLORE_FAILED);
	test.actors[2].run = replace_carefully;
	test.name = "grace-period";
	explore_expect_good(&test, &two);
	test.sabotage.skip_grace_periods = true;
	test.name = "skipped-grace-period";
	explore_expect_found(&test, &two, EXPLORE_FAILED);
}

static void node_reclaim(struct rcu_node *rcu)
{
	struct node *node = container_of(rcu, struct node, rcu);

	node->is_gone = true;
}

static void call_and_go_on(void *arg)
{
	struct node *node = world.published;

	(void)arg;
	SEAM_FLAG_WRITE("published");
	rcu_publish(world.published, NULL);
	rcu_call(&node->rcu, node_reclaim);
	if (world.flag)
		EXPLORE_CHECK(!node->is_gone);
}

static void *setup_going_on(uint64_t seed)
{
	struct world *w = setup_published(seed);

	w->flag = true;
	return w;
}

static void barrier_then_gone(void *arg)
{
	(void)arg;
	rcu_barrier();
	EXPLORE_CHECK(nodes[0].is_gone);
}

static void test_calls_come_as_soon_as_they_may(void **state)
{
	struct explore_case test = {
		.name = "call",
		.setup = setup_published,
		.actors = {{"reader", use_published}, {"writer", call_and_go_on}},
		.check = barrier_then_gone,
		.teardown = teardown,
	};

	(void)state;
	explore_expect_good(&test, &two);
	test.is_lazy = true;
	test.name = "lazy-call";
	explore_expect_good(&test, &two);
	test.is_lazy = false;
	test.setup = setup_going_on;
	test.name = "use-after-call";
	explore_expect_found(&test, &two, EXPLORE_FAILED);
}

/* Workers and waits */

static bool work(void *arg)
{
	(void)arg;
	lock_take(&world.lock);
	world.runs++;
	lock_drop(&world.lock);
	worker_pool_notify(world.pool);
	return false;
}

static void *setup_worker(uint64_t seed)
{
	setup(seed);
	world.pool = worker_pool_create(WORKERS_THREADS, 0);
	world.worker = worker_create(world.pool, "worker", work, NULL);
	EXPLORE_CHECK(world.pool && world.worker);
	return &world;
}

static void teardown_worker(void *arg)
{
	worker_destroy(world.worker);
	worker_pool_destroy(world.pool);
	teardown(arg);
}

static bool has_run(void *arg)
{
	unsigned runs;

	(void)arg;
	lock_take(&world.lock);
	runs = world.runs;
	lock_drop(&world.lock);
	return runs > 0;
}

static void kick(void *arg)
{
	(void)arg;
	worker_kick(world.worker);
}

/* The time-out is of no account as long as somebody can do something. */
static void wait_for_run(void *arg)
{
	(void)arg;
	EXPLORE_CHECK(worker_pool_wait_until(world.pool, has_run, NULL, 1));
}

static void wait_in_vain(void *arg)
{
	uint64_t begin = clock_now_ns();

	(void)arg;
	world.timed_out = !worker_pool_wait_until(world.pool, has_run, NULL, 7);
	EXPLORE_CHECK(world.timed_out && clock_now_ns() == begin + 7000000);
}

static void has_run_for_sure(void *arg)
{
	(void)arg;
	EXPLORE_CHECK(world.runs == 1 || world.runs == 2);
}

static void test_wait_ends_with_what_it_waits_for(void **state)
{
	struct explore_case test = {
		.name = "wait",
		.setup = setup_worker,
		.actors = {{"waiter", wait_for_run}, {"kicker", kick}, {"kicker2", kick}},
		.check = has_run_for_sure,
		.teardown = teardown_worker,
	};

	(void)state;
	explore_expect_good(&test, &two);
	test.sabotage.no_kick = "worker";
	test.name = "lost-kick";
	explore_expect_found(&test, &two, EXPLORE_FAILED);
}

static void test_time_passes_when_nobody_can_go_on(void **state)
{
	const struct explore_case test = {
		.name = "time-out",
		.setup = setup_worker,
		.actors = {{"waiter", wait_in_vain}, {"other", add_under_lock}},
		.teardown = teardown_worker,
	};

	(void)state;
	explore_expect_good(&test, &two);
}

static bool work_forever(void *arg)
{
	(void)arg;
	SEAM_FLAG_WRITE("forever");
	return true;
}

static void *setup_forever(uint64_t seed)
{
	setup(seed);
	world.pool = worker_pool_create(WORKERS_THREADS, 0);
	world.worker = worker_create(world.pool, "worker", work_forever, NULL);
	return &world;
}

static void test_no_end_is_found(void **state)
{
	const struct explore_case test = {
		.name = "no-end",
		.setup = setup_forever,
		.actors = {{"kicker", kick}},
		.teardown = teardown_worker,
	};
	struct explore_result result;

	(void)state;
	explore_all(&test, 0, 1, &result);
	assert_int_equal(result.verdict, EXPLORE_STUCK);
	assert_non_null(strstr(result.text, "no end in sight"));
}

static void test_crash_is_a_finding(void **state)
{
	struct explore_case test = {
		.name = "crash",
		.setup = setup,
		.actors = {{"a", add_under_lock}, {"b", add_under_lock}},
		.teardown = teardown,
		.sabotage.no_lock = "outer",
	};

	(void)state;
	test.actors[1].run = (void (*)(void *))(void (*)(void))abort;
	explore_expect_found(&test, &two, EXPLORE_CRASHED);
}

/* Every order, once */

/* In memory that the explorations share. */
static struct seen {
	unsigned orders;
	char order[64][16];
} * seen;

static void note(char who)
{
	SEAM_FLAG_WRITE("order");
	world.order[world.order_len++] = who;
}

static void note_a(void *arg)
{
	(void)arg;
	note('a');
	note('a');
}

static void note_b(void *arg)
{
	(void)arg;
	note('b');
	note('b');
}

static void note_c(void *arg)
{
	(void)arg;
	note('c');
}

static void remember_order(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < seen->orders; i++)
		if (strcmp(seen->order[i], world.order) == 0)
			return;
	EXPLORE_CHECK(seen->orders < 64);
	strcpy(seen->order[seen->orders++], world.order);
}

/* Orders with at most so many preemptions. */
static unsigned orders_of(struct explore_case *test, unsigned preemptions)
{
	struct explore_result result;

	seen->orders = 0;
	explore_all(test, preemptions, 0, &result);
	assert_int_equal(result.verdict, EXPLORE_GOOD);
	assert_true(result.is_complete);
	print_message("# orders with %u preemptions%s: %u in %u schedules\n", preemptions,
		      test->revisits ? ", revisiting" : "", seen->orders,
		      (unsigned)result.schedules);
	return seen->orders;
}

/* aabb: 4! / (2! 2!) = 6; aabbc: 5! / (2! 2!) = 30. Without preemption: 2! and 3!. */
static void test_every_order_is_run(void **state)
{
	struct explore_case test = {
		.name = "orders",
		.setup = setup,
		.actors = {{"a", note_a}, {"b", note_b}},
		.check = remember_order,
		.teardown = teardown,
	};

	(void)state;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seen != MAP_FAILED);
	for (unsigned i = 0; i < 2; i++) {
		test.revisits = i == 1;
		test.actors[2] = (struct explore_actor){NULL, NULL};
		assert_int_equal(orders_of(&test, 0), 2);
		assert_int_equal(orders_of(&test, 1), 4); /* aabb bbaa abba baab */
		assert_int_equal(orders_of(&test, 2), 6);
		test.actors[2] = (struct explore_actor){"c", note_c};
		assert_int_equal(orders_of(&test, 0), 6);
		assert_int_equal(orders_of(&test, 3), 30);
	}
	munmap(seen, sizeof(*seen));
}

/* Operations on different objects commute: one order of them is enough. */
static void touch_own_a(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 8; i++)
		SEAM_FLAG_WRITE("a's own");
}

static void touch_own_b(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 8; i++)
		SEAM_FLAG_WRITE("b's own");
}

static void test_independent_operations_are_not_reordered(void **state)
{
	struct explore_case test = {
		.name = "independent",
		.setup = setup,
		.actors = {{"a", touch_own_a}, {"b", touch_own_b}},
		.teardown = teardown,
	};
	struct explore_result few, many;

	(void)state;
	explore_all(&test, 2, 0, &few);
	test.revisits = true;
	explore_all(&test, 2, 0, &many);
	print_message("# %u schedules instead of %u\n", (unsigned)few.schedules,
		      (unsigned)many.schedules);
	assert_true(few.is_complete && many.is_complete);
	assert_true(few.schedules * 2 < many.schedules);
}

/* Replay */

static void test_replay_of_something_else_is_noticed(void **state)
{
	const struct explore_case test = {
		.name = "locked-update",
		.setup = setup,
		.actors = {{"a", add_under_lock}, {"b", add_under_lock}},
		.teardown = teardown,
	};
	struct explore_result result;

	(void)state;
	explore_replay(&test, "locked-update@0:0.1", false, &result);
	assert_int_equal(result.verdict, EXPLORE_GOOD);
	assert_string_equal(result.schedule, "0.1");
	explore_replay(&test, "locked-update@0:0.1#1", false, &result);
	assert_int_equal(result.verdict, EXPLORE_DIVERGED);
	explore_replay(&test, "0.7", false, &result);
	assert_int_equal(result.verdict, EXPLORE_DIVERGED);
	explore_replay(&test, "nonsense", false, &result);
	assert_int_equal(result.verdict, EXPLORE_DIVERGED);
}

/* Random priorities */

static void test_random_priorities_find_depth_three(void **state)
{
	const struct explore_case test = {
		.name = "aba",
		.setup = setup_stack,
		.actors = {{"popper", pop_one}, {"juggler", pop_two_push_first}},
		.check = stack_is_whole,
		.teardown = teardown,
	};
	struct explore_result result, again;

	(void)state;
	explore_random(&test, 7, 2000, 3, &result);
	assert_int_equal(result.verdict, EXPLORE_FAILED);
	print_message("# after %u schedules: %s\n", (unsigned)result.schedules, result.schedule);
	explore_random(&test, 7, 2000, 3, &again);
	assert_string_equal(result.schedule, again.schedule);
	explore_replay(&test, result.schedule, false, &again);
	assert_int_equal(again.verdict, EXPLORE_FAILED);
	assert_int_equal(again.fingerprint, result.fingerprint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_update_is_found),
		cmocka_unit_test(test_lock_prevents_lost_update),
		cmocka_unit_test(test_deadlock_is_found),
		cmocka_unit_test(test_aba_is_found),
		cmocka_unit_test(test_missing_grace_period_is_found),
		cmocka_unit_test(test_calls_come_as_soon_as_they_may),
		cmocka_unit_test(test_wait_ends_with_what_it_waits_for),
		cmocka_unit_test(test_time_passes_when_nobody_can_go_on),
		cmocka_unit_test(test_no_end_is_found),
		cmocka_unit_test(test_crash_is_a_finding),
		cmocka_unit_test(test_every_order_is_run),
		cmocka_unit_test(test_independent_operations_are_not_reordered),
		cmocka_unit_test(test_replay_of_something_else_is_noticed),
		cmocka_unit_test(test_random_priorities_find_depth_three),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
