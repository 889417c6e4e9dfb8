/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_gpasid_of: the guest PASID of a host's: a fault comes with the host's number, and the
 * guest has to hear of its own.
 */
#include "../host.h"

int main(void)
{
	gpasid_t guest = {0};
	struct host host;
	hpasid_t id;

	host_create(&host);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_gpasid_of(host.set, id, &guest) == -ENOENT); /* it has none */
	EXPECT(vsva_ioasid_attach_gpasid(host.set, id, gpasid(HOST_GUEST)) == 0);
	EXPECT(vsva_ioasid_gpasid_of(host.set, id, &guest) == 0);
	printf("host PASID %" PRIu32 " is guest PASID %" PRIu32 "\n", id.v, guest.v);
	EXPECT(guest.v == HOST_GUEST);
	host_destroy(&host);
	return 0;
}
