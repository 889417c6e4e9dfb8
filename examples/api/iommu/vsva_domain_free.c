/* SPDX-License-Identifier: MIT */
/*
 * vsva_domain_free: the domain and its tables go, once no device is in it.
 */
#include "../host.h"

int main(void)
{
	struct vsva_iommu_stats stats;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_domain_free(host.domain) == -EBUSY);
	EXPECT(vsva_domain_detach(host.domain, host.dev) == 0);
	EXPECT(vsva_domain_free(host.domain) == 0);
	host.domain = NULL;
	vsva_iommu_get_stats(host.iommu, &stats);
	printf("domains now: %" PRIu64 "\n", stats.domains_now);
	EXPECT(stats.domains_now == 0);
	host_destroy(&host);
	return 0;
}
