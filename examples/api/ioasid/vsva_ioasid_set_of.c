/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_of: whose is this number? For whoever knows a host PASID only, from a fault record
 * of the unit, say.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id;

	host_create(&host);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_set_of(host.space, id) == host.set);
	EXPECT(vsva_ioasid_set_token(vsva_ioasid_set_of(host.space, id)) == &host);
	printf("PASID %" PRIu32 " has an owner\n", id.v);
	EXPECT(vsva_ioasid_free_sync(host.set, id) == 0);
	EXPECT(!vsva_ioasid_set_of(host.space, id));
	host_destroy(&host);
	return 0;
}
