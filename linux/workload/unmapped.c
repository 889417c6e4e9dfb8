// SPDX-License-Identifier: MIT
/* Destinations and sources that are gone. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "workload.h"

static void expect_fault(struct queue *q, const char *name, struct descriptor d, uint8_t status,
			 uint32_t bytes, const void *fault)
{
	struct record *r = queue_run(q, "unmapped", d);
	uint64_t page = r->fault_address & ~(PAGE - 1);

	report(r->status == status && r->bytes == bytes && page == ((uintptr_t)fault & ~(PAGE - 1)),
	       "unmapped case=%s status=%#x expected=%#x bytes=%u expected_bytes=%u fault=%#lx "
	       "expected_fault=%#lx",
	       name, r->status, status, r->bytes, bytes, r->fault_address, (unsigned long)fault);
}

void test_unmapped(void)
{
	const size_t length = 4 * PAGE, hole = 2 * PAGE;
	struct queue q = queue_open("unmapped");
	uint8_t *source = map_small(length), *to, *from;

	fill_random(source, length, 3);
	for (int block = 1; block >= 0; block--) {
		uint32_t flags = FLAG_RECORD | (block ? FLAG_BLOCK_ON_FAULT : 0);
		uint8_t status = block ? STATUS_PAGE_INVALID : STATUS_PAGE_FAULT;
		const char *name = block ? "-blocking" : "-nonblocking";
		char label[64];

		to = map_small(length);
		memset(to, 0, length);
		munmap(to, length);
		snprintf(label, sizeof(label), "destination%s", name);
		expect_fault(&q, label, describe(OP_MOVE, flags, NULL, source, to, length),
			     status | STATUS_WRITE, 0, to);

		to = map_small(length);
		memset(to, 0, length);
		munmap(to + hole, PAGE);
		snprintf(label, sizeof(label), "destination-hole%s", name);
		expect_fault(&q, label, describe(OP_MOVE, flags, NULL, source, to, length),
			     status | STATUS_WRITE, (uint32_t)hole, to + hole);
		report(!memcmp(source, to, hole) &&
			       is_all(to + hole + PAGE, length - hole - PAGE, 0),
		       "unmapped case=destination-hole%s-data", name);
		munmap(to, length);

		to = map_small(length);
		memset(to, 0x5a, length);
		mprotect(to, length, PROT_READ);
		snprintf(label, sizeof(label), "destination-read-only%s", name);
		expect_fault(&q, label, describe(OP_MOVE, flags, NULL, source, to, length),
			     status | STATUS_WRITE, 0, to);
		report(is_all(to, length, 0x5a), "unmapped case=destination-read-only%s-data",
		       name);
		munmap(to, length);

		from = map_small(length);
		to = map_small(length);
		fill_random(from, length, 4);
		memset(to, 0, length);
		munmap(from + hole, PAGE);
		snprintf(label, sizeof(label), "source-hole%s", name);
		expect_fault(&q, label, describe(OP_MOVE, flags, NULL, from, to, length), status,
			     (uint32_t)hole, from + hole);
		munmap(from, length);
		munmap(to, length);
	}

	/* Not blocking, and never touched: a fault as well, though the page could be had. */
	to = map_small(length);
	expect_fault(&q, "destination-untouched-nonblocking",
		     describe(OP_MOVE, FLAG_RECORD, NULL, source, to, length),
		     STATUS_PAGE_FAULT | STATUS_WRITE, 0, to);
	report(resident_pages(to, length) == 0,
	       "unmapped case=destination-untouched-nonblocking-pages");

	/* The queue works on after all that. */
	struct record *r =
		queue_run(&q, "unmapped", describe(OP_MOVE, FLAG_USUAL, NULL, source, to, length));

	report(r->status == STATUS_SUCCESS && !memcmp(source, to, length),
	       "unmapped case=afterwards status=%#x", r->status);
	queue_close(&q);
}
