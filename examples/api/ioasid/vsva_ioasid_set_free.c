/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_free: an owner goes, with all its ids, bound or not. Its quota comes back at once,
 * or when the last one who holds a reference has let go.
 */
#include "../host.h"

int main(void)
{
	struct vsva_ioasid_set *set;
	struct host host;
	uint32_t available;
	hpasid_t id;
	char vm;

	host_create(&host);
	available = vsva_ioasid_space_available(host.space);
	EXPECT(vsva_ioasid_set_alloc(host.space, &vm, 100, &set) == 0);
	EXPECT(vsva_ioasid_alloc(set, 1, VSVA_PASID_MAX, NULL, &id) == 0);
	EXPECT(vsva_ioasid_get(host.space, set, id) == 0); /* a device has the number, say */

	vsva_ioasid_set_free(set);
	EXPECT(vsva_ioasid_find(host.space, NULL, id, NULL) == -ENOENT);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(vsva_ioasid_space_available(host.space) == available - 100);

	vsva_ioasid_put(host.space, id);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(vsva_ioasid_space_available(host.space) == available);
	printf("the quota is back with the last reference\n");
	host_destroy(&host);
	return 0;
}
