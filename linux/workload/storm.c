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

static bool is_fault(uint8_t status)
{
	status &= (uint8_t)~STATUS_WRITE;
	return status == STATUS_PAGE_FAULT || status == STATUS_PAGE_INVALID ||
	       status == STATUS_TRANSLATION;
}

/* Somebody has reset what the device works with: the copy is made again. Of one whose record could not
 * be written either, nothing is heard. */
static bool was_interrupted(const struct storm *storm, unsigned slot, bool queue_is_empty)
{
	uint8_t status = storm->records[slot].status;

	return status == STATUS_NONE ? queue_is_empty : is_fault(status);
}

static void slot_again(struct storm *storm, unsigned slot)
{
	munmap(storm->to[slot], STORM_STEP);
	slot_submit(storm, slot);
	storm->interrupted++;
}

static unsigned long storm_turn(struct storm *storm, bool more)
{
	bool queue_is_empty = queue_holds() == 0; /* before the records are looked at */
	unsigned long finished = 0;

	for (unsigned i = 0; i < QUEUE_SIZE; i++) {
		int verdict = storm->to[i] ? slot_judge(storm, i) : 0;

		if (storm->to[i] && storm->retries && was_interrupted(storm, i, queue_is_empty)) {
			slot_again(storm, i);
			continue;
		}
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

void test_storm(unsigned long limit, bool retries)
{
	struct storm storm = {.retries = retries};
	unsigned long copies = 0, told = 0;
	double last = now_s();

	storm_begin(&storm, "storm", record_alloc(QUEUE_SIZE));
	/* The first source is there for whoever looks at the tables from outside. */
	report(true, "storm begun in_flight=%u pasid=%d pointer=%p page=%#lx",
	       records_unfinished(storm.records, QUEUE_SIZE), queue_pasid(), (void *)storm.from[0],
	       physical_page(storm.from[0]));
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
			report(true, "storm copies=%lu in_flight=%u interrupted=%lu", copies,
			       records_unfinished(storm.records, QUEUE_SIZE), storm.interrupted);
		}
	}
	report(copies >= limit, "storm finished=%lu", copies);
	queue_close(&storm.queue);
}
