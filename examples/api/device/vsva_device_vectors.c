/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_vectors: how many MSI-X vectors a device may raise, to make room for their handlers.
 */
#include <vsva/device.h>

#include "../example.h"

int main(void)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA};
	struct vsva_machine *machine;
	struct vsva_device *device;
	unsigned *raised;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_device_create(machine, &options, &device) == 0);
	EXPECT(vsva_device_vectors(device) >= 2); /* commands and errors; completions */
	raised = calloc(vsva_device_vectors(device), sizeof(*raised));
	EXPECT(raised);
	printf("room for %u vectors\n", vsva_device_vectors(device));
	free(raised);
	vsva_machine_destroy(machine);
	return 0;
}
