/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_device_dev: the driver's device behind a handle, for a message that names it, or for
 * what only vsva/iommu.h can do.
 */
#include "../container.h"

int main(void)
{
	struct owner owner;
	struct vsva_dev *dev;

	owner_open(&owner);
	dev = vsva_container_device_dev(owner.device);
	EXPECT(dev == owner.host.dev);
	printf("device %04x\n", vsva_dev_rid(dev).v);
	EXPECT(vsva_drain_page_requests(dev) == 0);
	owner_close(&owner);
	return 0;
}
