/* SPDX-License-Identifier: MIT */
/*
 * vsva_domain_iova_to_phys: where an address of a domain leads to, as the tables say it now.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpa_t out;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_domain_iova_to_phys(host.domain, gpa(HOST_PAGE + 0x123), &out) == 0);
	printf("GPA %#" PRIx64 " is HPA %#" PRIx64 "\n", HOST_PAGE + 0x123, out.v);
	EXPECT(out.v == HOST_HPA + HOST_PAGE + 0x123);
	EXPECT(vsva_domain_iova_to_phys(host.domain, gpa(HOST_MEMORY), &out) == -ENOENT);
	host_destroy(&host);
	return 0;
}
