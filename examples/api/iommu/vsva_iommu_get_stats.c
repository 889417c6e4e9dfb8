/* SPDX-License-Identifier: MIT */
/*
 * vsva_iommu_get_stats: what the driver has done, and what there is now: is anything still bound
 * before the machine is switched off?
 */
#include "../host.h"

int main(void)
{
	struct vsva_iommu_stats stats = {0};
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	vsva_iommu_get_stats(host.iommu, &stats);
	printf("%" PRIu64 " bind, %" PRIu64 " bound, %" PRIu64 " domain\n", stats.binds,
	       stats.bound_now, stats.domains_now);
	EXPECT(stats.binds == 1 && stats.bound_now == 1 && stats.domains_now == 1);

	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, id) == 0);
	vsva_iommu_get_stats(host.iommu, &stats);
	EXPECT(stats.unbinds == 1 && stats.bound_now == 0);
	host_destroy(&host);
	return 0;
}
