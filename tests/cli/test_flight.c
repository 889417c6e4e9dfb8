/* SPDX-License-Identifier: MIT */
/* The count of work in flight on made-up events. */
#include "unit.h"

#include "cli/flight.h"

#define VM    2u
#define RID   0x18u
#define HOST  0x1000u
#define OTHER 0x1001u
#define GUEST 5u

#define DRAIN_QUEUE 8u
#define ABORT_ALL   4u

static struct flight *flight;

#define TELL(kind_, pasid_, ...)                                                                   \
	flight_observe(flight, &(struct vsva_event){.kind = VSVA_EV_##kind_,                       \
						    .rid = {RID},                                  \
						    .hpasid = {pasid_},                            \
						    .gpasid = {VSVA_PASID_INVALID},                \
						    __VA_ARGS__})
#define STOP(pasid_, command_) TELL(STOP, pasid_, .value = (command_))

static int setup(void **state)
{
	(void)state;
	flight = flight_create();
	assert_non_null(flight);
	TELL(DEVICE_ATTACH, VSVA_PASID_INVALID, .vm = VM);
	flight_observe(flight, &(struct vsva_event){.kind = VSVA_EV_BIND,
						    .vm = VM,
						    .rid = {RID},
						    .hpasid = {HOST},
						    .gpasid = {GUEST}});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	flight_destroy(flight);
	return 0;
}

static struct flight_moment taken(uint64_t descriptors, uint64_t page_requests)
{
	struct flight_moment moment;

	assert_true(flight_take(flight, &moment));
	assert_int_equal(moment.descriptors, descriptors);
	assert_int_equal(moment.page_requests, page_requests);
	assert_int_equal(moment.vm, VM);
	assert_int_equal(moment.rid.v, RID);
	return moment;
}

static void assert_none_left(void)
{
	struct flight_moment moment;

	assert_false(flight_take(flight, &moment));
	assert_int_equal(flight_lost(flight), 0);
}

static void test_unbind_of_an_idle_pasid_is_no_moment(void **state)
{
	(void)state;
	TELL(UNBIND, HOST);
	TELL(SUBMIT, HOST);
	TELL(PAGE_REQUEST, HOST, .value = 3);
	TELL(PAGE_RESPONSE, HOST, .addr = 3);
	TELL(COMPLETE, HOST);
	TELL(UNBIND, HOST);
	STOP(VSVA_PASID_INVALID, 0);
	assert_none_left();
}

static void test_unbind_with_work(void **state)
{
	struct flight_moment moment;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		TELL(SUBMIT, HOST);
		TELL(PAGE_REQUEST, HOST, .value = i);
	}
	TELL(SUBMIT, OTHER);
	TELL(PAGE_RESPONSE, HOST, .addr = 1);
	TELL(COMPLETE, HOST, .addr = 1); /* of a batch: the batch goes on */
	TELL(COMPLETE, HOST);
	TELL(UNBIND, HOST);
	moment = taken(2, 2);
	assert_int_equal(moment.kind, VSVA_EV_UNBIND);
	assert_int_equal(moment.pasid.v, HOST);
	assert_int_equal(moment.guest.v, GUEST);
	assert_string_equal(flight_moment_name(&moment), "unbind");
	assert_none_left();
}

static void test_stop_of_one_pasid_and_of_all(void **state)
{
	struct flight_moment moment;

	(void)state;
	TELL(SUBMIT, HOST);
	TELL(SUBMIT, OTHER);
	TELL(PAGE_REQUEST, OTHER, .value = 7);
	STOP(HOST, DRAIN_QUEUE);
	moment = taken(1, 0);
	assert_string_equal(flight_moment_name(&moment), "drain-queue");
	STOP(VSVA_PASID_INVALID, ABORT_ALL);
	moment = taken(2, 1);
	assert_int_equal(moment.pasid.v, VSVA_PASID_INVALID);
	assert_int_equal(moment.guest.v, VSVA_PASID_INVALID);
	assert_string_equal(flight_moment_name(&moment), "abort-all");
	TELL(ABORT, HOST);
	TELL(ABORT, OTHER);
	TELL(PAGE_RESPONSE, OTHER, .addr = 7);
	STOP(VSVA_PASID_INVALID, 0);
	assert_none_left();
}

/* The function forgets what it has asked; the answer may come all the same, and the group's index
 * be in use again by then. */
static void test_reset_forgets_page_requests(void **state)
{
	struct flight_moment moment;

	(void)state;
	TELL(SUBMIT, HOST);
	TELL(PAGE_REQUEST, HOST, .value = 7);
	STOP(VSVA_PASID_INVALID, 0);
	moment = taken(1, 1);
	assert_string_equal(flight_moment_name(&moment), "function-reset");
	TELL(ABORT, HOST);
	TELL(UNBIND, HOST);
	assert_none_left();
	TELL(PAGE_REQUEST, OTHER, .value = 7);
	TELL(PAGE_RESPONSE, HOST, .addr = 7);
	TELL(UNBIND, OTHER);
	taken(0, 1);
	assert_none_left();
}

/* Who begins to watch late sees ends of what he has not seen begin. */
static void test_ends_without_a_beginning(void **state)
{
	(void)state;
	TELL(COMPLETE, HOST);
	TELL(ABORT, HOST);
	TELL(PAGE_RESPONSE, HOST, .addr = 511);
	TELL(SUBMIT, HOST);
	TELL(UNBIND, HOST);
	taken(1, 0);
	assert_none_left();
}

static void test_moments_that_nobody_takes_are_counted(void **state)
{
	struct flight_moment moment;
	unsigned kept = 0;

	(void)state;
	TELL(SUBMIT, HOST);
	for (unsigned i = 0; i < 3000; i++)
		TELL(UNBIND, HOST);
	while (flight_take(flight, &moment))
		kept++;
	assert_int_equal(kept + flight_lost(flight), 3000);
	assert_true(kept > 0 && kept < 3000);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_unbind_of_an_idle_pasid_is_no_moment),
		T(test_unbind_with_work),
		T(test_stop_of_one_pasid_and_of_all),
		T(test_reset_forgets_page_requests),
		T(test_ends_without_a_beginning),
		T(test_moments_that_nobody_takes_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
