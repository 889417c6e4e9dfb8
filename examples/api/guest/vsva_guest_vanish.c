/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_vanish: the VMM is killed, and the kernel closes its files one by one, in any order:
 * whatever the order, nothing is left.
 */
#include "../tenant.h"

int main(void)
{
	for (uint64_t order = 0; order < 4; order++) {
		struct vsva_iommu_stats stats;
		struct tenant tenant;
		uint64_t left;

		tenant_create(&tenant);
		EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
		left = vsva_guest_vanish(tenant.guest, order);
		printf("order %" PRIu64 ": %" PRIu64 " left\n", order, left);
		EXPECT(left == 0);
		vsva_iommu_get_stats(vsva_machine_iommu(tenant.machine), &stats);
		EXPECT(stats.bound_now == 0);
		tenant_destroy(&tenant); /* all that can still be done with the guest */
	}
	return 0;
}
