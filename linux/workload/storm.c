// SPDX-License-Identifier: MIT
/* The queue is full all the time: work in flight for whatever is to come in between. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload.h"

#define STORM_STEP (1 * MIB)

/* Untouched, so that each of its pages is asked for. */
static void slot_submit(struct storm *storm, unsigned slot)
{
	struct descriptor d;

	storm->to[slot] = map_small(STORM_STEP);
	memset(&storm->records[slot], 0, sizeof(storm->records[slot]));
	d = describe(OP_MOVE, FLAG_USUAL, &storm->records[slot], storm->from[slot], storm->to[slot],
		     STORM_STEP);
	queue_submit(&storm->queue, &d);
}

void storm_begin(struct storm *storm, const char *test, struct record *records)
{
	storm->test = test;
	storm->queue = queue_open(test);
	storm->records = records;
	for (unsigned i = 0; i < QUEUE_SIZE; i++) {
		storm->from[i] = map_small(STORM_STEP);
		fill_random(storm->from[i], STORM_STEP, i + 1);
	}
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		slot_submit(storm, i);
}

unsigned records_unfinished(const struct record *records, unsigned count)
{
	unsigned unfinished = 0;

	for (unsigned i = 0; i < count; i++)
		unfinished += records[i].status == STATUS_NONE;
	return unfinished;
}

/* 0 not finished, 1 well, -1 wrong */
static int slot_judge(const struct storm *storm, unsigned slot)
{
	uint8_t status = storm->records[slot].status;

	if (status == STATUS_NONE)
		return 0;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return status == STATUS_SUCCESS && !memcmp(storm->from[slot], storm->to[slot], STORM_STEP)
		       ? 1
		       : -1;
}

int storm_count(const struct storm *storm)
{
	int well = 0;

	for (unsigned i = 0; i < QUEUE_SIZE; i++) {
		int verdict = slot_judge(storm, i);

		if (verdict < 0)
			return -1;
		well += verdict;
	}
	return well;
}

static unsigned long storm_turn(struct storm *storm, bool more)
{
	unsigned long finished = 0;

	for (unsigned i = 0; i < QUEUE_SIZE; i++) {
		int verdict = storm->to[i] ? slot_judge(storm, i) : 0;

		if (verdict < 0)
			give_up("%s slot=%u status=%#x", storm->test, i, storm->records[i].status);
		if (!verdict)
			continue;
		finished++;
		munmap(storm->to[i], STORM_STEP);
		storm->to[i] = NULL;
		if (more)
			slot_submit(storm, i);
	}
	return finished;
}

static bool is_calm(const struct storm *storm)
{
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		if (storm->to[i])
			return false;
	return true;
}

void test_storm(unsigned long limit)
{
	struct storm storm;
	unsigned long copies = 0, told = 0;
	double last = now_s();

	storm_begin(&storm, "storm", record_alloc(QUEUE_SIZE));
	report(true, "storm begun in_flight=%u", records_unfinished(storm.records, QUEUE_SIZE));
	while (!is_calm(&storm)) {
		unsigned long finished = storm_turn(&storm, !limit || copies < limit);

		if (finished)
			last = now_s();
		else if (now_s() - last > patience_s)
			give_up("storm step=wait reason=no-completion seconds=%.0f", patience_s);
		else
			usleep(1000);
		copies += finished;
		if (copies >= told + QUEUE_SIZE) {
			told = copies;
			report(true, "storm copies=%lu in_flight=%u", copies,
			       records_unfinished(storm.records, QUEUE_SIZE));
		}
	}
	report(copies >= limit, "storm finished=%lu", copies);
	queue_close(&storm.queue);
}
