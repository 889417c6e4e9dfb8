/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_bar_size: which BARs a device has, for a VMM that shows them to its guest. An
 * accelerator has its registers in BAR 0 and its portals, 16 KiB for each queue, in BAR 2.
 */
#include <vsva/device.h>

#include "../example.h"

int main(void)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA, .queues = 4};
	struct vsva_machine *machine;
	struct vsva_device *device;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_device_create(machine, &options, &device) == 0);
	for (unsigned bar = 0; bar < 6; bar++)
		if (vsva_device_bar_size(device, bar))
			printf("BAR %u: %" PRIu64 " bytes\n", bar,
			       vsva_device_bar_size(device, bar));
	EXPECT(vsva_device_bar_size(device, 0) == 0x4000);
	EXPECT(vsva_device_bar_size(device, 2) == 4 * 0x4000);
	EXPECT(vsva_device_bar_size(device, 1) == 0 && vsva_device_bar_size(device, 6) == 0);
	vsva_machine_destroy(machine);
	return 0;
}
