/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_cache: what the unit has cached: is there a line for this page, and does it still say
 * what the tables say?
 */
#include <vsva/inspect.h>

#include "../host.h"

int main(void)
{
	struct vsva_cache_line lines[8];
	unsigned found = 0;
	struct host host;
	uint32_t at = 0;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 7));
	while (at != UINT32_MAX) { /* 0 lines are no end */
		size_t count = vsva_inspect_cache(host.machine, VSVA_CACHE_IOTLB, &at, lines, 8);

		for (size_t i = 0; i < count; i++) {
			if (lines[i].pasid != id.v || lines[i].input != HOST_GVA)
				continue;
			printf("%#" PRIx64 " leads to %#" PRIx64 "\n", lines[i].input,
			       lines[i].output);
			EXPECT(lines[i].output == HOST_HPA + HOST_PAGE);
			EXPECT(lines[i].rights & VSVA_CACHED_WRITE);
			found++;
		}
	}
	EXPECT(found == 1);
	host_destroy(&host);
	return 0;
}
