/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define SECOND_NS UINT64_C(1000000000)

static struct {
	unsigned count;
	enum log_level level;
	char line[1024];
} seen;

static void see(void *arg, enum log_level level, const char *line)
{
	assert_ptr_equal(arg, &seen);
	seen.count++;
	seen.level = level;
	snprintf(seen.line, sizeof(seen.line), "%s", line);
}

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	log_set_sink(see, &seen);
	log_set_level(LOG_WARN);
	clock_set_manual(100);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_set_sink(NULL, NULL);
	clock_set_real();
	return 0;
}

static void test_log_line_reaches_the_sink(void **state)
{
	(void)state;
	log_line(LOG_ERROR, VSVA_CODE_NO_MEMORY, "device %02x:%02x.%u", 1, 2, 3u);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.level, LOG_ERROR);
	assert_string_equal(seen.line, "device 01:02.3 [NO_MEMORY]");
}

static void test_log_level_holds_back_details(void **state)
{
	(void)state;
	log_line(LOG_INFO, VSVA_CODE_NONE, "a detail");
	assert_int_equal(seen.count, 0);
	log_set_level(LOG_DEBUG);
	log_line(LOG_DEBUG, VSVA_CODE_NONE, "a detail");
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.line, "a detail");
}

static void test_log_line_stays_one_line(void **state)
{
	(void)state;
	log_line(LOG_WARN, VSVA_CODE_NO_MEMORY, "%s",
		 "guest says\nvsva: error: \033[2Jtrust me\x7f");
	assert_string_equal(seen.line, "guest says?vsva: error: ?[2Jtrust me? [NO_MEMORY]");
}

static void test_log_long_line_is_cut(void **state)
{
	(void)state;
	log_line(LOG_WARN, VSVA_CODE_NO_MEMORY, "%02000d", 1);
	assert_in_range(strlen(seen.line), 100, 1000);
	assert_non_null(strstr(seen.line, "00 [NO_MEMORY]"));
}

static void say(void)
{
	LOG_LIMITED(LOG_WARN, VSVA_CODE_NO_MEMORY, "again");
}

static void test_log_limit_lets_a_burst_through(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 25; i++)
		say();
	assert_int_equal(seen.count, 10);
	clock_set_manual(100 + 5 * SECOND_NS - 1);
	say();
	assert_int_equal(seen.count, 10);
}

static void test_log_limit_says_how_many_it_held_back(void **state)
{
	struct log_limit limit = {0};
	(void)state;

	for (unsigned i = 0; i < 13; i++)
		assert_int_equal(log_limit_pass(&limit), i < 10);
	assert_int_equal(seen.count, 0);
	clock_set_manual(100 + 5 * SECOND_NS);
	assert_true(log_limit_pass(&limit));
	assert_int_equal(seen.count, 1);
	assert_non_null(strstr(seen.line, "3 messages"));
	clock_set_manual(100 + 10 * SECOND_NS);
	assert_true(log_limit_pass(&limit));
	assert_int_equal(seen.count, 1); /* nothing was held back since */
}

static void test_log_limit_is_per_place(void **state)
{
	struct log_limit first = {0}, second = {0};
	(void)state;

	for (unsigned i = 0; i < 20; i++)
		log_limit_pass(&first);
	assert_false(log_limit_pass(&first));
	assert_true(log_limit_pass(&second));
}

static void test_log_limit_survives_a_clock_that_goes_back(void **state)
{
	struct log_limit limit = {0};
	(void)state;

	clock_set_manual(50 * SECOND_NS);
	for (unsigned i = 0; i < 20; i++)
		log_limit_pass(&limit);
	clock_set_manual(SECOND_NS);
	assert_true(log_limit_pass(&limit));
}

static void *pass_often(void *arg)
{
	uintptr_t passed = 0;

	for (unsigned i = 0; i < 1000; i++)
		passed += (uintptr_t)log_limit_pass(arg);
	return (void *)passed;
}

static void test_log_limit_counts_all_threads(void **state)
{
	struct log_limit limit = {0};
	uintptr_t passed = 0;
	pthread_t threads[3];
	(void)state;

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pass_often, &limit), 0);
	for (unsigned i = 0; i < 3; i++) {
		void *result;

		pthread_join(threads[i], &result);
		passed += (uintptr_t)result;
	}
	assert_int_equal(passed, 10);
	assert_int_equal(limit.held_back, 2990);
}

static void test_clock_stands_until_moved(void **state)
{
	uint64_t before;
	(void)state;

	clock_set_manual(42);
	assert_int_equal(clock_now_ns(), 42);
	clock_set_manual(43);
	assert_int_equal(clock_now_ns(), 43);
	clock_set_real();
	before = clock_now_ns();
	assert_true(clock_now_ns() >= before);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_log_line_reaches_the_sink),
		CASE(test_log_level_holds_back_details),
		CASE(test_log_line_stays_one_line),
		CASE(test_log_long_line_is_cut),
		CASE(test_log_limit_lets_a_burst_through),
		CASE(test_log_limit_says_how_many_it_held_back),
		CASE(test_log_limit_is_per_place),
		CASE(test_log_limit_survives_a_clock_that_goes_back),
		CASE(test_log_limit_counts_all_threads),
		CASE(test_clock_stands_until_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
