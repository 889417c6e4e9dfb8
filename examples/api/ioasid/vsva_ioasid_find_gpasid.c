/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_find_gpasid: the host PASID of a guest's, as the guest's own invalidation needs it.
 * Without a lock; never of an id that was freed.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id, out;

	host_create(&host);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_attach_gpasid(host.set, id, gpasid(HOST_GUEST)) == 0);
	EXPECT(vsva_ioasid_find_gpasid(host.set, gpasid(HOST_GUEST), &out) == 0);
	printf("guest PASID %u is host PASID %" PRIu32 "\n", HOST_GUEST, out.v);
	EXPECT(out.v == id.v);

	EXPECT(vsva_ioasid_get(host.space, host.set, id) == 0);
	EXPECT(vsva_ioasid_free(host.set, id) == 0); /* pending, because of our reference */
	EXPECT(vsva_ioasid_find_gpasid(host.set, gpasid(HOST_GUEST), &out) == -ENOENT);
	vsva_ioasid_put(host.space, id);
	host_destroy(&host);
	return 0;
}
