/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_bar_size: the BARs that a guest sees of its part: registers in 0, one queue's portals in 2.
 */
#include "../shared.h"

int main(void)
{
	struct shared shared;

	shared_create(&shared);
	printf("BAR 0: %#" PRIx64 ", BAR 2: %#" PRIx64 "\n", vsva_mdev_bar_size(shared.mdev, 0),
	       vsva_mdev_bar_size(shared.mdev, 2));
	EXPECT(vsva_mdev_bar_size(shared.mdev, 0) > 0);
	EXPECT(vsva_mdev_bar_size(shared.mdev, 2) > 0);
	EXPECT(vsva_mdev_bar_size(shared.mdev, 2) < vsva_device_bar_size(shared.accelerator, 2));
	EXPECT(vsva_mdev_bar_size(shared.mdev, 1) == 0);
	shared_destroy(&shared);
	return 0;
}
