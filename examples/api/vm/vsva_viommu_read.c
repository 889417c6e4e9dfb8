/* SPDX-License-Identifier: MIT */
/*
 * vsva_viommu_read: a vCPU reads from the virtual unit's register page: what a VMM calls when its guest
 * touches the page. Caching mode tells the guest to invalidate after every change.
 */
#include "../vmm.h"

#define CAP    0x08u
#define CAP_CM (UINT64_C(1) << 7)

int main(void)
{
	struct vmm vmm;
	uint64_t cap;

	vmm_create(&vmm);
	EXPECT(vsva_viommu_read(vmm.vm, CAP, 8, &cap) == 0);
	printf("CAP %#" PRIx64 ": caching mode %s\n", cap, cap & CAP_CM ? "on" : "off");
	EXPECT(cap & CAP_CM);
	EXPECT(vsva_viommu_read(vmm.vm, CAP, 2, &cap) == -EINVAL);
	EXPECT(vsva_viommu_read(vmm.vm, 0x1000, 8, &cap) == -EINVAL); /* beyond the page */
	vmm_destroy(&vmm);
	return 0;
}
