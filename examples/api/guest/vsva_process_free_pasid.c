/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_free_pasid: a guest in the wrong order: it frees the PASID by virtual command while it
 * is bound. The host takes the binding down by itself.
 */
#include "../tenant.h"

int main(void)
{
	const struct vsva_guest_options options = {.use_vcmd = true};
	struct vsva_iommu_stats stats;
	struct tenant tenant;

	tenant_boot(&tenant, &options);
	tenant_add_process(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	EXPECT(vsva_process_free_pasid(tenant.process) == 0);
	vsva_machine_run_idle(tenant.machine, 10000);
	vsva_iommu_get_stats(vsva_machine_iommu(tenant.machine), &stats);
	printf("bound on the host: %" PRIu64 "\n", stats.bound_now);
	EXPECT(stats.bound_now == 0);

	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0); /* late, no harm */
	EXPECT(vsva_process_free_pasid(tenant.process) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
