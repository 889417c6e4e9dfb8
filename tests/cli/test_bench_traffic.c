// SPDX-License-Identifier: MIT
/* The other VM of `vsva bench lifecycle`: what it says of its copies is true. */
#include "unit.h"

#include <time.h>

#include "bench/traffic.h"

struct fixture {
	struct bench_world world;
	struct bench_traffic traffic;
};

static int set_up(void **state)
{
	static const struct bench_world_options options = {
		.policy = VSVA_CACHE_LRU, .threads = true, .pasid_quota = 1};
	static struct fixture fixture;

	*state = &fixture;
	return bench_world_create(&options, &fixture.world);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	bench_world_destroy(&fixture->world);
	return 0;
}

static void wait_for_copies(const struct bench_traffic *traffic, uint64_t count)
{
	static const struct timespec pause = {.tv_nsec = 1000000};
	uint64_t end = bench_traffic_copies(traffic) + count;

	while (bench_traffic_copies(traffic) < end)
		nanosleep(&pause, NULL);
}

static void test_traffic_copies_are_right(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(bench_traffic_start(&fixture->traffic, &fixture->world), 0);
	wait_for_copies(&fixture->traffic, 3);
	bench_traffic_stop(&fixture->traffic);
	assert_int_equal(bench_traffic_wrong(&fixture->traffic), 0);
}

/* Negative control: its device loses the address space. */
static void test_traffic_sees_what_is_wrong(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(vsva_process_unbind(fixture->world.process, fixture->world.guest_engine),
			 0);
	assert_int_equal(bench_traffic_start(&fixture->traffic, &fixture->world), 0);
	wait_for_copies(&fixture->traffic, 3);
	bench_traffic_stop(&fixture->traffic);
	assert_int_equal(bench_traffic_wrong(&fixture->traffic),
			 bench_traffic_copies(&fixture->traffic));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_traffic_copies_are_right, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_traffic_sees_what_is_wrong, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
