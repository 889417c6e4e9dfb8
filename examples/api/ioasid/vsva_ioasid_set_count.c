/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_count: how many ids of a set count against its quota: those that are allocated, and
 * those that were freed while somebody still held a reference.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id;

	host_create(&host);
	id = host_alloc(&host);
	host_alloc(&host);
	EXPECT(vsva_ioasid_set_count(host.set) == 2);

	EXPECT(vsva_ioasid_get(host.space, host.set, id) == 0);
	EXPECT(vsva_ioasid_free(host.set, id) == 0);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(vsva_ioasid_set_count(host.set) == 2); /* free-pending */
	vsva_ioasid_put(host.space, id);
	EXPECT(vsva_ioasid_set_count(host.set) == 1);
	printf("%" PRIu32 " of %" PRIu32 " in use\n", vsva_ioasid_set_count(host.set),
	       vsva_ioasid_set_quota(host.set));
	host_destroy(&host);
	return 0;
}
