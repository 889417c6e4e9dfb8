/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_destroy: the VM dies in the middle of its work, and cleans up nothing. The host does:
 * everything that it had is back.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_iommu_stats stats;
	struct tenant tenant;
	struct vsva_dsa_descriptor move;

	tenant_create(&tenant);
	move = tenant_descriptor(&tenant);
	EXPECT(vsva_process_submit(tenant.process, tenant.accelerator, &move, true) == 0);

	vsva_guest_destroy(tenant.guest);
	vsva_iommu_get_stats(vsva_machine_iommu(tenant.machine), &stats);
	printf("bound: %" PRIu64 ", page requests pending: %" PRIu64 "\n", stats.bound_now,
	       stats.requests_pending_now);
	EXPECT(stats.bound_now == 0 && stats.requests_pending_now == 0 && stats.domains_now == 0);
	EXPECT(vsva_device_destroy(tenant.device) == 0); /* nobody has it */
	vsva_guest_destroy(NULL);
	vsva_machine_destroy(tenant.machine);
	return 0;
}
