/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_attach_gpasid: the guest's number for an id: what a page request is reported under, and
 * what a virtual command's answer is kept by. Each number once in a set.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id, another, out;

	host_create(&host);
	id = host_alloc(&host);
	another = host_alloc(&host);
	EXPECT(vsva_ioasid_attach_gpasid(host.set, id, gpasid(HOST_GUEST)) == 0);
	EXPECT(vsva_ioasid_find_gpasid(host.set, gpasid(HOST_GUEST), &out) == 0 && out.v == id.v);
	printf("guest PASID %u is host PASID %" PRIu32 "\n", HOST_GUEST, out.v);

	EXPECT(vsva_ioasid_attach_gpasid(host.set, another, gpasid(HOST_GUEST)) == -EEXIST);
	EXPECT(vsva_ioasid_attach_gpasid(host.set, id, gpasid(HOST_GUEST + 1)) == -EBUSY);
	EXPECT(vsva_ioasid_attach_gpasid(host.set, another, gpasid(VSVA_PASID_INVALID)) == -EINVAL);
	host_destroy(&host);
	return 0;
}
