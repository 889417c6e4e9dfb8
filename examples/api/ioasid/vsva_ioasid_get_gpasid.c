/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_get_gpasid: guest PASID to host PASID with a reference, in one step: between a look-up
 * and a get the number could have become another's.
 */
#include "../host.h"

int main(void)
{
	uint32_t references;
	struct host host;
	hpasid_t id, out;

	host_create(&host);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_get_gpasid(host.set, gpasid(HOST_GUEST), &out) == -ENOENT);
	EXPECT(vsva_ioasid_attach_gpasid(host.set, id, gpasid(HOST_GUEST)) == 0);
	EXPECT(vsva_ioasid_get_gpasid(host.set, gpasid(HOST_GUEST), &out) == 0);
	EXPECT(out.v == id.v);
	vsva_ioasid_state_of(host.space, id, &references);
	EXPECT(references == 2); /* the allocation's, and ours */
	printf("guest PASID %u is %" PRIu32 ", and stays so\n", HOST_GUEST, out.v);
	vsva_ioasid_put(host.space, out);
	host_destroy(&host);
	return 0;
}
