/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_add_mdev: a guest gets one queue of an accelerator that it shares with others, as a
 * device of its own.
 */
#include <vsva/mdev.h>

#include "../tenant.h"

int main(void)
{
	const struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};
	struct vsva_guest_device *own;
	struct vsva_device *device;
	struct vsva_mdev *mdev;
	struct vsva_vdcm *vdcm;
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(vsva_device_create(tenant.machine, &dsa, &device) == 0);
	EXPECT(vsva_vdcm_create(device, &vdcm) == 0);
	EXPECT(vsva_mdev_create(vdcm, VSVA_MDEV_SHARED, &mdev) == 0);
	EXPECT(vsva_guest_add_mdev(tenant.guest, mdev, rid(0x38), &own) == 0);
	EXPECT(vsva_process_bind(tenant.process, own) == 0);
	tenant.accelerator = own;
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS && tenant_result(&tenant) == 7);
	printf("one queue of a shared accelerator copied\n");

	vsva_guest_destroy(tenant.guest);
	EXPECT(vsva_mdev_destroy(mdev) == 0);
	EXPECT(vsva_vdcm_destroy(vdcm) == 0);
	vsva_machine_destroy(tenant.machine);
	return 0;
}
