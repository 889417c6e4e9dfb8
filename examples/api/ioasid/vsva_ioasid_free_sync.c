/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_free_sync: gives a PASID up and waits until it is reclaimed: afterwards no device has
 * access by it, and the number may be another's.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id, again;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 7));

	EXPECT(vsva_ioasid_free_sync(host.set, id) == 0);
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) == VSVA_IOASID_FREE);
	EXPECT(!engine_write(host.engine, id.v, HOST_GVA, 8));
	EXPECT(vsva_ioasid_alloc(host.set, id.v, id.v, NULL, &again) == 0);
	printf("PASID %" PRIu32 " is reclaimed and allocated again\n", again.v);
	host_destroy(&host);
	return 0;
}
