/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <string.h>

#include "base/trace.h"

static void test_trace_every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < VSVA_EV_KIND_COUNT; kind++) {
		const char *name = vsva_event_name((enum vsva_event_kind)kind);

		assert_string_not_equal(name, "?");
		for (unsigned other = 0; other < kind; other++)
			assert_string_not_equal(name, vsva_event_name((enum vsva_event_kind)other));
	}
	assert_string_equal(vsva_event_name(VSVA_EV_PAGE_REQUEST), "page-request");
	assert_string_equal(vsva_event_name(VSVA_EV_KIND_COUNT), "?");
	assert_string_equal(vsva_event_name((enum vsva_event_kind)1000), "?");
}

static void test_trace_every_room_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(vsva_room_name(VSVA_ROOM_GUEST), "guest");
	assert_string_equal(vsva_room_name(VSVA_ROOM_VMM), "vmm");
	assert_string_equal(vsva_room_name(VSVA_ROOM_HOST), "host");
	assert_string_equal(vsva_room_name(VSVA_ROOM_UNIT), "unit");
	assert_string_equal(vsva_room_name(VSVA_ROOM_DEVICE), "device");
	assert_string_equal(vsva_room_name((enum vsva_room)100), "?");
}

static void keep(void *arg, const struct vsva_event *event)
{
	*(struct vsva_event *)arg = *event;
}

static void test_trace_members_not_named_are_none(void **state)
{
	struct vsva_event event;
	struct trace trace = {.observer = keep, .arg = &event};
	(void)state;

	memset(&event, 0xff, sizeof(event));
	TRACE(&trace, UNIT, FAULT, .rid = rid(0x100), .hpasid = hpasid(7), .value = 0x58);
	assert_int_equal(event.kind, VSVA_EV_FAULT);
	assert_int_equal(event.room, VSVA_ROOM_UNIT);
	assert_int_equal(event.rid.v, 0x100);
	assert_int_equal(event.hpasid.v, 7);
	assert_int_equal(event.gpasid.v, VSVA_PASID_INVALID);
	assert_int_equal(event.value, 0x58);
	assert_int_equal(event.addr, 0);
	assert_int_equal(event.len, 0);
	assert_int_equal(event.result, 0);
	assert_false(event.write);
}

static unsigned evaluated;

static uint64_t evaluate(void)
{
	return ++evaluated;
}

static void test_trace_without_observer_costs_nothing(void **state)
{
	struct trace trace = {.observer = NULL};
	(void)state;

	TRACE(&trace, HOST, BIND, .value = evaluate());
	TRACE((const struct trace *)NULL, HOST, BIND, .value = evaluate());
	assert_int_equal(evaluated, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace_every_kind_has_a_name_of_its_own),
		cmocka_unit_test(test_trace_every_room_has_a_name),
		cmocka_unit_test(test_trace_members_not_named_are_none),
		cmocka_unit_test(test_trace_without_observer_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
