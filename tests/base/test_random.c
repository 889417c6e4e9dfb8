/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <string.h>

#include "base/random.h"

static void test_random_follows_the_published_generator(void **state)
{
	/* xoshiro256**: the first values from the state 1, 2, 3, 4 */
	static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
	struct rng rng = {{1, 2, 3, 4}};
	(void)state;

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rng_u64(&rng), expected[i]);
}

static void test_random_same_seed_same_values(void **state)
{
	struct rng first, again, other;
	(void)state;

	rng_seed(&first, 5);
	rng_seed(&again, 5);
	rng_seed(&other, 6);
	assert_memory_equal(&first, &again, sizeof(first));
	assert_int_equal(rng_u64(&first), rng_u64(&again));
	assert_int_not_equal(rng_u64(&first), rng_u64(&other));
}

static void test_random_seed_zero_works(void **state)
{
	struct rng rng;
	(void)state;

	rng_seed(&rng, 0);
	assert_int_not_equal(rng_u64(&rng), rng_u64(&rng));
}

static void test_random_below_stays_below_and_reaches_all(void **state)
{
	bool reached[7] = {false};
	struct rng rng;
	(void)state;

	rng_seed(&rng, 1);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t value = rng_below(&rng, 7);

		assert_true(value < 7);
		reached[value] = true;
		assert_int_equal(rng_below(&rng, 1), 0);
		assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
	}
	for (unsigned i = 0; i < 7; i++)
		assert_true(reached[i]);
}

static void below_zero(void *arg)
{
	rng_below(arg, 0);
}

static void test_random_below_nothing_is_caught(void **state)
{
	struct rng rng;
	(void)state;

	rng_seed(&rng, 1);
	unit_expect_check(below_zero, &rng);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_follows_the_published_generator),
		cmocka_unit_test(test_random_same_seed_same_values),
		cmocka_unit_test(test_random_seed_zero_works),
		cmocka_unit_test(test_random_below_stays_below_and_reaches_all),
		cmocka_unit_test(test_random_below_nothing_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
