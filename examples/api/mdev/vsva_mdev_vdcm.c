/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_vdcm: the parent of a mediated device: do two of them share an accelerator?
 */
#include "../shared.h"

int main(void)
{
	struct vsva_mdev *sibling;
	struct shared shared;

	shared_create(&shared);
	EXPECT(vsva_mdev_create(shared.vdcm, VSVA_MDEV_DEDICATED, &sibling) == 0);
	EXPECT(vsva_mdev_vdcm(sibling) == shared.vdcm);
	EXPECT(vsva_mdev_vdcm(sibling) == vsva_mdev_vdcm(shared.mdev));
	printf("siblings\n");
	EXPECT(vsva_mdev_destroy(sibling) == 0);
	shared_destroy(&shared);
	return 0;
}
