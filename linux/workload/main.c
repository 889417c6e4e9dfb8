// SPDX-License-Identifier: MIT
/* The command, copying for ever, and the count of boots. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>

#include "workload.h"

static void test_loop(void)
{
	struct queue q = queue_open("loop");
	uint8_t *from = map_small(MIB);

	for (unsigned long round = 1;; round++) {
		uint8_t *to = map_small(MIB);
		struct record *r;

		fill_random(from, MIB, (uint32_t)round);
		r = queue_run(&q, "loop", describe(OP_MOVE, FLAG_USUAL, NULL, from, to, MIB));
		if (r->status != STATUS_SUCCESS || memcmp(from, to, MIB))
			give_up("loop round=%lu status=%#x", round, r->status);
		munmap(to, MIB);
		if (round == 1 || round % 16 == 0) {
			report(true, "loop round=%lu", round);
			fflush(stdout);
		}
	}
}

static uint8_t cmos(uint8_t index, int value)
{
	outb(index, 0x70);
	if (value >= 0)
		outb((uint8_t)value, 0x71);
	return inb(0x71);
}

/* Prints how often this machine has booted since it was powered on. Two bytes of the clock's
 * memory that no firmware uses survive a reboot, where nothing else of this guest does. */
static int boot_count(void)
{
	enum { MARK_INDEX = 0x70, COUNT_INDEX = 0x71, MARK = 0x5a };
	uint8_t count;

	if (ioperm(0x70, 2, 1)) {
		fprintf(stderr, "boot-count: %s\n", strerror(errno));
		return 1;
	}
	count = cmos(MARK_INDEX, -1) == MARK ? cmos(COUNT_INDEX, -1) : 0;
	cmos(MARK_INDEX, MARK);
	cmos(COUNT_INDEX, ++count);
	printf("%u\n", count);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"copy", test_copy}, {"unmapped", test_unmapped}, {"killed", test_killed},
		{"ops", test_ops},   {"loop", test_loop},
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "boot-count"))
		return boot_count();
	for (size_t i = 0; argc == 2 && i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(argv[1], tests[i].name)) {
			tests[i].run();
			return any_failed;
		}
	fprintf(stderr, "usage: sva-workload copy|unmapped|killed|ops|loop|boot-count\n");
	return 2;
}
