/* SPDX-License-Identifier: MIT */
/*
 * vsva_sva_enable: a driver asks for the feature before the first bind; the device must be attached.
 */
#include "../native.h"

int main(void)
{
	struct host host;

	host_create(&host);
	host_add_engine(&host);
	EXPECT(vsva_sva_enable(NULL) == -EINVAL);
	EXPECT(vsva_sva_enable(host.dev) == -EINVAL); /* attached nowhere */
	EXPECT(vsva_domain_alloc(host.iommu, NULL, 0, 0, &host.domain) == 0);
	EXPECT(vsva_domain_attach(host.domain, host.dev) == 0);
	EXPECT(vsva_sva_enable(host.dev) == 0);
	EXPECT(vsva_sva_enable(host.dev) == 0); /* again */
	printf("enabled\n");
	EXPECT(vsva_sva_disable(host.dev) == 0);
	host_destroy(&host);
	return 0;
}
