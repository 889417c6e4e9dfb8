/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_space: the space that a set belongs to, for a function that was given a set and
 * wants to take a reference, which is the space's to give.
 */
#include "../host.h"

static int keep(struct vsva_ioasid_set *set, hpasid_t id)
{
	return vsva_ioasid_get(vsva_ioasid_set_space(set), set, id);
}

int main(void)
{
	uint32_t references;
	struct host host;
	hpasid_t id;

	host_create(&host);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_set_space(host.set) == host.space);
	EXPECT(keep(host.set, id) == 0);
	vsva_ioasid_state_of(host.space, id, &references);
	printf("references: %" PRIu32 "\n", references);
	EXPECT(references == 2);
	vsva_ioasid_put(host.space, id);
	host_destroy(&host);
	return 0;
}
