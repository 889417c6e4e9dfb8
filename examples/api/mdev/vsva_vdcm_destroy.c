/* SPDX-License-Identifier: MIT */
/*
 * vsva_vdcm_destroy: the accelerator is given back, disabled, when nobody has a queue of it any more.
 */
#include "../shared.h"

int main(void)
{
	struct shared shared;

	shared_create(&shared);
	EXPECT(vsva_vdcm_destroy(shared.vdcm) == -EBUSY);
	EXPECT(vsva_mdev_destroy(shared.mdev) == 0);
	EXPECT(vsva_vdcm_destroy(shared.vdcm) == 0);
	EXPECT(vsva_domain_attach(shared.host.domain, vsva_device_dev(shared.accelerator)) == 0);
	printf("the accelerator can be somebody's again\n");
	EXPECT(vsva_domain_detach(shared.host.domain, vsva_device_dev(shared.accelerator)) == 0);
	EXPECT(vsva_vdcm_destroy(NULL) == 0);
	host_destroy(&shared.host);
	return 0;
}
