/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_policy: which of the two answers to "freed before it was unbound" a container gives:
 * may the caller's thread have to wait for a device when it frees?
 */
#include "../host.h"

int main(void)
{
	const struct vsva_container_options options = {.policy = VSVA_FREE_UNBINDS_FIRST};
	struct vsva_container *waits, *returns;
	struct host host;

	host_create(&host);
	EXPECT(vsva_container_open(host.iommu, &options, &waits) == 0);
	EXPECT(vsva_container_open(host.iommu, NULL, &returns) == 0);
	EXPECT(vsva_container_policy(waits) == VSVA_FREE_UNBINDS_FIRST);
	EXPECT(vsva_container_policy(returns) == VSVA_FREE_RECLAIMS);
	printf("one waits, one does not\n");
	EXPECT(vsva_container_close(waits) == 0);
	EXPECT(vsva_container_close(returns) == 0);
	host_destroy(&host);
	return 0;
}
