/* SPDX-License-Identifier: MIT */
/*
 * vsva_log_set_level: a library that says less. GCMD takes one change at a time; a write with two is
 * ignored with a warning, which is heard or not.
 */
#include <vsva/log.h>
#include <vsva/machine.h>

#include "../example.h"

#define GCMD       0x18u
#define TE_AND_QIE 0x84000000u

static void count(void *arg, enum vsva_log_level level, const char *line)
{
	printf("heard: %s\n", line);
	EXPECT(level == VSVA_LOG_WARN);
	++*(unsigned *)arg;
}

int main(void)
{
	const struct vsva_machine_options bare = {.bare = true};
	struct vsva_machine *machine;
	unsigned heard = 0;

	vsva_log_set_sink(count, &heard);
	EXPECT(vsva_machine_create(&bare, &machine) == 0);
	EXPECT(vsva_machine_unit_write(machine, GCMD, 4, TE_AND_QIE) == 0);
	EXPECT(heard == 1);

	vsva_log_set_level(VSVA_LOG_ERROR);
	EXPECT(vsva_machine_unit_write(machine, GCMD, 4, TE_AND_QIE) == 0);
	EXPECT(heard == 1);
	vsva_machine_destroy(machine);
	return 0;
}
