/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/trace_often.h"

/* A trace whose ring is on. */
static struct trace make_trace(uint32_t slots)
{
	struct trace trace = {.ring = ring_create(slots)};

	assert_non_null(trace.ring);
	return trace;
}

static struct vsva_trace_reader *make_reader(const struct trace *trace, bool from_oldest)
{
	struct vsva_trace_reader *reader = ring_reader_create(trace->ring, from_oldest);

	assert_non_null(reader);
	return reader;
}

/* A device has one window of memory. */
static void touch(const struct trace *trace, rid_t rid, hpasid_t pasid, bool write, uint64_t addr,
		  hpa_t hpa, uint64_t len)
{
	const struct ring_access access = {.rid = rid,
					   .pasid = pasid,
					   .write = write,
					   .addr = addr,
					   .len = len,
					   .hpa = hpa,
					   .windows = 1};

	trace_emit_access(trace, &access, len);
}

/* What has just happened is told when its microsecond is over. */
static size_t read_all(struct vsva_trace_reader *reader, struct vsva_record *records, size_t count,
		       uint64_t *lost)
{
	size_t got = 0;
	uint64_t more;

	*lost = 0;
	for (int i = 0; i < 100000 && got < count; i++) {
		got += vsva_trace_read(reader, records + got, count - got, &more);
		*lost += more;
	}
	return got;
}

