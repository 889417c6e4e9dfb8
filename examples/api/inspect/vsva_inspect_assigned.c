/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_assigned: the devices of a VM as its guest has set them up: its context entry, and how
 * many PASIDs are bound on each.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	struct vsva_assigned_info info;
	struct tenant tenant;
	uint32_t vm;

	tenant_create(&tenant);
	vm = vsva_vm_number(tenant.vm);
	EXPECT(vsva_inspect_assigned(tenant.machine, vm, rid(0), &info, 1) == 1);
	printf("%#x: directory at %#" PRIx64 ", ATS %d, page requests %d, %" PRIu32 " bound\n",
	       info.guest_rid.v, info.directory.v, info.sees_ats, info.sees_pri, info.shadows);
	EXPECT(info.guest_rid.v == TENANT_RID && info.rid.v == vsva_device_rid(tenant.device).v);
	EXPECT(info.has_context && info.paside && info.shadows == 1);
	EXPECT(vsva_inspect_assigned(tenant.machine, vm, rid(TENANT_RID + 1), &info, 1) == 0);
	tenant_destroy(&tenant);
	return 0;
}
