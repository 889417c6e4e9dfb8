/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_put: gives a reference back, when nothing of the number is left where it was. The last
 * one makes the number free.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id;

	host_create(&host);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_get(host.space, host.set, id) == 0);
	EXPECT(vsva_ioasid_free(host.set, id) == 0);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) == VSVA_IOASID_FREE_PENDING);

	vsva_ioasid_put(host.space, id);
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) == VSVA_IOASID_FREE);
	printf("free with the last reference\n");
	host_destroy(&host);
	return 0;
}
