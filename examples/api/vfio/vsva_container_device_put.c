/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_device_put: gives a reference on a device's handle back. The last one frees it.
 */
#include "../container.h"

int main(void)
{
	struct vsva_memory_stats closed, after;
	struct owner owner;

	owner_open(&owner);
	vsva_container_device_get(owner.device);
	EXPECT(vsva_container_device_close(owner.device) == 0);
	vsva_machine_memory(owner.host.machine, &closed);
	vsva_container_device_put(owner.device);
	vsva_machine_memory(owner.host.machine, &after);
	printf("records: %" PRIu64 ", then %" PRIu64 "\n", closed.records, after.records);
	EXPECT(after.records < closed.records);
	owner_close(&owner);
	return 0;
}
