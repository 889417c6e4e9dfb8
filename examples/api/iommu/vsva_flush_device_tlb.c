/* SPDX-License-Identifier: MIT */
/*
 * vsva_flush_device_tlb: a device that uses ATS keeps translations itself. After the IOTLB it must
 * hear of a change too: an IOTLB flush alone leaves them.
 */
#include "../host.h"

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_ATS;
	const uint64_t new_page = HOST_PAGE + VSVA_PAGE_SIZE;
	struct vsva_flush flush = {.addr = HOST_GVA};
	struct host host;

	host_create(&host);
	host_add_device(&host);
	flush.pasid = host_bind(&host);
	EXPECT(engine_run(host.engine, command, flush.pasid.v, HOST_GVA, 7));
	host_set_page(&host, HOST_GVA, new_page);
	EXPECT(vsva_flush_iotlb(host.dev, &flush) == 0);
	EXPECT(engine_run(host.engine, command, flush.pasid.v, HOST_GVA, 8));
	EXPECT(*host_word(&host, HOST_PAGE) == 8); /* the device knew an old translation */

	EXPECT(vsva_flush_device_tlb(host.dev, &flush, false) == 0);
	EXPECT(engine_run(host.engine, command, flush.pasid.v, HOST_GVA, 9));
	EXPECT(*host_word(&host, new_page) == 9 && *host_word(&host, HOST_PAGE) == 8);
	printf("the device has asked anew\n");
	host_destroy(&host);
	return 0;
}
