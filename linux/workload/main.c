// SPDX-License-Identifier: MIT
/* The command, and the count of boots. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>

#include "workload.h"

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

static void usage(void)
{
	fprintf(stderr, "usage: sva-workload copy|unmapped|ops|next|boot-count\n"
			"       sva-workload killed [ROUND] | storm [COPIES [retry]]\n"
			"       sva-workload unbound wq|dsa|pci ROUND\n");
}

static unsigned long number(const char *text, unsigned long missing)
{
	return text ? strtoul(text, NULL, 10) : missing;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"copy", test_copy},
		{"unmapped", test_unmapped},
		{"ops", test_ops},
		{"next", test_next},
	};
	const char *name = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(name, "boot-count"))
		return boot_count();
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(name, tests[i].name)) {
			tests[i].run();
			return any_failed;
		}
	if (!strcmp(name, "killed"))
		test_killed(number(argv[2], 1));
	else if (!strcmp(name, "storm"))
		test_storm(number(argv[2], 0), argc == 4);
	else if (!strcmp(name, "unbound") && argc == 4)
		test_unbound(argv[2], number(argv[3], 0));
	else
		return usage(), 2;
	return any_failed;
}