static void test_ring_an_event_comes_back_whole(void **state)
{
	struct trace trace = make_trace(0);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record record;
	uint64_t lost, before = clock_now_ns();
	struct vsva_event *event = &record.event;
	(void)state;

	TRACE(&trace, DEVICE, ACCESS, .rid = rid(0xfff8), .hpasid = hpasid(0xfffff),
	      .gpasid = gpasid(5), .vm = 0x80000001, .addr = UINT64_MAX, .hpa = hpa(0x1234567000),
	      .len = 0x1000, .value = UINT64_C(1) << 63, .write = true, .result = -110);
	assert_int_equal(read_all(reader, &record, 1, &lost), 1);
	assert_int_equal(lost, 0);
	assert_int_equal(event->kind, VSVA_EV_ACCESS);
	assert_int_equal(event->room, VSVA_ROOM_DEVICE);
	assert_int_equal(event->rid.v, 0xfff8);
	assert_int_equal(event->hpasid.v, 0xfffff);
	assert_int_equal(event->gpasid.v, 5);
	assert_int_equal(event->vm, 0x80000001);
	assert_true(event->addr == UINT64_MAX);
	assert_int_equal(event->hpa.v, 0x1234567000);
	assert_int_equal(event->len, 0x1000);
	assert_true(event->value == UINT64_C(1) << 63);
	assert_true(event->write);
	assert_int_equal(event->result, -110);
	assert_true(record.id != 0);
	assert_int_equal(record.cause, 0);
	assert_true(record.thread != 0);
	/* the two clocks are read one after the other: a microsecond is far more than that takes */
	assert_true(record.time_ns + 1000 >= before && record.time_ns <= clock_now_ns() + 1000);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

static void test_ring_the_oldest_is_overwritten_and_counted(void **state)
{
	struct trace trace = make_trace(RING_SLOTS_MIN);
	struct vsva_trace_reader *from_first = make_reader(&trace, false), *late;
	struct vsva_record records[RING_SLOTS_MIN];
	uint64_t lost;
	(void)state;

	for (unsigned i = 0; i < 1000; i++)
		TRACE(&trace, UNIT, DESCRIPTOR, .value = i);
	assert_int_equal(read_all(from_first, records, RING_SLOTS_MIN - 1, &lost),
			 RING_SLOTS_MIN - 1);
	assert_int_equal(lost, 1000 - (RING_SLOTS_MIN - 1));
	assert_int_equal(records[0].event.value, lost);
	assert_int_equal(records[RING_SLOTS_MIN - 2].event.value, 999);
	/* who comes later has not lost what was before */
	late = make_reader(&trace, true);
	assert_int_equal(read_all(late, records, RING_SLOTS_MIN - 1, &lost), RING_SLOTS_MIN - 1);
	assert_int_equal(lost, 0);
	vsva_trace_reader_destroy(late);
	vsva_trace_reader_destroy(from_first);
	ring_put(trace.ring);
}

static void test_ring_an_operation_is_the_cause_of_what_is_inside(void **state)
{
	struct trace trace = make_trace(0);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record r[8];
	uint64_t lost;
	(void)state;

	TRACE(&trace, HOST, IOASID_ALLOC);
	TRACE(&trace, HOST, BIND);
	TRACE(&trace, HOST, PASID_ENTRY);
	TRACE(&trace, HOST, INVALIDATE);
	TRACE(&trace, UNIT, DESCRIPTOR);
	TRACE(&trace, HOST, INVALIDATE_DONE);
	TRACE(&trace, HOST, BIND_DONE);
	TRACE(&trace, HOST, UNBIND_DONE); /* nothing of the kind was begun */
	assert_int_equal(read_all(reader, r, 8, &lost), 8);
	assert_int_equal(r[0].cause, 0);
	assert_int_equal(r[1].cause, 0);
	assert_int_equal(r[2].cause, r[1].id);
	assert_int_equal(r[3].cause, r[1].id);
	assert_int_equal(r[4].cause, r[3].id);
	assert_int_equal(r[5].cause, r[3].id);
	assert_int_equal(r[6].cause, r[1].id);
	assert_int_equal(r[7].cause, 0);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

static void test_ring_accesses_that_follow_one_another_are_one_event(void **state)
{
	struct trace trace = make_trace(0);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record r[7];
	uint64_t lost;
	(void)state;

	/* a copy of three pages, a page that belongs to another PASID, a completion */
	for (uint64_t i = 0; i < 3; i++) {
		touch(&trace, rid(8), hpasid(1), false, 0x10000 + i * 0x1000, hpa(0x1000), 0x1000);
		touch(&trace, rid(8), hpasid(1), true, 0x80000 + i * 0x1000, hpa(0x7000 - i),
		      0x1000);
	}
	touch(&trace, rid(8), hpasid(2), false, 0x13000, hpa(0), 0x1000);
	touch(&trace, rid(8), hpasid(1), true, 0x90000, hpa(0), 32);
	touch(&trace, rid(16), hpasid(1), true, 0x90020, hpa(0), 32); /* one too many */
	TRACE(&trace, DEVICE, COMPLETE);
	touch(&trace, rid(8), hpasid(1), true, 0x83000, hpa(0), 0x1000);
	TRACE(&trace, DEVICE, COMPLETE);
	assert_int_equal(read_all(reader, r, 7, &lost), 7);
	assert_int_equal(lost, 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(r[i].event.kind, VSVA_EV_ACCESS);
	assert_int_equal(r[0].event.addr, 0x10000);
	assert_int_equal(r[0].event.len, 0x3000);
	assert_int_equal(r[0].event.value, 3);
	assert_false(r[0].event.write);
	/* in the order in which they began */
	assert_int_equal(r[1].event.addr, 0x80000);
	assert_int_equal(r[1].event.len, 0x3000);
	assert_int_equal(r[1].event.hpa.v, 0x7000);
	assert_true(r[1].event.write);
	assert_int_equal(r[2].event.hpasid.v, 2);
	assert_int_equal(r[3].event.addr, 0x90000);
	assert_int_equal(r[3].event.len, 32);
	assert_int_equal(r[4].event.addr, 0x90020);
	assert_int_equal(r[4].event.rid.v, 16);
	assert_int_equal(r[5].event.kind, VSVA_EV_COMPLETE);
	assert_int_equal(r[6].event.addr, 0x83000);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

/* A run that has no end yet is told later; what other threads do is told meanwhile. */
static void *record_map(void *arg)
{
	TRACE((struct trace *)arg, HOST, MAP);
	return NULL;
}

static void test_ring_an_open_run_holds_nobody_back(void **state)
{
	struct trace trace = make_trace(0);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record r[3];
	uint64_t lost;
	pthread_t thread;
	(void)state;

	touch(&trace, rid(8), hpasid(1), false, 0x1000, hpa(0), 0x1000);
	assert_int_equal(pthread_create(&thread, NULL, record_map, &trace), 0);
	pthread_join(thread, NULL);
	assert_int_equal(read_all(reader, r, 1, &lost), 1);
	assert_int_equal(r[0].event.kind, VSVA_EV_MAP);
	assert_int_equal(vsva_trace_read(reader, r, 1, &lost), 0);
	touch(&trace, rid(8), hpasid(1), false, 0x2000, hpa(0), 0x1000);
	TRACE(&trace, DEVICE, COMPLETE);
	assert_int_equal(read_all(reader, r, 2, &lost), 2);
	assert_int_equal(lost, 0);
	assert_int_equal(r[0].event.len, 0x2000);
	assert_int_equal(r[1].event.kind, VSVA_EV_COMPLETE);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

/* Their slots are no longer those of the oldest events. */
static void test_ring_open_runs_overwrite_and_are_counted(void **state)
{
	struct trace trace = make_trace(RING_SLOTS_MIN);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record r[RING_SLOTS_MIN];
	uint64_t lost;
	(void)state;

	for (unsigned i = 0; i < RING_SLOTS_MIN - 1; i++)
		TRACE(&trace, UNIT, DESCRIPTOR, .value = i);
	for (unsigned i = 0; i < RING_RUNS; i++)
		touch(&trace, rid(8), hpasid(i), false, 0x1000, hpa(0), 0x1000);
	assert_int_equal(read_all(reader, r, RING_SLOTS_MIN - RING_RUNS, &lost),
			 RING_SLOTS_MIN - RING_RUNS);
	assert_int_equal(lost, RING_RUNS - 1);
	for (unsigned i = 0; i < RING_SLOTS_MIN - RING_RUNS; i++) {
		assert_int_equal(r[i].event.kind, VSVA_EV_DESCRIPTOR);
		assert_int_equal(r[i].event.value, i + RING_RUNS - 1);
	}
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

struct pages {
	unsigned count;
	struct vsva_event heard[4];
};

static void keep_page(void *arg, const struct vsva_event *event)
{
	struct pages *pages = arg;

	assert_true(pages->count < ARRAY_LEN(pages->heard));
	pages->heard[pages->count++] = *event;
}

/* From the middle of a page to the middle of another. */
static void test_ring_an_access_of_pages_is_one_and_others_hear_of_each(void **state)
{
	static const struct ring_access access = {.rid = {8},
						  .pasid = {1},
						  .write = true,
						  .addr = 0x1800,
						  .len = 0x2000,
						  .hpa = {0x5800},
						  .windows = 3};
	static const uint64_t lens[] = {0x800, 0x1000, 0x800};
	struct pages pages = {0};
	struct trace trace = make_trace(0);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record record;
	uint64_t lost, done = 0;
	(void)state;

	trace.observer = keep_page;
	trace.arg = &pages;
	trace_emit_access(&trace, &access, 0x800);
	assert_int_equal(pages.count, 3);
	for (unsigned i = 0; i < 3; done += lens[i++]) {
		assert_int_equal(pages.heard[i].kind, VSVA_EV_ACCESS);
		assert_int_equal(pages.heard[i].addr, 0x1800 + done);
		assert_int_equal(pages.heard[i].hpa.v, 0x5800 + done);
		assert_int_equal(pages.heard[i].len, lens[i]);
	}
	TRACE(&trace, DEVICE, COMPLETE);
	assert_int_equal(read_all(reader, &record, 1, &lost), 1);
	assert_int_equal(record.event.len, 0x2000);
	assert_int_equal(record.event.value, 3);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

/* Which way an event takes is of no interest to who reads it. */
static void test_ring_hops_are_events_like_others(void **state)
{
	struct pages pages = {0};
	struct trace trace = make_trace(0);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record r[4];
	uint64_t lost;
	(void)state;

	TRACE(&trace, HOST, BIND);
	trace_hop(&trace, VSVA_EV_SUBMIT, rid(0xfff8), hpasid(0xfffff), 7, 9);
	trace.observer = keep_page;
	trace.arg = &pages;
	trace_hop(&trace, VSVA_EV_SUBMIT, rid(0xfff8), hpasid(0xfffff), 7, 9);
	TRACE(&trace, DEVICE, SUBMIT, .rid = rid(0xfff8), .hpasid = hpasid(0xfffff), .value = 7,
	      .addr = 9);
	assert_int_equal(pages.count, 2);
	assert_memory_equal(&pages.heard[0], &pages.heard[1], sizeof(pages.heard[0]));
	assert_int_equal(read_all(reader, r, 4, &lost), 4);
	for (unsigned i = 1; i < 4; i++) {
		assert_int_equal(r[i].cause, r[0].id);
		assert_memory_equal(&r[i].event, &r[3].event, sizeof(r[i].event));
	}
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

static void count(void *arg, const struct vsva_event *event)
{
	(void)event;
	++*(unsigned *)arg;
}

static void test_ring_and_observer_hear_the_same(void **state)
{
	unsigned heard = 0;
	struct trace trace = make_trace(0);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record record;
	uint64_t lost;
	(void)state;

	trace.observer = count;
	trace.arg = &heard;
	TRACE(&trace, HOST, BIND);
	touch(&trace, rid(8), hpasid(1), false, 0x1000, hpa(0), 8);
	touch(&trace, rid(8), hpasid(1), false, 0x1008, hpa(8), 8);
	assert_int_equal(heard, 3);
	assert_int_equal(read_all(reader, &record, 1, &lost), 1);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

static void test_ring_without_memory_is_none(void **state)
{
	size_t before = base_blocks_in_use();
	(void)state;

	for (uint64_t nth = 1; nth <= 2; nth++) {
		fail_nth_set(nth, 0);
		assert_null(ring_create(0));
		fail_nth_set(0, 0);
	}
	assert_int_equal(base_blocks_in_use(), before);
}

/* Threads */

#define WRITERS 4
#define EVENTS  20000u

struct writer {
	struct trace *trace;
	uint32_t number;
};

static void *record_many(void *arg)
{
	const struct writer *writer = arg;

	/* a torn record would have members that do not belong together */
	for (uint64_t i = 0; i < EVENTS; i++)
		TRACE(writer->trace, UNIT, TRANSLATE, .vm = writer->number, .addr = i, .len = ~i,
		      .value = i * 3, .hpa = hpa(i + 7), .gpasid = gpasid((uint32_t)i));
	return NULL;
}

struct seen {
	uint64_t next[WRITERS], told, lost, last_ns;
};

static void check(struct seen *seen, const struct vsva_record *record)
{
	const struct vsva_event *event = &record->event;

	assert_in_range(event->vm, 0, WRITERS - 1);
	assert_true(event->len == ~event->addr && event->value == event->addr * 3);
	assert_true(event->hpa.v == event->addr + 7 && event->gpasid.v == event->addr);
	assert_true(event->addr >= seen->next[event->vm]);
	assert_true(record->time_ns >= seen->last_ns);
	seen->next[event->vm] = event->addr + 1;
	seen->last_ns = record->time_ns;
	seen->told++;
}

static void read_some(struct vsva_trace_reader *reader, struct seen *seen)
{
	struct vsva_record records[128];
	uint64_t lost;
	size_t count_read = vsva_trace_read(reader, records, 128, &lost);

	for (size_t i = 0; i < count_read; i++)
		check(seen, &records[i]);
	seen->lost += lost;
}

static void test_ring_readers_beside_writers_see_whole_events_in_order(void **state)
{
	struct trace trace = make_trace(RING_SLOTS_MIN);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	struct seen seen = {0};
	(void)state;

	for (uint32_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.trace = &trace, .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, record_many, &writers[i]), 0);
	}
	for (int i = 0; i < 200; i++)
		read_some(reader, &seen);
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 1000000 && seen.told + seen.lost < WRITERS * EVENTS; i++)
		read_some(reader, &seen);
	assert_int_equal(seen.told + seen.lost, WRITERS * EVENTS);
	assert_true(seen.told >= RING_SLOTS_MIN - 1);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

static void *record_one(void *arg)
{
	TRACE((struct trace *)arg, HOST, MAP);
	return NULL;
}

/* More threads than lanes, one after the other. */
static void test_ring_lanes_of_the_dead_are_given_again(void **state)
{
	struct trace trace = make_trace(RING_SLOTS_MIN);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record record;
	uint64_t lost;
	pthread_t thread;
	(void)state;

	for (unsigned i = 0; i < 3 * RING_LANES; i++) {
		assert_int_equal(pthread_create(&thread, NULL, record_one, &trace), 0);
		pthread_join(thread, NULL);
		assert_int_equal(read_all(reader, &record, 1, &lost), 1);
		assert_int_equal(lost, 0);
		assert_int_equal(record.event.kind, VSVA_EV_MAP);
	}
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

struct crowd {
	struct trace *trace;
	pthread_barrier_t barrier;
};

static void *record_in_a_crowd(void *arg)
{
	struct crowd *crowd = arg;

	TRACE(crowd->trace, HOST, MAP);
	pthread_barrier_wait(&crowd->barrier);
	return NULL;
}

static void test_ring_a_thread_without_a_lane_is_counted(void **state)
{
	struct trace trace = make_trace(RING_SLOTS_MIN);
	struct vsva_trace_reader *reader = make_reader(&trace, false);
	struct vsva_record records[RING_LANES];
	pthread_t threads[RING_LANES + 3];
	struct crowd crowd = {.trace = &trace};
	uint64_t lost;
	(void)state;

	pthread_barrier_init(&crowd.barrier, NULL, RING_LANES + 3);
	for (unsigned i = 0; i < RING_LANES + 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, record_in_a_crowd, &crowd), 0);
	for (unsigned i = 0; i < RING_LANES + 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(read_all(reader, records, RING_LANES, &lost), RING_LANES);
	assert_int_equal(lost, 3);
	pthread_barrier_destroy(&crowd.barrier);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

static void *read_to_the_end(void *arg)
{
	struct vsva_trace_reader *reader = arg;
	struct seen seen = {0};

	while (seen.told + seen.lost < EVENTS) {
		read_some(reader, &seen);
		sched_yield();
	}
	vsva_trace_reader_destroy(reader);
	return NULL;
}

/* The machine goes when its threads have ended; readers may be anywhere then. */
static void test_ring_lives_until_its_last_reader_has_read(void **state)
{
	struct trace trace = make_trace(RING_SLOTS_MIN);
	struct vsva_trace_reader *late = make_reader(&trace, false);
	struct writer writer = {.trace = &trace};
	size_t before = base_blocks_in_use();
	struct vsva_record records[RING_SLOTS_MIN];
	pthread_t threads[WRITERS];
	uint64_t lost;
	(void)state;

	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_to_the_end,
						make_reader(&trace, false)),
				 0);
	record_many(&writer);
	ring_put(trace.ring);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(base_blocks_in_use(), before);
	assert_int_equal(read_all(late, records, RING_SLOTS_MIN - 1, &lost), RING_SLOTS_MIN - 1);
	assert_int_equal(records[RING_SLOTS_MIN - 2].event.addr, EVENTS - 1);
	vsva_trace_reader_destroy(late);
	assert_int_equal(base_blocks_in_use(), before - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_an_event_comes_back_whole),
		cmocka_unit_test(test_ring_the_oldest_is_overwritten_and_counted),
		cmocka_unit_test(test_ring_an_operation_is_the_cause_of_what_is_inside),
		cmocka_unit_test(test_ring_accesses_that_follow_one_another_are_one_event),
		cmocka_unit_test(test_ring_an_open_run_holds_nobody_back),
		cmocka_unit_test(test_ring_open_runs_overwrite_and_are_counted),
		cmocka_unit_test(test_ring_an_access_of_pages_is_one_and_others_hear_of_each),
		cmocka_unit_test(test_ring_hops_are_events_like_others),
		cmocka_unit_test(test_ring_and_observer_hear_the_same),
		cmocka_unit_test(test_ring_without_memory_is_none),
		cmocka_unit_test(test_ring_readers_beside_writers_see_whole_events_in_order),
		cmocka_unit_test(test_ring_lanes_of_the_dead_are_given_again),
		cmocka_unit_test(test_ring_a_thread_without_a_lane_is_counted),
		cmocka_unit_test(test_ring_lives_until_its_last_reader_has_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
