/* SPDX-License-Identifier: MIT */
/*
 * vsva_domain_map: guest physical memory becomes reachable for the devices of a domain, in the
 * largest pages that fit.
 */
#include "../host.h"

int main(void)
{
	const uint32_t rw = VSVA_PROT_READ | VSVA_PROT_WRITE;
	struct host host;

	host_create(&host);
	host_add_device(&host); /* HOST_MEMORY bytes at GPA 0 */
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, 0x100000, 7));
	EXPECT(vsva_domain_map(host.domain, gpa(0x100000), hpa(HOST_HPA + HOST_PAGE),
			       VSVA_PAGE_SIZE, rw) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, 0x100000, 7));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);

	/* Read only */
	EXPECT(vsva_domain_map(host.domain, gpa(0x200000), hpa(HOST_HPA), VSVA_PAGE_SIZE,
			       VSVA_PROT_READ) == 0);
	EXPECT(engine_read(host.engine, WITHOUT_PASID, 0x200000));
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, 0x200000, 8));
	printf("a page for reading and writing, another for reading only\n");

	EXPECT(vsva_domain_map(host.domain, gpa(0x100000), hpa(HOST_HPA), 4096, rw) == -EEXIST);
	EXPECT(vsva_domain_map(host.domain, gpa(0x1001), hpa(HOST_HPA), 4096, rw) == -EINVAL);
	EXPECT(vsva_domain_map(host.domain, gpa(UINT64_C(1) << 60), hpa(0), 4096, rw) == -ERANGE);
	host_destroy(&host);
	return 0;
}
