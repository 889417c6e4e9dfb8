/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_get_type: does this one take posted writes or ENQCMD? For whoever was handed the device.
 */
#include "../shared.h"

int main(void)
{
	struct shared shared;

	shared_create(&shared);
	printf("%s\n", vsva_mdev_type_name(vsva_mdev_get_type(shared.mdev)));
	EXPECT(vsva_mdev_get_type(shared.mdev) == VSVA_MDEV_SHARED);
	shared_destroy(&shared);
	return 0;
}
