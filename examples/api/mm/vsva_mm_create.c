/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_create: an address space of a process of the host: page tables that the unit can walk, with
 * nothing in them yet. And one of the kernel's, whose addresses are in the upper half.
 */
#include "../native.h"

int main(void)
{
	struct vsva_mm *process, *kernel;
	struct host host;
	uva_t low, high;

	host_create(&host);
	EXPECT(vsva_mm_create(host.iommu, 0, &process) == 0);
	EXPECT(vsva_mm_create(host.iommu, VSVA_MM_KERNEL, &kernel) == 0);
	EXPECT(vsva_mm_map(process, uva(0), VSVA_PAGE_SIZE, VSVA_PROT_READ, &low) == 0);
	EXPECT(vsva_mm_map(kernel, uva(0), VSVA_PAGE_SIZE, VSVA_PROT_READ, &high) == 0);
	printf("process %#" PRIx64 ", kernel %#" PRIx64 "\n", low.v, high.v);
	EXPECT(!(low.v >> 63) && high.v >> 63);
	vsva_mm_put(kernel);
	vsva_mm_put(process);

	EXPECT(vsva_mm_create(NULL, 0, &process) == -EINVAL);
	EXPECT(vsva_mm_create(host.iommu, 1u << 31, &process) == -EINVAL);
	host_destroy(&host);
	return 0;
}
