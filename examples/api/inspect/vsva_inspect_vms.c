/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_vms: all VMs of a machine, in pieces of as many as there is room for.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	struct vsva_guest *second;
	struct vsva_vm_info info;
	struct tenant tenant;
	unsigned devices = 0;
	uint32_t from = 0, count = 0;

	tenant_create(&tenant);
	EXPECT(vsva_guest_create(tenant.machine, NULL, &second) == 0);
	for (; vsva_inspect_vms(tenant.machine, from, &info, 1) == 1; from = info.vm + 1) {
		printf("VM %" PRIu32 " %s: %" PRIu32 " devices, %" PRIu32 " of %" PRIu32
		       " PASIDs\n",
		       info.vm, info.name, info.devices, info.pasids_charged, info.pasid_quota);
		devices += info.devices;
		count++;
	}
	EXPECT(count == 2 && devices == 1);
	vsva_guest_destroy(second);
	tenant_destroy(&tenant);
	return 0;
}
