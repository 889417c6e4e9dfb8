/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_device_assigned: a guest's device as its VMM knows it, for what vsva/vm.h can do with it:
 * under which requester id is it on the bus?
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_assigned *assigned;
	struct tenant tenant;

	tenant_create(&tenant);
	assigned = vsva_guest_device_assigned(tenant.accelerator);
	EXPECT(assigned && vsva_assigned_device(assigned) == tenant.device);
	printf("%#x for the guest, %#x on the bus\n", TENANT_RID,
	       vsva_assigned_host_rid(assigned).v);
	tenant_destroy(&tenant);
	return 0;
}
