/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_cache_invalidate: the guest has changed its page tables and invalidates: what is
 * cached of them goes, here all of a PASID.
 */
#include "../container.h"

int main(void)
{
	struct vsva_cache_invalidate_info info = {
		.argsz = sizeof(info),
		.version = VSVA_CACHE_INVALIDATE_VERSION_1,
		.cache = VSVA_CACHE_INV_IOTLB,
		.granularity = VSVA_INV_PASID,
		.granu.pasid_info = {.flags = VSVA_INV_FLAG_PASID},
	};
	const uint64_t new_page = HOST_PAGE + VSVA_PAGE_SIZE;
	struct owner owner;
	struct host *host = &owner.host;
	hpasid_t id;

	owner_open(&owner);
	id = owner_bind(&owner);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 7));
	host_set_page(host, HOST_GVA, new_page);
	info.granu.pasid_info.pasid = id.v;
	EXPECT(vsva_container_cache_invalidate(owner.device, &info) == 0);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 8));
	EXPECT(*host_word(host, HOST_PAGE) == 7 && *host_word(host, new_page) == 8);
	printf("the device found the new page\n");

	info.cache = 0x80;
	EXPECT(vsva_container_cache_invalidate(owner.device, &info) == -EINVAL);
	owner_close(&owner);
	return 0;
}
