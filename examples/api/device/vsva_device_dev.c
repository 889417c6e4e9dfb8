/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_dev: the host driver's handle of a device: what is attached to domains and bound.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	struct vsva_dev *dev;

	host_create(&host);
	host_add_memory(&host);
	host_add_engine(&host);
	dev = vsva_device_dev(host.engine);
	EXPECT(dev && vsva_dev_rid(dev).v == vsva_device_rid(host.engine).v);

	/* What is attached nowhere has no access. */
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(vsva_domain_alloc(host.iommu, NULL, 0, 0, &host.domain) == 0);
	EXPECT(vsva_domain_map(host.domain, gpa(0), hpa(HOST_HPA), HOST_MEMORY,
			       VSVA_PROT_READ | VSVA_PROT_WRITE) == 0);
	EXPECT(vsva_domain_attach(host.domain, dev) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("attached, and the device wrote\n");
	host_destroy(&host);
	return 0;
}
