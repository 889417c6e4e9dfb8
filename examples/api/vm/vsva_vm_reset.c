/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_reset: a system reset: registers of the virtual unit and of devices as after power-on, all
 * bindings gone. Memory stays.
 */
#include "../tenant.h"

#define GSTS 0x1cu

int main(void)
{
	struct vsva_iommu_stats stats;
	struct tenant tenant;
	uint64_t status;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	vsva_vm_reset(tenant.vm);
	vsva_iommu_get_stats(vsva_machine_iommu(tenant.machine), &stats);
	EXPECT(vsva_viommu_read(tenant.vm, GSTS, 4, &status) == 0);
	printf("bound: %" PRIu64 ", GSTS: %#" PRIx64 "\n", stats.bound_now, status);
	EXPECT(stats.bound_now == 0 && status == 0);
	EXPECT(tenant_result(&tenant) == 7); /* it is in memory */
	tenant_destroy(&tenant);
	return 0;
}
