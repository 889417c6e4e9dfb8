/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_portal_write: 64 bytes to a portal of a mediated device: a job. In a deferrable write the
 * PASID has been translated on its way here.
 */
#include "../shared.h"

int main(void)
{
	struct vsva_dsa_descriptor copy = dsa_copy(HOST_GVA, HOST_GVA + 64, 8, HOST_GVA + 128);
	struct shared shared;

	shared_create(&shared);
	shared_open(&shared);
	EXPECT(vsva_mdev_portal_write(shared.mdev, DSA_PORTAL, &copy, true) == 1); /* not enabled */
	shared_start(&shared);
	copy.pasid = shared.pasid.v;
	*host_word(&shared.host, HOST_PAGE) = 7;
	EXPECT(vsva_mdev_portal_write(shared.mdev, DSA_PORTAL, &copy, true) == 0);
	vsva_machine_run_idle(shared.host.machine, 10000);
	EXPECT(*host_word(&shared.host, HOST_PAGE + 64) == 7);
	printf("accepted, and copied\n");

	EXPECT(vsva_mdev_portal_write(shared.mdev, 7, &copy, true) == -EINVAL);
	shared_close(&shared);
	shared_destroy(&shared);
	return 0;
}
