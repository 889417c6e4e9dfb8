/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_map: the guest's memory becomes reachable for its devices, as VFIO_IOMMU_MAP_DMA
 * makes it.
 */
#include "../container.h"

int main(void)
{
	struct owner owner;
	struct host *host = &owner.host;

	owner_open(&owner);
	EXPECT(!engine_write(host->engine, WITHOUT_PASID, 0x100000, 7));
	EXPECT(vsva_container_map(owner.container, gpa(0x100000), hpa(HOST_HPA), VSVA_PAGE_SIZE,
				  VSVA_PROT_READ | VSVA_PROT_WRITE) == 0);
	EXPECT(engine_write(host->engine, WITHOUT_PASID, 0x100000, 7));
	EXPECT(*host_word(host, 0) == 7);
	printf("mapped, and the device wrote\n");

	EXPECT(vsva_container_map(owner.container, gpa(0x100000), hpa(HOST_HPA), VSVA_PAGE_SIZE,
				  VSVA_PROT_READ) == -EEXIST);
	owner_close(&owner);
	return 0;
}
