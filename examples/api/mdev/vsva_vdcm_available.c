/* SPDX-License-Identifier: MIT */
/*
 * vsva_vdcm_available: how many queues of an accelerator are still to be let?
 */
#include "../shared.h"

int main(void)
{
	struct vsva_mdev *more[8], *none;
	struct shared shared;
	unsigned count;

	shared_create(&shared); /* lets one */
	count = vsva_vdcm_available(shared.vdcm);
	printf("%u queues left\n", count);
	EXPECT(count == 7);
	for (unsigned i = 0; i < count; i++)
		EXPECT(vsva_mdev_create(shared.vdcm, VSVA_MDEV_DEDICATED, &more[i]) == 0);
	EXPECT(vsva_vdcm_available(shared.vdcm) == 0);
	EXPECT(vsva_mdev_create(shared.vdcm, VSVA_MDEV_DEDICATED, &none) == -ENOSPC);
	for (unsigned i = 0; i < count; i++)
		EXPECT(vsva_mdev_destroy(more[i]) == 0);
	shared_destroy(&shared);
	return 0;
}
