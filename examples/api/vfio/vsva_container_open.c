/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_open: what a VMM opens for each of its guests, as it opens /dev/vfio/vfio: a set of
 * PASIDs with a quota, and the second stage of its devices.
 */
#include "../host.h"

int main(void)
{
	const struct vsva_container_options options = {.pasid_quota = 16, .vm = 1};
	struct vsva_container *container;
	struct host host;

	host_create(&host);
	EXPECT(vsva_container_open(host.iommu, &options, &container) == 0);
	EXPECT(vsva_ioasid_set_quota(vsva_container_set(container)) == 16);
	EXPECT(vsva_container_domain(container));
	printf("a container for 16 PASIDs\n");
	EXPECT(vsva_container_close(container) == 0);

	EXPECT(vsva_container_open(NULL, &options, &container) == -EINVAL);
	host_destroy(&host);
	return 0;
}
