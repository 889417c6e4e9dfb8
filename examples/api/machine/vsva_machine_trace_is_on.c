/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_trace_is_on: does somebody record already? Then a tool does not switch it off when it
 * is done.
 */
#include <vsva/machine.h>

#include "../example.h"

static void look_at_something(struct vsva_machine *machine)
{
	bool was_on = vsva_machine_trace_is_on(machine);

	EXPECT(vsva_machine_trace_start(machine, 0) == 0);
	EXPECT(vsva_machine_trace_is_on(machine));
	if (!was_on)
		vsva_machine_trace_stop(machine);
}

int main(void)
{
	struct vsva_machine *machine;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	look_at_something(machine);
	EXPECT(!vsva_machine_trace_is_on(machine)); /* as it was */

	EXPECT(vsva_machine_trace_start(machine, 0) == 0);
	look_at_something(machine);
	EXPECT(vsva_machine_trace_is_on(machine)); /* as it was */
	printf("left as it was found\n");
	vsva_machine_destroy(machine);
	return 0;
}
