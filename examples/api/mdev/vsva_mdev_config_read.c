/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_config_read: the configuration space that a guest sees: one of its own, with a PASID
 * capability at 0x140.
 */
#include "../shared.h"

int main(void)
{
	struct shared shared;
	uint32_t id, capability;

	shared_create(&shared);
	EXPECT(vsva_mdev_config_read(shared.mdev, 0, 4, &id) == 0);
	EXPECT(vsva_mdev_config_read(shared.mdev, 0x140, 4, &capability) == 0);
	printf("id %08" PRIx32 ", capability %#" PRIx32 "\n", id, capability & 0xffff);
	EXPECT(id == 0x0b258086 && (capability & 0xffff) == 0x1b);
	EXPECT(vsva_mdev_config_read(shared.mdev, 0x1000, 4, &id) == -EINVAL);
	shared_destroy(&shared);
	return 0;
}
