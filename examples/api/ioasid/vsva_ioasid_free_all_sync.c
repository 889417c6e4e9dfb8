/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_free_all_sync: all PASIDs of an owner, and waits until none is pending: also those that
 * were freed before and not waited for.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t freed, bound;

	host_create(&host);
	host_add_device(&host);
	freed = host_alloc(&host);
	EXPECT(vsva_ioasid_free(host.set, freed) == 0);
	bound = host_bind(&host);

	EXPECT(vsva_ioasid_free_all_sync(host.set) == 0);
	EXPECT(vsva_ioasid_set_count(host.set) == 0);
	EXPECT(vsva_ioasid_state_of(host.space, freed, NULL) == VSVA_IOASID_FREE);
	EXPECT(vsva_ioasid_state_of(host.space, bound, NULL) == VSVA_IOASID_FREE);
	EXPECT(!engine_write(host.engine, bound.v, HOST_GVA, 7));
	printf("none is left, and nobody has access\n");
	host_destroy(&host);
	return 0;
}
