/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_remove_memory: when it has returned no device touches the memory any more, and it may
 * be freed, whatever devices still try.
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
	engine = engine_create(machine);
	EXPECT(engine_write(engine, WITHOUT_PASID, 0x10000, 7) && memory[0] == 7);

	EXPECT(vsva_machine_remove_memory(machine, hpa(0x10000)) == 0);
	EXPECT(!engine_write(engine, WITHOUT_PASID, 0x10000, 8));
	EXPECT(memory[0] == 7);
	printf("the device does not reach the memory any more\n");

	EXPECT(vsva_machine_remove_memory(machine, hpa(0x10000)) == -ENOENT);
	vsva_machine_destroy(machine);
	return 0;
}
