// SPDX-License-Identifier: MIT
/* 64 MiB between malloc'd buffers, in small pages and in huge ones. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "workload.h"

#define COPY_LEN   (64 * MIB)
#define COPY_STEP  (1 * MIB)
#define COPY_DEPTH 8 /* of the queue's 16 entries */

/* Keeps COPY_DEPTH descriptors in flight; returns how many ended well. */
static size_t copy_in_steps(struct queue *q, const char *test, const uint8_t *source,
			    uint8_t *destination)
{
	const size_t count = COPY_LEN / COPY_STEP;
	struct record *records = record_alloc(count);
	size_t good = 0;

	for (size_t i = 0; i < count + COPY_DEPTH; i++) {
		if (i >= COPY_DEPTH)
			good += record_wait(test, &records[i - COPY_DEPTH]) == STATUS_SUCCESS;
		if (i < count) {
			struct descriptor d =
				describe(OP_MOVE, FLAG_USUAL, &records[i], source + i * COPY_STEP,
					 destination + i * COPY_STEP, COPY_STEP);
			queue_submit(q, &d);
		}
	}
	munmap(records, (count * sizeof(*records) + PAGE - 1) & ~(PAGE - 1));
	return good;
}

static void copy_once(struct queue *q, bool huge, uint32_t seed)
{
	const char *test = "copy";
	uint8_t *raw_source = malloc(COPY_LEN + HUGE_PAGE),
		*raw_destination = malloc(COPY_LEN + HUGE_PAGE);
	uint8_t *source, *destination;
	size_t before, after, good;
	long kib = huge_kib();
	double start, seconds;
	bool same;

	if (!raw_source || !raw_destination)
		give_up("%s step=malloc", test);
	/* malloc's own header page is touched: begin at the next (huge) page. */
	source = (uint8_t *)(((uintptr_t)raw_source + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	destination = (uint8_t *)(((uintptr_t)raw_destination + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	if (madvise(destination, COPY_LEN, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) ||
	    madvise(source, COPY_LEN, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		give_up("%s step=madvise reason=%s", test, strerror(errno));
	fill_random(source, COPY_LEN, seed);
	before = resident_pages(destination, COPY_LEN);
	start = now_s();
	good = copy_in_steps(q, test, source, destination);
	seconds = now_s() - start;
	after = resident_pages(destination, COPY_LEN);
	same = !memcmp(source, destination, COPY_LEN);
	kib = huge_kib() - kib;
	report(good == COPY_LEN / COPY_STEP && same && before == 0 && after == COPY_LEN / PAGE &&
		       (!huge || kib >= (long)(COPY_LEN / KIB)),
	       "%s pages=%s bytes=%lu descriptors=%zu resident_before=%zu resident_after=%zu "
	       "huge_kib=%ld "
	       "match=%d ms=%.0f pasid=%d",
	       test, huge ? "huge" : "small", COPY_LEN, good, before, after, kib, same,
	       seconds * 1e3, queue_pasid());
	free(raw_source);
	free(raw_destination);
}

void test_next(void)
{
	const size_t length = 2 * MIB; /* the driver allows no more in one */
	struct queue q = queue_open("next");
	uint8_t *source = map_small(length), *destination = map_small(length);
	struct record *r;
	bool same;

	fill_random(source, length, 7);
	r = queue_run(&q, "next", describe(OP_MOVE, FLAG_USUAL, NULL, source, destination, length));
	same = !memcmp(source, destination, length);
	report(r->status == STATUS_SUCCESS && same, "next bytes=%zu status=%#x match=%d pasid=%d",
	       length, r->status, same, queue_pasid());
	queue_close(&q);
	munmap(source, length);
	munmap(destination, length);
}

void test_copy(void)
{
	struct queue q = queue_open("copy");

	copy_once(&q, false, 1);
	copy_once(&q, true, 2);
	queue_close(&q);
}
