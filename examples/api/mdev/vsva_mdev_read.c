/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_read: a guest reads its device's registers: an accelerator with one work queue (WQCAP),
 * whatever the parent has.
 */
#include "../shared.h"

#define WQCAP 0x20u

int main(void)
{
	struct shared shared;
	uint64_t cap;

	shared_create(&shared);
	EXPECT(vsva_mdev_read(shared.mdev, 0, WQCAP, 8, &cap) == 0);
	printf("queues: %" PRIu64 " of the parent's %" PRIu64 "\n", cap >> 16 & 0xff,
	       dsa_read(shared.accelerator, WQCAP, 8) >> 16 & 0xff);
	EXPECT((cap >> 16 & 0xff) == 1);
	EXPECT(vsva_mdev_read(shared.mdev, 0, WQCAP + 1, 8, &cap) == -EINVAL);
	EXPECT(vsva_mdev_read(shared.mdev, 1, 0, 8, &cap) == -EINVAL); /* no such BAR */
	shared_destroy(&shared);
	return 0;
}
