/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_close: the owner is done: the device is reset, and nothing of the owner's is called or
 * kept any more. Another may open it.
 */
#include "../shared.h"

int main(void)
{
	struct vsva_mdev_owner owner = {0};
	struct shared shared;

	shared_create(&shared);
	owner.set = shared.host.set;
	shared_open(&shared);
	shared_start(&shared);
	EXPECT(shared_copy(&shared, 7) == 0);
	EXPECT(vsva_domain_detach(shared.host.domain, vsva_mdev_dev(shared.mdev)) == 0);
	vsva_mdev_close(shared.mdev);

	EXPECT(vsva_mdev_open(shared.mdev, &owner) == 0);
	EXPECT(shared_copy(&shared, 8) != 0); /* its queue is as after reset */
	EXPECT(shared_result(&shared) == 7);
	printf("closed, and open for another one\n");
	vsva_mdev_close(shared.mdev);
	shared_destroy(&shared);
	return 0;
}
