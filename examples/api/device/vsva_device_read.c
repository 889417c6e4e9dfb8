/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_read: a register of a device: the accelerator says in WQCAP how many work queues it
 * has (bits 23:16).
 */
#include <vsva/device.h>

#include "../example.h"

#define WQCAP 0x20u

int main(void)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA, .queues = 4};
	struct vsva_machine *machine;
	struct vsva_device *device;
	uint64_t value;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_device_create(machine, &options, &device) == 0);
	EXPECT(vsva_device_read(device, 0, WQCAP, 8, &value) == 0);
	printf("WQCAP %#" PRIx64 ": %" PRIu64 " queues\n", value, value >> 16 & 0xff);
	EXPECT((value >> 16 & 0xff) == 4);

	EXPECT(vsva_device_read(device, 1, 0, 8, &value) == -EINVAL);      /* no such BAR */
	EXPECT(vsva_device_read(device, 0, 0x4000, 8, &value) == -EINVAL); /* outside */
	EXPECT(vsva_device_read(device, 0, WQCAP, 3, &value) == -EINVAL);
	vsva_machine_destroy(machine);
	return 0;
}
