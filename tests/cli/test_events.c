/* SPDX-License-Identifier: MIT */
/* Events as lines, whose they are, and what led to them. */
#include "unit.h"

#include <string.h>

#include "cli/event_line.h"
#include "cli/links.h"

/* Lines */

static struct vsva_record through_a_line(const struct vsva_record *record)
{
	char line[EVENT_LINE_MAX];
	size_t len = event_line_format(line, record);
	struct json_object *object;
	struct vsva_record back;

	assert_int_equal(len, strlen(line));
	object = json_tokener_parse(line);
	assert_non_null(object);
	assert_true(event_line_parse(object, &back));
	json_object_put(object);
	return back;
}

static void assert_same(const struct vsva_record *a, const struct vsva_record *b)
{
	assert_true(a->id == b->id && a->cause == b->cause && a->time_ns == b->time_ns &&
		    a->thread == b->thread);
	assert_true(a->event.kind == b->event.kind && a->event.room == b->event.room &&
		    a->event.vm == b->event.vm && a->event.rid.v == b->event.rid.v &&
		    a->event.write == b->event.write && a->event.gpasid.v == b->event.gpasid.v &&
		    a->event.hpasid.v == b->event.hpasid.v);
	assert_true(a->event.addr == b->event.addr && a->event.hpa.v == b->event.hpa.v &&
		    a->event.len == b->event.len && a->event.value == b->event.value &&
		    a->event.result == b->event.result);
}

static void test_event_line_comes_back_whole(void **state)
{
	struct vsva_record full = {
		.id = UINT64_C(65) << 48 | 1,
		.cause = UINT64_C(65) << 48,
		.time_ns = INT64_MAX,
		.thread = UINT32_MAX,
		.event = {.vm = UINT32_MAX,
			  .rid = rid(0xffff),
			  .write = true,
			  .gpasid = gpasid(0xfffff),
			  .hpasid = hpasid(0),
			  .addr = UINT64_MAX,
			  .hpa = hpa(UINT64_C(1) << 51),
			  .len = UINT64_MAX,
			  .value = UINT64_MAX,
			  .result = -110},
	};
	struct vsva_record empty = {
		.id = 1,
		.event = {.gpasid = gpasid(VSVA_PASID_INVALID),
			  .hpasid = hpasid(VSVA_PASID_INVALID)},
	};
	struct vsva_record back;
	(void)state;

	for (int kind = 0; kind < VSVA_EV_KIND_COUNT; kind++) {
		full.event.kind = empty.event.kind = (enum vsva_event_kind)kind;
		full.event.room = empty.event.room = (enum vsva_room)(kind % 5);
		back = through_a_line(&full);
		assert_same(&full, &back);
		back = through_a_line(&empty);
		assert_same(&empty, &back);
	}
}

/* Many readers of JSON know no whole 64 bits. */
static void test_event_line_has_addresses_as_text(void **state)
{
	struct vsva_record record = {
		.id = 1, .event = {.kind = VSVA_EV_MM_MAP, .addr = 7, .value = UINT64_C(1) << 40}};
	char line[EVENT_LINE_MAX];
	(void)state;

	event_line_format(line, &record);
	assert_non_null(strstr(line, "\"addr\":\"0x7\""));
	assert_non_null(strstr(line, "\"value\":\"0x10000000000\""));
	record.event.value = 3;
	event_line_format(line, &record);
	assert_non_null(strstr(line, "\"value\":3"));
}

static void test_event_line_that_is_none_is_refused(void **state)
{
	static const char *const lines[] = {
		"{\"room\":\"host\",\"id\":\"0x1\"}",
		"{\"event\":\"luck\",\"room\":\"host\",\"id\":\"0x1\"}",
		"{\"event\":\"bind\",\"room\":\"cellar\",\"id\":\"0x1\"}",
		"{\"event\":\"bind\",\"room\":\"host\"}",
		"{\"event\":7,\"room\":\"host\",\"id\":\"0x1\"}",
		"[]",
	};
	struct vsva_record record;
	(void)state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct json_object *line = json_tokener_parse(lines[i]);

		assert_false(event_line_parse(line, &record));
		json_object_put(line);
	}
}

/* Events with their owners, in order */

struct story {
	struct owners *owners;
	struct links *links;
	uint64_t id;
	uint64_t lost; /* before the next */
};

static struct story begin_story(void)
{
	struct story story = {.owners = owners_create(), .links = links_create()};

