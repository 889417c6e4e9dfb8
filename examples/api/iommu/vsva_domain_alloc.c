/* SPDX-License-Identifier: MIT */
/*
 * vsva_domain_alloc: a second stage, empty, for an owner's devices. For guests' page tables on top of
 * it ask for nesting.
 */
#include "../host.h"

int main(void)
{
	struct vsva_domain *domain;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_memory(&host);
	host_add_engine(&host);
	id = host_alloc(&host);
	EXPECT(vsva_domain_alloc(host.iommu, host.set, VSVA_DOMAIN_NESTING, 1, &domain) == 0);
	EXPECT(vsva_domain_attach(domain, host.dev) == 0);
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7)); /* nothing is mapped */
	EXPECT(vsva_bind_second_stage(domain, host.dev, id) == 0);       /* an id of the owner's */
	printf("a domain with a device and a PASID in it\n");

	EXPECT(vsva_domain_detach(domain, host.dev) == 0);
	EXPECT(vsva_domain_free(domain) == 0);
	EXPECT(vsva_domain_alloc(host.iommu, host.set, 1u << 31, 1, &domain) == -EINVAL);
	host_destroy(&host);
	return 0;
}
