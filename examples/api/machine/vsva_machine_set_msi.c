/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_set_msi: who hears the event messages of a bare machine's unit. Here a guest lets a
 * wait descriptor in its invalidation queue interrupt it (VT-d 6.5.2.8).
 */
#include <vsva/machine.h>

#include "../example.h"

static void on_message(void *arg, uint64_t address, uint32_t data)
{
	printf("message: %#" PRIx32 " to %#" PRIx64 "\n", data, address);
	*(uint32_t *)arg = data;
}

int main(void)
{
	static _Alignas(4096) uint64_t queue[512] = {0x5 | 1 << 4}; /* wait, with interrupt */
	const struct vsva_machine_options bare = {.bare = true};
	const struct {
		uint32_t offset, size;
		uint64_t value;
	} setup[] = {
		{0x0a4, 4, 0x33},              /* IEDATA */
		{0x0a8, 4, 0xfee00000},        /* IEADDR */
		{0x0a0, 4, 0},                 /* IECTL: not masked */
		{0x090, 8, 0x10000},           /* IQA: the queue, 16-byte descriptors */
		{0x018, 4, UINT64_C(1) << 26}, /* GCMD: queued invalidation on */
		{0x088, 8, 16},                /* IQT: one descriptor */
	};
	struct vsva_machine *machine;
	uint32_t data = 0;

	EXPECT(vsva_machine_create(&bare, &machine) == 0);
	EXPECT(vsva_machine_add_memory(machine, hpa(0x10000), queue, sizeof(queue), true) == 0);
	vsva_machine_set_msi(machine, on_message, &data);
	for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
		EXPECT(vsva_machine_unit_write(machine, setup[i].offset, setup[i].size,
					       setup[i].value) == 0);
	vsva_machine_run_idle(machine, 1000);
	EXPECT(data == 0x33);

	vsva_machine_set_msi(machine, NULL, NULL); /* when it returns `data` may go */
	EXPECT(vsva_machine_remove_memory(machine, hpa(0x10000)) == 0);
	vsva_machine_destroy(machine);
	return 0;
}
