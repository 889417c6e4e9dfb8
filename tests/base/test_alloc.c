/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"

static bool is_zero(const unsigned char *memory, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (memory[i])
			return false;
	return true;
}

static void test_alloc_gives_zeroed_memory(void **state)
{
	unsigned char *memory = base_zalloc(1000);
	(void)state;

	assert_non_null(memory);
	assert_true(is_zero(memory, 1000));
	memset(memory, 1, 1000);
	base_free(memory);
	memory = base_calloc(10, 100);
	assert_true(is_zero(memory, 1000));
	base_free(memory);
}

static void test_alloc_aligned_is_aligned_and_zeroed(void **state)
{
	unsigned char *memory = base_zalloc_aligned(4096, 5000);
	(void)state;

	assert_int_equal((uintptr_t)memory % 4096, 0);
	assert_true(is_zero(memory, 5000));
	base_free(memory);
}

static void test_alloc_of_nothing_is_something(void **state)
{
	void *memory = base_zalloc(0);
	(void)state;

	assert_non_null(memory);
	base_free(memory);
	base_free(NULL);
}

static void test_alloc_refuses_a_product_that_overflows(void **state)
{
	volatile size_t huge = SIZE_MAX / 2;
	(void)state;

	assert_null(base_calloc(huge, 3));
}

static void test_alloc_copies_a_string(void **state)
{
	char *copy = base_strdup("a guest");
	(void)state;

	assert_string_equal(copy, "a guest");
	base_free(copy);
}

static void test_alloc_counts_bytes_in_use(void **state)
{
	size_t before = base_bytes_in_use();
	void *memory = base_zalloc(10000);
	(void)state;

	assert_true(base_bytes_in_use() >= before + 10000);
	base_free(memory);
	assert_int_equal(base_bytes_in_use(), before);
}

static void test_fail_nth_fails_the_nth_only(void **state)
{
	void *first, *third;
	(void)state;

	fail_nth_set(2, 0);
	first = base_zalloc(1);
	assert_null(base_strdup("second"));
	third = base_zalloc_aligned(64, 1);
	assert_int_equal(fail_nth_hits(), 3);
	fail_nth_set(0, 0);
	assert_non_null(first);
	assert_non_null(third);
	base_free(first);
	base_free(third);
}

static void test_fail_nth_stuck_fails_every_later_one(void **state)
{
	(void)state;
	fail_nth_set(2, 1);
	assert_false(fail_nth_now());
	assert_true(fail_nth_now());
	assert_null(base_zalloc(1));
	assert_null(base_zalloc_aligned(64, 1));
	fail_nth_set(0, 0);
	assert_false(fail_nth_now());
	assert_int_equal(fail_nth_hits(), 0);
}

static void *take_a_step(void *arg)
{
	*(bool *)arg = fail_nth_now();
	return NULL;
}

static void test_fail_nth_is_of_one_thread(void **state)
{
	pthread_t other;
	bool other_failed = true;
	(void)state;

	fail_nth_set(1, 1);
	assert_int_equal(pthread_create(&other, NULL, take_a_step, &other_failed), 0);
	pthread_join(other, NULL);
	assert_false(other_failed);
	assert_int_equal(fail_nth_hits(), 0);
	fail_nth_set(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_gives_zeroed_memory),
		cmocka_unit_test(test_alloc_aligned_is_aligned_and_zeroed),
		cmocka_unit_test(test_alloc_of_nothing_is_something),
		cmocka_unit_test(test_alloc_refuses_a_product_that_overflows),
		cmocka_unit_test(test_alloc_copies_a_string),
		cmocka_unit_test(test_alloc_counts_bytes_in_use),
		cmocka_unit_test(test_fail_nth_fails_the_nth_only),
		cmocka_unit_test(test_fail_nth_stuck_fails_every_later_one),
		cmocka_unit_test(test_fail_nth_is_of_one_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
