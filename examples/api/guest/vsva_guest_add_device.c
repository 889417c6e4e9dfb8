/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_add_device: a device is assigned to the VM, and the guest's driver enables it: ATS, page
 * requests, PASIDs, and the accelerator's queues.
 */
#include "../tenant.h"

int main(void)
{
	const struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};
	struct vsva_guest_device *second;
	struct vsva_device *device;
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(vsva_device_create(tenant.machine, &dsa, &device) == 0);
	EXPECT(vsva_guest_add_device(tenant.guest, device, rid(0x38), &second) == 0);
	EXPECT(vsva_process_bind(tenant.process, second) == 0);
	tenant.accelerator = second; /* which does the work now */
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS && tenant_result(&tenant) == 7);
	printf("the second accelerator copied\n");

	EXPECT(vsva_guest_add_device(tenant.guest, device, rid(0x40), &second) == -EBUSY);
	tenant_destroy(&tenant);
	return 0;
}