	assert_non_null(story.owners);
	assert_non_null(story.links);
	return story;
}

static void end_story(struct story *story)
{
	owners_destroy(story->owners);
	links_destroy(story->links);
}

struct told {
	struct owner owner;
	uint64_t id, from; /* 0: nothing led to it */
};

static struct told tell(struct story *story, uint32_t thread, uint64_t cause,
			const struct vsva_event *event)
{
	struct traced traced = {
		.record = {.id = ++story->id, .cause = cause, .thread = thread, .event = *event},
		.owner = owners_observe(story->owners, event),
		.lost = story->lost,
	};
	const struct traced *from = links_follow(story->links, &traced);

	story->lost = 0;
	return (struct told){
		.owner = traced.owner, .id = story->id, .from = from ? from->record.id : 0};
}

#define NOBODY .gpasid = {VSVA_PASID_INVALID}, .hpasid = {VSVA_PASID_INVALID}
#define TELL(story_, thread_, cause_, room_, kind_, ...)                                           \
	({                                                                                         \
		_Pragma("GCC diagnostic push") _Pragma(                                            \
			"GCC diagnostic ignored \"-Woverride-init\"") struct vsva_event event_ = { \
			NOBODY, .room = VSVA_ROOM_##room_, .kind = VSVA_EV_##kind_, __VA_ARGS__};  \
		_Pragma("GCC diagnostic pop") tell(story_, thread_, cause_, &event_);              \
	})

#define OF_DEVICE .rid = rid(0x6a00)
#define OF_GUEST  .vm = 1, .gpasid = gpasid(5)
#define OF_HOST   .hpasid = hpasid(0x1000)

static void test_owners_are_learned_from_binds_and_forgotten(void **state)
{
	struct story s = begin_story();
	struct told told;
	(void)state;

	told = TELL(&s, 1, 0, UNIT, TRANSLATE, OF_DEVICE, OF_HOST);
	assert_int_equal(told.owner.vm, 0);
	TELL(&s, 1, 0, HOST, BIND, OF_DEVICE, OF_GUEST, OF_HOST);
	told = TELL(&s, 1, 0, UNIT, TRANSLATE, OF_DEVICE, OF_HOST);
	assert_int_equal(told.owner.vm, 1);
	assert_int_equal(told.owner.guest.v, 5);
	told = TELL(&s, 1, 0, GUEST, PAGE_FAULT_GUEST, OF_GUEST);
	assert_int_equal(told.owner.host.v, 0x1000);
	/* the same number of another VM is another */
	told = TELL(&s, 1, 0, GUEST, PAGE_FAULT_GUEST, .vm = 2, .gpasid = gpasid(5));
	assert_int_equal(told.owner.host.v, VSVA_PASID_INVALID);
	told = TELL(&s, 1, 0, HOST, IOASID_RECLAIM, OF_HOST);
	assert_int_equal(told.owner.vm, 1);
	told = TELL(&s, 1, 0, UNIT, TRANSLATE, OF_DEVICE, OF_HOST);
	assert_int_equal(told.owner.vm, 0);
	end_story(&s);
}

static void test_owner_of_a_device_has_what_comes_without_pasid(void **state)
{
	struct story s = begin_story();
	(void)state;

	TELL(&s, 1, 0, HOST, DEVICE_ATTACH, OF_DEVICE, .vm = 3);
	assert_int_equal(TELL(&s, 1, 0, UNIT, TRANSLATE, OF_DEVICE).owner.vm, 3);
	assert_int_equal(TELL(&s, 1, 0, HOST, PASID_ENTRY, OF_DEVICE, .hpasid = hpasid(0)).owner.vm,
			 3);
	/* somebody's PASID is not the function's owner's */
	assert_int_equal(TELL(&s, 1, 0, UNIT, TRANSLATE, OF_DEVICE, OF_HOST).owner.vm, 0);
	TELL(&s, 1, 0, HOST, DEVICE_DETACH, OF_DEVICE, .vm = 3);
	assert_int_equal(TELL(&s, 1, 0, UNIT, TRANSLATE, OF_DEVICE).owner.vm, 0);
	end_story(&s);
}

#define OF_PAGE .addr = 0x7000

static void test_links_follow_a_page_request_there_and_back(void **state)
{
	struct story s = begin_story();
	struct told work, last, next;
	(void)state;

	TELL(&s, 1, 0, HOST, BIND, OF_DEVICE, OF_GUEST, OF_HOST);
	work = TELL(&s, 2, 0, DEVICE, SUBMIT, OF_DEVICE, OF_HOST);
	assert_int_equal(work.from, 0);
	last = TELL(&s, 2, 0, DEVICE, PAGE_REQUEST, OF_DEVICE, OF_HOST, OF_PAGE, .value = 9);
	assert_int_equal(last.from, work.id);
	/* another page of the same PASID goes its own way */
	TELL(&s, 3, 0, DEVICE, PAGE_REQUEST, OF_DEVICE, OF_HOST, .addr = 0x9000, .value = 10);
#define NEXT(thread, room, kind, ...)                                                              \
	next = TELL(&s, thread, 0, room, kind, __VA_ARGS__);                                       \
	assert_int_equal(next.from, last.id);                                                      \
	last = next
	NEXT(2, UNIT, PAGE_REQUEST_QUEUED, OF_DEVICE, OF_HOST, OF_PAGE, .value = 9);
	NEXT(4, HOST, PAGE_REQUEST_HOST, OF_DEVICE, OF_HOST, OF_PAGE, .value = 9);
	NEXT(4, VMM, PAGE_REQUEST_GUEST, OF_DEVICE, OF_GUEST, OF_HOST, OF_PAGE, .value = 9);
	NEXT(5, GUEST, GUEST_MAP, OF_GUEST, OF_PAGE);
	NEXT(5, GUEST, PAGE_FAULT_GUEST, OF_GUEST, OF_PAGE);
	NEXT(6, VMM, PAGE_RESPONSE_GUEST, OF_DEVICE, OF_GUEST, .addr = 9);
	NEXT(6, HOST, PAGE_RESPONSE_HOST, OF_DEVICE, OF_HOST, .addr = 9);
	assert_int_equal(TELL(&s, 7, 0, UNIT, DESCRIPTOR, OF_HOST, .value = 9).from, last.id);
	assert_int_equal(TELL(&s, 7, 0, UNIT, DESCRIPTOR, OF_HOST, .value = 6).from, 0);
	NEXT(7, UNIT, PAGE_RESPONSE, OF_DEVICE, OF_HOST, .addr = 9);
	/* nobody asked twice */
	assert_int_equal(
		TELL(&s, 6, 0, HOST, PAGE_RESPONSE_HOST, OF_DEVICE, OF_HOST, .addr = 9).from, 0);
	/* and then the device goes on */
	assert_int_equal(TELL(&s, 2, 0, DEVICE, ACCESS, OF_DEVICE, OF_HOST, OF_PAGE).from, last.id);
	/* the group is used again: the old request is not the new one */
	last = TELL(&s, 2, 0, DEVICE, PAGE_REQUEST, OF_DEVICE, OF_HOST, .addr = 0xb000, .value = 9);
	NEXT(7, UNIT, PAGE_RESPONSE, OF_DEVICE, OF_HOST, .addr = 9);
	end_story(&s);
}

static void test_links_begin_in_the_middle_of_a_copy(void **state)
{
	struct story s = begin_story();
	struct told first, second, descriptor;
	(void)state;

	/* its descriptor came before anybody looked, and so did a page request */
	first = TELL(&s, 2, 0, UNIT, TRANSLATE, OF_DEVICE, OF_HOST);
	assert_int_equal(first.from, 0);
	second = TELL(&s, 2, 0, DEVICE, ACCESS, OF_DEVICE, OF_HOST);
	assert_int_equal(second.from, first.id);
	/* new work does not come from old one */
	assert_int_equal(TELL(&s, 2, 0, DEVICE, SUBMIT, OF_DEVICE, OF_HOST).from, 0);
	descriptor = TELL(&s, 3, 0, VMM, VIOMMU_DESCRIPTOR, .vm = 1, .value = 9);
	assert_int_equal(
		TELL(&s, 3, 0, VMM, PAGE_RESPONSE_GUEST, OF_DEVICE, OF_GUEST, .addr = 9).from,
		descriptor.id);
	end_story(&s);
}

static void test_links_match_a_guests_queue_in_order(void **state)
{
	struct story s = begin_story();
	struct told first, second, other;
	(void)state;

	first = TELL(&s, 1, 0, GUEST, GUEST_QUEUE, .vm = 1, .value = 6);
	second = TELL(&s, 1, 0, GUEST, GUEST_QUEUE, .vm = 1, .value = 6);
	other = TELL(&s, 2, 0, GUEST, GUEST_QUEUE, .vm = 2, .value = 6);
	assert_int_equal(TELL(&s, 3, 0, VMM, VIOMMU_DESCRIPTOR, .vm = 1, .value = 6).from,
			 first.id);
	assert_int_equal(TELL(&s, 4, 0, VMM, VIOMMU_DESCRIPTOR, .vm = 2, .value = 6).from,
			 other.id);
	assert_int_equal(TELL(&s, 3, 0, VMM, VIOMMU_DESCRIPTOR, .vm = 1, .value = 6).from,
			 second.id);
	assert_int_equal(TELL(&s, 3, 0, VMM, VIOMMU_DESCRIPTOR, .vm = 1, .value = 6).from, 0);
	end_story(&s);
}

static void test_links_know_what_a_thread_does_inside_an_operation(void **state)
{
	struct story s = begin_story();
	struct told descriptor, bind, flush;
	(void)state;

	descriptor = TELL(&s, 3, 0, VMM, VIOMMU_DESCRIPTOR, OF_GUEST, .value = 7);
	bind = TELL(&s, 3, 0, HOST, BIND, OF_DEVICE, OF_GUEST, OF_HOST);
	assert_int_equal(bind.from, descriptor.id);
	assert_int_equal(TELL(&s, 3, bind.id, HOST, PASID_ENTRY, OF_DEVICE, OF_HOST).from, bind.id);
	flush = TELL(&s, 3, bind.id, HOST, INVALIDATE, OF_DEVICE, OF_HOST);
	assert_int_equal(flush.from, bind.id);
	/* another thread is at something else */
	assert_int_equal(TELL(&s, 8, 0, UNIT, DESCRIPTOR).from, 0);
	assert_int_equal(TELL(&s, 3, flush.id, UNIT, DESCRIPTOR).from, flush.id);
	assert_int_equal(TELL(&s, 3, flush.id, HOST, INVALIDATE_DONE).from, flush.id);
	assert_int_equal(TELL(&s, 3, bind.id, HOST, BIND_DONE, OF_DEVICE, OF_GUEST, OF_HOST).from,
			 bind.id);
	/* it has ended */
	assert_int_equal(TELL(&s, 3, 0, UNIT, DESCRIPTOR).from, descriptor.id);
	TELL(&s, 3, 0, GUEST, PROCESS_CREATE, .vm = 1);
	assert_int_equal(TELL(&s, 3, 0, HOST, MAP, .vm = 1).from, 0);
	end_story(&s);
}

static void test_links_forget_what_was_open_when_something_is_lost(void **state)
{
	struct story s = begin_story();
	(void)state;

	TELL(&s, 2, 0, DEVICE, SUBMIT, OF_DEVICE, OF_HOST);
	TELL(&s, 2, 0, DEVICE, PAGE_REQUEST, OF_DEVICE, OF_HOST, OF_PAGE, .value = 9);
	TELL(&s, 1, 0, GUEST, GUEST_QUEUE, .vm = 1, .value = 6);
	s.lost = 1;
	assert_int_equal(
		TELL(&s, 4, 0, UNIT, PAGE_REQUEST_QUEUED, OF_DEVICE, OF_HOST, OF_PAGE).from, 0);
	assert_int_equal(TELL(&s, 4, 0, VMM, VIOMMU_DESCRIPTOR, .vm = 1, .value = 6).from, 0);
	assert_int_equal(TELL(&s, 2, 0, DEVICE, COMPLETE, OF_DEVICE, OF_HOST).from, 0);
	end_story(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_line_comes_back_whole),
		cmocka_unit_test(test_event_line_has_addresses_as_text),
		cmocka_unit_test(test_event_line_that_is_none_is_refused),
		cmocka_unit_test(test_owners_are_learned_from_binds_and_forgotten),
		cmocka_unit_test(test_owner_of_a_device_has_what_comes_without_pasid),
		cmocka_unit_test(test_links_follow_a_page_request_there_and_back),
		cmocka_unit_test(test_links_begin_in_the_middle_of_a_copy),
		cmocka_unit_test(test_links_match_a_guests_queue_in_order),
		cmocka_unit_test(test_links_know_what_a_thread_does_inside_an_operation),
		cmocka_unit_test(test_links_forget_what_was_open_when_something_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
