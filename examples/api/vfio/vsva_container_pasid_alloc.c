/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_pasid_alloc: a PASID for the guest, from the numbers that are not the host's own,
 * within the container's quota.
 */
#include <vsva/limits.h>

#include "../host.h"

int main(void)
{
	const struct vsva_container_options options = {.pasid_quota = 1};
	struct vsva_container *container;
	struct host host;
	hpasid_t id, another;

	host_create(&host);
	EXPECT(vsva_container_open(host.iommu, &options, &container) == 0);
	EXPECT(vsva_container_pasid_alloc(container, &id) == 0);
	printf("PASID %#" PRIx32 "\n", id.v);
	EXPECT(id.v >= VSVA_LIMIT_FIRST_VM_PASID && id.v <= VSVA_PASID_MAX);
	EXPECT(vsva_container_pasid_alloc(container, &another) == -EDQUOT);
	EXPECT(vsva_container_close(container) == 0);
	host_destroy(&host);
	return 0;
}
