/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>
#include <time.h>

#include "base/check.h"
#include "base/lock.h"

static struct lock outer = LOCK_INITIALIZER(LOCK_RANK_VIOMMU, "outer");
static struct lock inner = LOCK_INITIALIZER(LOCK_RANK_QI, "inner");
static struct lock inner_too = LOCK_INITIALIZER(LOCK_RANK_QI, "inner too");

#ifdef VSVA_DEBUG
#define needs_debug_checks() ((void)0)
#else
#define needs_debug_checks() skip()
#endif

static void take_both(void *arg)
{
	struct lock **pair = arg;

	lock_take(pair[0]);
	lock_take(pair[1]);
}

static void test_lock_in_order_of_rank_passes(void **state)
{
	(void)state;
	lock_take(&outer);
	lock_take(&inner);
	lock_drop(&inner);
	lock_take(&inner_too);
	lock_drop(&inner_too);
	lock_drop(&outer);
	assert_true(lock_none_held());
}

static void test_lock_dropped_in_any_order(void **state)
{
	(void)state;
	lock_take(&outer);
	lock_take(&inner);
	lock_drop(&outer);
#ifdef VSVA_DEBUG
	assert_true(lock_is_held(&inner));
	assert_false(lock_is_held(&outer));
#endif
	lock_drop(&inner);
	assert_true(lock_none_held());
}

static void test_lock_against_the_order_is_caught(void **state)
{
	(void)state;
	needs_debug_checks();
	unit_expect_check(take_both, (struct lock *[]){&inner, &outer});
}

static void test_lock_of_the_same_rank_is_caught(void **state)
{
	(void)state;
	needs_debug_checks();
	unit_expect_check(take_both, (struct lock *[]){&inner, &inner_too});
}

static void test_lock_taken_twice_is_caught(void **state)
{
	(void)state;
	needs_debug_checks();
	unit_expect_check(take_both, (struct lock *[]){&inner, &inner});
}

static void drop_one(void *arg)
{
	lock_drop(arg);
}

static void test_lock_dropped_by_who_does_not_hold_it_is_caught(void **state)
{
	(void)state;
	needs_debug_checks();
	unit_expect_check(drop_one, &outer);
}

struct asked {
	bool is_held;
	bool none_held;
};

static void *ask(void *arg)
{
	struct asked *asked = arg;

	asked->is_held = lock_is_held(&outer);
	asked->none_held = lock_none_held();
	return NULL;
}

static void test_lock_is_held_by_one_thread(void **state)
{
	struct asked other, self;
	pthread_t thread;
	(void)state;

	needs_debug_checks();
	lock_take(&outer);
	ask(&self);
	assert_int_equal(pthread_create(&thread, NULL, ask, &other), 0);
	pthread_join(thread, NULL);
	lock_drop(&outer);
	assert_true(self.is_held && !self.none_held);
	assert_true(!other.is_held && other.none_held);
}

#define ROUNDS 20000

struct counter {
	struct lock lock;
	unsigned value;
};

static void *count_up(void *arg)
{
	struct counter *counter = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_take(&counter->lock);
		counter->value++;
		lock_drop(&counter->lock);
	}
	return NULL;
}

static void test_lock_excludes(void **state)
{
	struct counter counter = {.value = 0};
	pthread_t threads[3];
	(void)state;

	lock_init(&counter.lock, LOCK_RANK_DEVICE, "counter");
	for (unsigned i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_up, &counter), 0);
	for (unsigned i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter.value, ARRAY_LEN(threads) * ROUNDS);
	lock_destroy(&counter.lock);
}

/* Conditions */

#define TURNS      2000u
#define PATIENCE_S 60u

struct game {
	struct lock lock;
	struct condition turned;
	unsigned turn;
	bool is_late;
};

static uint64_t seconds_from_now(unsigned seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec + seconds) * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Each second turn, beginning with this one. */
static void play(struct game *game, unsigned first)
{
	uint64_t until = seconds_from_now(PATIENCE_S);

	lock_take(&game->lock);
	for (unsigned mine = first; mine < TURNS && !game->is_late; mine += 2) {
		while (game->turn != mine && !game->is_late) {
			condition_wait(&game->turned, &game->lock, until);
			game->is_late |= seconds_from_now(0) >= until;
		}
		game->turn++;
		condition_tell(&game->turned);
	}
	lock_drop(&game->lock);
}

static void *play_odd(void *arg)
{
	play(arg, 1);
	return NULL;
}

static void test_condition_wakes_who_sleeps_for_it(void **state)
{
	struct game game = {.turn = 0};
	pthread_t thread;
	(void)state;

	lock_init(&game.lock, LOCK_RANK_DEVICE, "game");
	assert_int_equal(pthread_create(&thread, NULL, play_odd, &game), 0);
	play(&game, 0);
	pthread_join(thread, NULL);
	assert_false(game.is_late);
	assert_int_equal(game.turn, TURNS);
	assert_int_equal(game.turned.sleepers, 0);
	lock_destroy(&game.lock);
}

/* The lock is held again, whatever ended the sleep. */
static void test_condition_is_not_waited_for_beyond_a_time(void **state)
{
	struct game game = {.turn = 0};
	(void)state;

	lock_init(&game.lock, LOCK_RANK_DEVICE, "game");
	lock_take(&game.lock);
	condition_wait(&game.turned, &game.lock, 1);
	assert_true(lock_is_held(&game.lock));
	assert_int_equal(game.turned.sleepers, 0);
	lock_drop(&game.lock);
	lock_destroy(&game.lock);
}

static void destroy(void *arg)
{
	lock_destroy(arg);
}

static void test_lock_destroyed_while_it_is_held_is_caught(void **state)
{
	(void)state;
	lock_take(&outer);
	unit_expect_check(destroy, &outer);
	lock_drop(&outer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_in_order_of_rank_passes),
		cmocka_unit_test(test_lock_dropped_in_any_order),
		cmocka_unit_test(test_lock_against_the_order_is_caught),
		cmocka_unit_test(test_lock_of_the_same_rank_is_caught),
		cmocka_unit_test(test_lock_taken_twice_is_caught),
		cmocka_unit_test(test_lock_dropped_by_who_does_not_hold_it_is_caught),
		cmocka_unit_test(test_lock_is_held_by_one_thread),
		cmocka_unit_test(test_lock_excludes),
		cmocka_unit_test(test_lock_destroyed_while_it_is_held_is_caught),
		cmocka_unit_test(test_condition_wakes_who_sleeps_for_it),
		cmocka_unit_test(test_condition_is_not_waited_for_beyond_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
