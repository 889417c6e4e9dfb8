/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_remove_device: the guest gives a device back in good order; another VM may have it then.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_guest_device *device;
	struct vsva_guest *another;
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(vsva_guest_create(tenant.machine, NULL, &another) == 0);
	EXPECT(vsva_guest_add_device(another, tenant.device, rid(0x30), &device) == -EBUSY);

	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0);
	EXPECT(vsva_guest_remove_device(tenant.accelerator) == 0);
	EXPECT(vsva_guest_add_device(another, tenant.device, rid(0x30), &device) == 0);
	printf("the device is the other guest's\n");
	vsva_guest_destroy(another);
	tenant_destroy(&tenant);
	return 0;
}
