/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_space_available: how many ids may still be promised to owners: asked before a VM is
 * started, it saves the -ENOSPC.
 */
#include "../host.h"

int main(void)
{
	struct vsva_ioasid_set *set;
	struct host host;
	uint32_t before;
	char vm;

	host_create(&host);
	before = vsva_ioasid_space_available(host.space);
	printf("%" PRIu32 " ids are not promised yet\n", before);
	EXPECT(before == VSVA_PASID_MAX - HOST_QUOTA);
	EXPECT(vsva_ioasid_set_alloc(host.space, &vm, before, &set) == 0); /* all of them */
	EXPECT(vsva_ioasid_space_available(host.space) == 0);
	vsva_ioasid_set_free(set);
	EXPECT(vsva_ioasid_space_available(host.space) == before);
	host_destroy(&host);
	return 0;
}
