/* SPDX-License-Identifier: MIT */
/*
 * vsva_domain_unmap: takes guest memory away from devices. When it has returned no access is under
 * way, whatever was cached: the memory may be given to somebody else.
 */
#include "../host.h"

int main(void)
{
	uint64_t unmapped = 0;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7)); /* cached in the IOTLB */
	EXPECT(vsva_domain_unmap(host.domain, gpa(HOST_PAGE), 2 * VSVA_PAGE_SIZE, &unmapped) == 0);
	EXPECT(unmapped == 2 * VSVA_PAGE_SIZE);
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 8));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, 0, 9)); /* its neighbours stay */
	printf("%" PRIu64 " bytes are out of reach\n", unmapped);

	EXPECT(vsva_domain_unmap(host.domain, gpa(HOST_PAGE), 4096, &unmapped) == 0);
	EXPECT(unmapped == 0); /* there was nothing any more */
	host_destroy(&host);
	return 0;
}
