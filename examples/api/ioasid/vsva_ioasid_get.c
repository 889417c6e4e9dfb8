/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_get: a reference for whoever keeps the number somewhere, in a device's queue, say: until
 * it is put back the number can be freed, but not become another's.
 */
#include "../host.h"

int main(void)
{
	struct vsva_ioasid_set *another;
	struct host host;
	hpasid_t id, out;
	char vm;

	host_create(&host);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_get(host.space, host.set, id) == 0);
	EXPECT(vsva_ioasid_free(host.set, id) == 0);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) == VSVA_IOASID_FREE_PENDING);
	EXPECT(vsva_ioasid_alloc(host.set, id.v, id.v, NULL, &out) == -ENOSPC);
	EXPECT(vsva_ioasid_get(host.space, host.set, id) == -ENOENT); /* it is going */
	printf("freed, but not yet free\n");
	vsva_ioasid_put(host.space, id);

	EXPECT(vsva_ioasid_set_alloc(host.space, &vm, 1, &another) == 0);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_get(host.space, another, id) == -EACCES); /* another owner's */
	vsva_ioasid_set_free(another);
	host_destroy(&host);
	return 0;
}
