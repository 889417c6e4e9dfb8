/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_create: one queue of the accelerator becomes a device of its own, which somebody may open.
 */
#include "../shared.h"

int main(void)
{
	struct shared shared;
	struct vsva_mdev *mdev;
	uint32_t id;

	shared_create(&shared);
	EXPECT(vsva_mdev_create(shared.vdcm, VSVA_MDEV_DEDICATED, &mdev) == 0);
	EXPECT(vsva_mdev_config_read(mdev, 0, 4, &id) == 0);
	printf("another %08" PRIx32 "\n", id);
	EXPECT(id == 0x0b258086); /* what a stock driver takes for an accelerator */
	EXPECT(vsva_mdev_destroy(mdev) == 0);

	EXPECT(vsva_mdev_create(shared.vdcm, (enum vsva_mdev_type)99, &mdev) == -EINVAL);
	shared_destroy(&shared);
	return 0;
}
