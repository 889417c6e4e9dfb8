/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_reset_config: a guest that has a whole function resets it: its configuration space,
 * too, is as after power-on, and the function no bus master.
 */
#include "../engine.h"

#define COMMAND 0x04u

int main(void)
{
	const struct vsva_machine_options bare = {.bare = true};
	struct vsva_machine *machine;
	struct vsva_device *engine;
	uint32_t command;

	EXPECT(vsva_machine_create(&bare, &machine) == 0);
	engine = engine_create(machine); /* a bus master */
	vsva_device_reset(engine);
	EXPECT(vsva_device_config_read(engine, COMMAND, 2, &command) == 0 && command == 0x6);

	vsva_device_reset_config(engine);
	EXPECT(vsva_device_config_read(engine, COMMAND, 2, &command) == 0 && command == 0);
	printf("command register: %#" PRIx32 "\n", command);
	vsva_machine_destroy(machine);
	return 0;
}
