/* SPDX-License-Identifier: MIT */
/*
 * vsva_vdcm_create: an accelerator is taken whole, to be let queue by queue. It must be nobody's.
 */
#include "../host.h"

#include <vsva/mdev.h>

int main(void)
{
	const struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA, .queues = 4};
	struct vsva_vdcm *vdcm, *second;
	struct vsva_device *device;
	struct host host;

	host_create(&host);
	host_add_engine(&host);
	EXPECT(vsva_device_create(host.machine, &dsa, &device) == 0);
	EXPECT(vsva_vdcm_create(device, &vdcm) == 0);
	printf("%u queues to be let\n", vsva_vdcm_available(vdcm));
	EXPECT(vsva_vdcm_available(vdcm) == 4);

	EXPECT(vsva_vdcm_create(device, &second) == -EBUSY);
	EXPECT(vsva_vdcm_create(host.engine, &second) == -EINVAL); /* no accelerator */
	EXPECT(vsva_vdcm_destroy(vdcm) == 0);
	host_destroy(&host);
	return 0;
}
