/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_device_stats: what a device has asked of the unit: how often its own TLB did not know,
 * and how often a page was absent.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	struct vsva_device_stats stats = {0};
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS); /* the target was not present */
	EXPECT(vsva_inspect_device_stats(tenant.machine, vsva_device_rid(tenant.device), &stats) ==
	       0);
	printf("%" PRIu64 " translations, %" PRIu64 " page request, %" PRIu32 " cached\n",
	       stats.translations, stats.page_requests, stats.cached);
	EXPECT(stats.translations > 0 && stats.page_requests == 1 && stats.page_responses == 1);
	EXPECT(vsva_inspect_device_stats(tenant.machine, rid(0xffff), &stats) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
