/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_add_memory: memory of this program becomes physical memory of the machine, and what a
 * device writes to it stands in this program's variable.
 */
#include "../engine.h"

int main(void)
{
	static _Alignas(4096) uint64_t memory[512];
	const struct vsva_machine_options bare = {.bare = true};
	struct vsva_machine *machine;
	struct vsva_device *engine;

	EXPECT(vsva_machine_create(&bare, &machine) == 0);
	EXPECT(vsva_machine_add_memory(machine, hpa(0x10000), memory, sizeof(memory), true) == 0);
	EXPECT(vsva_machine_add_memory(machine, hpa(0x10000), memory, sizeof(memory), true) ==
	       -EEXIST);

	/* Translation is off, so a device's addresses are physical. */
	engine = engine_create(machine);
	EXPECT(engine_write(engine, WITHOUT_PASID, 0x10008, 7));
	printf("memory[1] = %" PRIu64 "\n", memory[1]);
	EXPECT(memory[1] == 7);

	EXPECT(vsva_machine_remove_memory(machine, hpa(0x10000)) == 0);
	vsva_machine_destroy(machine);
	return 0;
}
