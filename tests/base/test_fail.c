// SPDX-License-Identifier: MIT
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "base/fail.h"
#include "base/sparse.h"

/* The only one of a function of this file. */
static const struct fail_site *site_of(const char *function)
{
	size_t count;
	struct fail_site *const *sites = fail_sites(&count);
	const struct fail_site *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(sites[i]->function, function) || !strstr(sites[i]->file, "test_fail.c"))
			continue;
		assert_null(found);
		found = sites[i];
	}
	assert_non_null(found);
	return found;
}

static int take_step(void)
{
	return fail_nth_now();
}

static int take_step_of_a_call(void)
{
	return FAIL_CALL(-1, EMFILE, 7);
}

static void test_fail_site_counts(void **state)
{
	const struct fail_site *site = site_of("take_step");
	uint64_t reached = site->reached, failed = site->failed;
	(void)state;

	assert_int_equal(take_step(), 0);
	assert_int_equal(site->reached, reached + 1);
	assert_int_equal(site->failed, failed);
	fail_nth_set(2, 0);
	assert_int_equal(take_step(), 0);
	assert_int_not_equal(take_step(), 0);
	assert_int_equal(take_step(), 0);
	fail_nth_set(0, 0);
	assert_int_equal(site->reached, reached + 4);
	assert_int_equal(site->failed, failed + 1);
	assert_string_equal(site->call, "fail_step()");
}

static void test_fail_call_sets_errno(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(take_step_of_a_call(), 7);
	assert_int_equal(errno, 0);
	fail_nth_set(1, 0);
	assert_int_equal(take_step_of_a_call(), -1);
	fail_nth_set(0, 0);
	assert_int_equal(errno, EMFILE);
}

static int set_in_sparse(struct sparse *sparse)
{
	return sparse_set(sparse, 3, sparse);
}

/* A step that fails deep inside is a failure of every call that is under way. */
static void test_fail_step_is_of_all_sites_around_it(void **state)
{
	const struct fail_site *outer = site_of("set_in_sparse");
	uint64_t failed = outer->failed;
	struct sparse sparse;
	(void)state;

	sparse_init(&sparse);
	for (uint64_t nth = 1; nth <= 2; nth++) {
		fail_nth_set(nth, 0);
		assert_int_equal(set_in_sparse(&sparse), -ENOMEM);
		fail_nth_set(0, 0);
		assert_int_equal(outer->failed, failed + nth);
		/* not when it is over */
		fail_nth_set(1, 0);
		assert_int_not_equal(take_step(), 0);
		fail_nth_set(0, 0);
		assert_int_equal(outer->failed, failed + nth);
		sparse_fini(&sparse);
	}
}

static void *take_steps(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 1000; i++)
		take_step();
	return NULL;
}

static void test_fail_site_counts_all_threads(void **state)
{
	const struct fail_site *site = site_of("take_step");
	uint64_t reached = site->reached, failed = site->failed;
	pthread_t threads[2];
	(void)state;

	fail_nth_set(1, 1);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_steps, NULL), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	fail_nth_set(0, 0);
	assert_int_equal(site->reached, reached + 2000);
	assert_int_equal(site->failed, failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_site_counts),
		cmocka_unit_test(test_fail_call_sets_errno),
		cmocka_unit_test(test_fail_step_is_of_all_sites_around_it),
		cmocka_unit_test(test_fail_site_counts_all_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
