/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_open: somebody gives a mediated device to his guest. The guest's PASIDs are looked up in
 * the owner's set.
 */
#include "../shared.h"

int main(void)
{
	struct vsva_mdev_owner owner = {0};
	struct shared shared;

	shared_create(&shared);
	owner.set = shared.host.set;
	EXPECT(vsva_mdev_open(shared.mdev, &owner) == 0);
	EXPECT(vsva_mdev_open(shared.mdev, &owner) == -EBUSY);
	EXPECT(vsva_domain_attach(shared.host.domain, vsva_mdev_dev(shared.mdev)) == 0);
	shared_start(&shared);
	EXPECT(shared_copy(&shared, 7) == 0 && shared_result(&shared) == 7);
	printf("open, enabled, and at work\n");
	shared_close(&shared);

	owner.set = NULL;
	EXPECT(vsva_mdev_open(shared.mdev, &owner) == -EINVAL);
	shared_destroy(&shared);
	return 0;
}
