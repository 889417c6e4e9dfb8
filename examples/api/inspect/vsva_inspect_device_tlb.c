/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_device_tlb: what a device has cached of translations that it asked for (ATS).
 */
#include <vsva/inspect.h>

#include "../host.h"

static bool knows(const struct host *host, uint64_t address)
{
	struct vsva_cache_line lines[8];
	bool is_there = false;
	uint32_t at = 0;

	while (at != UINT32_MAX) {
		size_t count = vsva_inspect_device_tlb(host->machine, vsva_device_rid(host->engine),
						       &at, lines, 8);

		for (size_t i = 0; i < count; i++)
			is_there |= lines[i].input == address;
	}
	return is_there;
}

int main(void)
{
	struct vsva_flush flush = {.all = true};
	struct host host;

	host_create(&host);
	host_add_device(&host);
	flush.pasid = host_bind(&host);
	EXPECT(!knows(&host, HOST_GVA));
	EXPECT(engine_run(host.engine, ENGINE_DO_FILL | ENGINE_WITH_ATS, flush.pasid.v, HOST_GVA,
			  7));
	EXPECT(knows(&host, HOST_GVA));
	printf("the device knows %#" PRIx64 "\n", HOST_GVA);
	EXPECT(vsva_flush_device_tlb(host.dev, &flush, false) == 0);
	EXPECT(!knows(&host, HOST_GVA));
	host_destroy(&host);
	return 0;
}
