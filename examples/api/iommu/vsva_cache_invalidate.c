/* SPDX-License-Identifier: MIT */
/*
 * vsva_cache_invalidate: a guest has changed its page table and says so; until then the unit may go
 * by what it has cached.
 */
#include "../host.h"

int main(void)
{
	struct vsva_cache_invalidate_info info = {
		.argsz = sizeof(info),
		.version = VSVA_CACHE_INVALIDATE_VERSION_1,
		.cache = VSVA_CACHE_INV_IOTLB,
		.granularity = VSVA_INV_ADDR,
		.granu.addr_info = {.flags = VSVA_INV_FLAG_PASID,
				    .addr = HOST_GVA,
				    .granule_size = VSVA_PAGE_SIZE,
				    .nb_granules = 1},
	};
	const uint64_t new_page = HOST_PAGE + VSVA_PAGE_SIZE;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 7));
	host_set_page(&host, HOST_GVA, new_page);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 8));
	EXPECT(*host_word(&host, HOST_PAGE) == 8); /* the old page still */

	info.granu.addr_info.pasid = id.v;
	EXPECT(vsva_cache_invalidate(host.domain, host.dev, &info) == 0);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 9));
	EXPECT(*host_word(&host, new_page) == 9 && *host_word(&host, HOST_PAGE) == 8);
	printf("after the invalidation the device writes to the new page\n");

	info.version = 2;
	EXPECT(vsva_cache_invalidate(host.domain, host.dev, &info) == -EINVAL);
	host_destroy(&host);
	return 0;
}
