/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_enabled: what a guest has switched on in its device: does it expect the host to pass on its
 * device-TLB invalidations, say?
 */
#include "../shared.h"

#define ATS_CONTROL 0x106u

int main(void)
{
	struct shared shared;

	shared_create(&shared);
	shared_open(&shared);
	EXPECT(vsva_mdev_enabled(shared.mdev) == 0);
	EXPECT(vsva_mdev_config_write(shared.mdev, ATS_CONTROL, 2, 0x8000) == 0);
	printf("ATS: %s\n", vsva_mdev_enabled(shared.mdev) & VSVA_MDEV_ATS ? "on" : "off");
	EXPECT(vsva_mdev_enabled(shared.mdev) == VSVA_MDEV_ATS);
	shared_close(&shared);
	shared_destroy(&shared);
	return 0;
}
