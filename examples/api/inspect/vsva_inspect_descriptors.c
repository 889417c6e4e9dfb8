/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_descriptors: how many invalidation descriptors of each type a unit has executed: what a
 * guest's unmap costs.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	uint64_t before[VSVA_DESCRIPTOR_TYPES], after[VSVA_DESCRIPTOR_TYPES];
	struct tenant tenant;
	uint32_t vm;

	tenant_create(&tenant);
	vm = vsva_vm_number(tenant.vm);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	EXPECT(vsva_inspect_descriptors(tenant.machine, vm, before) == 0);
	EXPECT(vsva_process_munmap(tenant.process, tenant.to, VSVA_PAGE_SIZE) == 0);
	EXPECT(vsva_inspect_descriptors(tenant.machine, vm, after) == 0);
	for (unsigned type = 1; type < VSVA_DESCRIPTOR_TYPES; type++)
		if (after[type] != before[type])
			printf("type %u: %" PRIu64 "\n", type, after[type] - before[type]);
	EXPECT(after[6] > before[6]); /* PASID-based IOTLB */
	EXPECT(after[5] > before[5]); /* wait */
	EXPECT(vsva_inspect_descriptors(tenant.machine, 999, after) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
