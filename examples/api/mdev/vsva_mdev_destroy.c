/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_destroy: the queue is given back to the parent, unless somebody has the device open.
 */
#include "../shared.h"

int main(void)
{
	struct shared shared;

	shared_create(&shared);
	shared_open(&shared);
	EXPECT(vsva_mdev_destroy(shared.mdev) == -EBUSY);
	shared_close(&shared);
	EXPECT(vsva_mdev_destroy(shared.mdev) == 0);
	EXPECT(vsva_vdcm_available(shared.vdcm) == 8);
	printf("all queues are to be let again\n");
	EXPECT(vsva_mdev_destroy(NULL) == 0);
	shared.mdev = NULL;
	shared_destroy(&shared);
	return 0;
}
