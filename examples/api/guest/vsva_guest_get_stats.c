/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_get_stats: what the guest's driver has seen: page requests of devices that it resolved,
 * and faults.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_guest_stats stats = {0};
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS); /* the target was not present */
	vsva_guest_get_stats(tenant.guest, &stats);
	printf("%" PRIu64 " page request, %" PRIu64 " resolved, %" PRIu64 " faults\n",
	       stats.page_requests, stats.page_faults_resolved, stats.faults);
	EXPECT(stats.page_requests == 1 && stats.page_faults_resolved == 1 && stats.faults == 0);
	tenant_destroy(&tenant);
	return 0;
}
