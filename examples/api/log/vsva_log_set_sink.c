/* SPDX-License-Identifier: MIT */
/*
 * vsva_log_set_sink: the library's messages go where a program keeps its own. Here a guest writes
 * GCMD with two changes at once, which is not allowed (VT-d 11.4.4).
 */
#include <vsva/log.h>
#include <vsva/machine.h>

#include "../example.h"

struct journal {
	unsigned lines;
	char last[256];
};

/* Whole lines without newline, from any thread: it must be able to bear that. */
static void keep(void *arg, enum vsva_log_level level, const char *line)
{
	struct journal *journal = arg;

	journal->lines++;
	snprintf(journal->last, sizeof(journal->last), "<%d> %s", level, line);
}

int main(void)
{
	const struct vsva_machine_options bare = {.bare = true};
	struct journal journal = {0};
	struct vsva_machine *machine;

	vsva_log_set_sink(keep, &journal);
	EXPECT(vsva_machine_create(&bare, &machine) == 0);
	EXPECT(vsva_machine_unit_write(machine, 0x18, 4, 0x84000000u) == 0);
	EXPECT(journal.lines == 1 && strstr(journal.last, "[GCMD_IGNORED]"));
	printf("journal: %s\n", journal.last);

	vsva_machine_destroy(machine);
	vsva_log_set_sink(NULL, NULL); /* standard error again, before the journal goes */
	return 0;
}
