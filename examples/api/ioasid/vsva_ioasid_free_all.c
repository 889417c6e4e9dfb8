/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_free_all: all PASIDs of an owner at once, without waiting: what is done first about an
 * owner that misbehaves.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t bound;

	host_create(&host);
	host_add_device(&host);
	host_alloc(&host);
	bound = host_bind(&host);
	vsva_ioasid_free_all(host.set);
	EXPECT(vsva_ioasid_find(host.space, host.set, bound, NULL) == -ENOENT); /* at once */

	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(vsva_ioasid_set_count(host.set) == 0);
	EXPECT(!engine_write(host.engine, bound.v, HOST_GVA, 7));
	printf("the set is empty, and can be used on\n");
	host_alloc(&host);
	host_destroy(&host);
	return 0;
}
