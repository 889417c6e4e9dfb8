/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_destroy: the machine goes with its devices, and nothing of it is left. VMs must have
 * gone before; NULL is ignored.
 */
#include <vsva/device.h>

#include "../example.h"

int main(void)
{
	const struct vsva_device_options engine = {.kind = VSVA_DEVICE_TEST_ENGINE};
	struct vsva_machine *stays, *goes;
	struct vsva_memory_stats before, after;
	struct vsva_device *device;

	EXPECT(vsva_machine_create(NULL, &stays) == 0);
	vsva_machine_memory(stays, &before); /* counts the records of all machines */
	EXPECT(vsva_machine_create(NULL, &goes) == 0);
	EXPECT(vsva_device_create(goes, &engine, &device) == 0);
	vsva_machine_destroy(goes);
	vsva_machine_memory(stays, &after);
	printf("records before: %" PRIu64 ", after: %" PRIu64 "\n", before.records, after.records);
	EXPECT(after.records == before.records);

	vsva_machine_destroy(stays);
	vsva_machine_destroy(NULL);
	return 0;
}
