/* SPDX-License-Identifier: MIT */
/*
 * vsva_flush_iotlb: passes on one IOTLB invalidation of a guest, exactly and nothing else: what a
 * virtual unit does with a descriptor of its guest's queue.
 */
#include "../host.h"

int main(void)
{
	struct vsva_flush flush = {.addr = HOST_GVA, .order = 0, .leaf = true};
	const uint64_t new_page = HOST_PAGE + VSVA_PAGE_SIZE;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	flush.pasid = host_bind(&host);
	EXPECT(engine_write(host.engine, flush.pasid.v, HOST_GVA, 7));
	host_set_page(&host, HOST_GVA, new_page);

	EXPECT(vsva_flush_iotlb(host.dev, &flush) == 0);
	EXPECT(engine_write(host.engine, flush.pasid.v, HOST_GVA, 8));
	EXPECT(*host_word(&host, new_page) == 8 && *host_word(&host, HOST_PAGE) == 7);
	printf("one page flushed, and the new one is found\n");

	flush.pasid = hpasid(999); /* nothing is bound */
	EXPECT(vsva_flush_iotlb(host.dev, &flush) == 0);
	host_destroy(&host);
	return 0;
}
