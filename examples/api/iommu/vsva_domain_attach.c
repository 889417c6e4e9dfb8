/* SPDX-License-Identifier: MIT */
/*
 * vsva_domain_attach: the device's requests without PASID go through the domain's second stage from
 * now on, and PASIDs may be bound on it.
 */
#include "../host.h"

int main(void)
{
	struct vsva_domain *another;
	struct host host;

	host_create(&host);
	host_add_memory(&host);
	host_add_engine(&host);
	EXPECT(vsva_domain_alloc(host.iommu, host.set, VSVA_DOMAIN_NESTING, 1, &host.domain) == 0);
	EXPECT(vsva_domain_map(host.domain, gpa(0), hpa(HOST_HPA), HOST_MEMORY,
			       VSVA_PROT_READ | VSVA_PROT_WRITE) == 0);
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));

	EXPECT(vsva_domain_attach(host.domain, host.dev) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("the device reaches the domain's memory\n");

	EXPECT(vsva_domain_attach(host.domain, host.dev) == 0); /* it is */
	EXPECT(vsva_domain_alloc(host.iommu, host.set, 0, 2, &another) == 0);
	EXPECT(vsva_domain_attach(another, host.dev) == -EBUSY);
	EXPECT(vsva_domain_free(another) == 0);
	host_destroy(&host);
	return 0;
}
