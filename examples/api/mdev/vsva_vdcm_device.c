/* SPDX-License-Identifier: MIT */
/*
 * vsva_vdcm_device: the accelerator behind a parent, for whoever was given the parent, or a part of it.
 */
#include "../shared.h"

int main(void)
{
	struct vsva_device *device;
	struct shared shared;

	shared_create(&shared);
	device = vsva_vdcm_device(vsva_mdev_vdcm(shared.mdev));
	printf("a queue of %04x\n", vsva_device_rid(device).v);
	EXPECT(device == shared.accelerator);
	shared_destroy(&shared);
	return 0;
}
