/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_config_write: a guest makes its device a bus master and enables PASIDs: without a word to
 * the hardware, where others are at work.
 */
#include "../shared.h"

int main(void)
{
	struct shared shared;
	uint32_t command;

	shared_create(&shared);
	shared_open(&shared);
	EXPECT(vsva_mdev_config_write(shared.mdev, 0x04, 2, 0x6) == 0);
	EXPECT(vsva_mdev_config_write(shared.mdev, 0x146, 2, 0x1) == 0);
	EXPECT(vsva_mdev_enabled(shared.mdev) == (VSVA_MDEV_BUS_MASTER | VSVA_MDEV_PASID));

	EXPECT(vsva_mdev_config_write(shared.mdev, 0x04, 2, 0) == 0);
	EXPECT(vsva_device_config_read(shared.accelerator, 0x04, 2, &command) == 0);
	printf("bus master: guest no, hardware %s\n", command & 0x4 ? "yes" : "no");
	EXPECT(vsva_mdev_enabled(shared.mdev) == VSVA_MDEV_PASID && (command & 0x4));
	EXPECT(vsva_mdev_config_write(shared.mdev, 0x1000, 4, 0) == -EINVAL);
	shared_close(&shared);
	shared_destroy(&shared);
	return 0;
}
