/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_add: a device comes to the guest: attached to the container's second stage, known by
 * a handle.
 */
#include "../container.h"

int main(void)
{
	struct vsva_container *another;
	struct owner owner;
	struct host *host = &owner.host;

	owner_open(&owner);
	EXPECT(vsva_container_device_close(owner.device) == 0); /* so that it is nobody's */
	EXPECT(!engine_write(host->engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(vsva_container_add(owner.container, host->dev, &owner.device) == 0);
	EXPECT(engine_write(host->engine, WITHOUT_PASID, HOST_PAGE, 7));
	printf("the device reaches the guest's memory\n");

	EXPECT(vsva_container_add(owner.container, host->dev, &owner.device) == -EBUSY);
	EXPECT(vsva_container_open(host->iommu, NULL, &another) == 0);
	EXPECT(vsva_container_add(another, host->dev, &owner.device) == -EBUSY);
	EXPECT(vsva_container_close(another) == 0);
	owner_close(&owner);
	return 0;
}
