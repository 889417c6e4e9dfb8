// SPDX-License-Identifier: MIT
/* Page requests counted from the outside: what is wrong is seen. */
#include "unit.h"

#include "cli/groups.h"

static struct groups *groups;

static int set_up(void **state)
{
	(void)state;
	groups = groups_create();
	return groups ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	groups_destroy(groups);
	return 0;
}

static void ask(uint16_t rid_, uint32_t pasid, unsigned index)
{
	struct vsva_event event = {.kind = VSVA_EV_PAGE_REQUEST,
				   .rid = rid(rid_),
				   .hpasid = hpasid(pasid),
				   .value = index};

	groups_observe(groups, &event);
}

static void answer(uint16_t rid_, uint32_t pasid, unsigned index)
{
	struct vsva_event event = {.kind = VSVA_EV_PAGE_RESPONSE,
				   .rid = rid(rid_),
				   .hpasid = hpasid(pasid),
				   .addr = index};

	groups_observe(groups, &event);
}

static void reset_unit(void)
{
	struct vsva_event event = {.kind = VSVA_EV_UNIT_RESET};

	groups_observe(groups, &event);
}

static void expect(uint64_t open, uint64_t wrong)
{
	struct groups_counts counts;

	groups_get_counts(groups, &counts);
	assert_int_equal(counts.open, open);
	assert_int_equal(counts.wrong, wrong);
}

static void test_groups_answered_once(void **state)
{
	(void)state;
	ask(8, 1, 0);
	ask(8, 1, 511);
	ask(16, 1, 0);
	expect(3, 0);
	answer(8, 1, 511);
	answer(16, 1, 0);
	answer(8, 1, 0);
	expect(0, 0);
	ask(8, 2, 0);
	answer(8, 2, 0);
	expect(0, 0);
}

static void test_groups_answered_twice_is_seen(void **state)
{
	(void)state;
	ask(8, 1, 3);
	answer(8, 1, 3);
	answer(8, 1, 3);
	expect(0, 1);
}

static void test_groups_answer_to_nobody_is_seen(void **state)
{
	(void)state;
	answer(8, 1, 3);
	expect(0, 1);
	ask(8, 1, 3);
	answer(8, 2, 3);
	expect(1, 2);
}

static void test_groups_unanswered_is_seen(void **state)
{
	(void)state;
	ask(8, 1, 3);
	expect(1, 0);
	ask(8, 1, 3);
	expect(1, 1);
}

/* Lost ones may be answered, once. */
static void test_groups_lost_to_a_reset(void **state)
{
	struct groups_counts counts;

	(void)state;
	ask(8, 1, 3);
	ask(8, 1, 4);
	reset_unit();
	expect(0, 0);
	groups_get_counts(groups, &counts);
	assert_int_equal(counts.lost, 2);
	answer(8, 1, 3);
	expect(0, 0);
	answer(8, 1, 3);
	expect(0, 1);
	ask(8, 1, 4);
	expect(1, 1);
	answer(8, 1, 4);
	expect(0, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_groups_answered_once),
		TEST(test_groups_answered_twice_is_seen),
		TEST(test_groups_answer_to_nobody_is_seen),
		TEST(test_groups_unanswered_is_seen),
		TEST(test_groups_lost_to_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
