/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_set: the PASIDs of a container, for what vsva/ioasid.h can do with them: give a
 * guest's number to one, count them, be told of them.
 */
#include "../host.h"

int main(void)
{
	struct vsva_container *container;
	struct vsva_ioasid_set *set;
	struct host host;
	hpasid_t id, out;

	host_create(&host);
	EXPECT(vsva_container_open(host.iommu, NULL, &container) == 0);
	set = vsva_container_set(container);
	EXPECT(set);
	EXPECT(vsva_container_pasid_alloc(container, &id) == 0);
	EXPECT(vsva_ioasid_attach_gpasid(set, id, gpasid(HOST_GUEST)) == 0);
	EXPECT(vsva_ioasid_find_gpasid(set, gpasid(HOST_GUEST), &out) == 0 && out.v == id.v);
	printf("guest PASID %u is %#" PRIx32 "\n", HOST_GUEST, out.v);
	EXPECT(vsva_container_close(container) == 0);
	host_destroy(&host);
	return 0;
}
