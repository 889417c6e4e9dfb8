/* SPDX-License-Identifier: MIT */
/*
 * vsva_domain_detach: the device leaves the domain: everything that is bound on it is unbound, and it
 * has no access to anything.
 */
#include "../host.h"

int main(void)
{
	struct vsva_iommu_stats stats;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 7));

	EXPECT(vsva_domain_detach(host.domain, host.dev) == 0);
	EXPECT(!engine_write(host.engine, id.v, HOST_GVA, 8));
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 8));
	vsva_iommu_get_stats(host.iommu, &stats);
	EXPECT(stats.bound_now == 0 && *host_word(&host, HOST_PAGE) == 7);
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) ==
	       VSVA_IOASID_IDLE); /* still allocated */
	printf("detached: nothing is bound, nothing is reached\n");

	EXPECT(vsva_domain_detach(host.domain, host.dev) == -EINVAL);
	host_destroy(&host);
	return 0;
}
