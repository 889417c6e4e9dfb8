/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_token: who owns a set: the pointer that it was allocated with, so that a subscriber
 * finds its own record of the owner again.
 */
#include "../host.h"

struct guest_record {
	const char *name;
};

int main(void)
{
	struct guest_record web = {"web server"};
	const struct guest_record *owner;
	struct vsva_ioasid_set *set;
	struct host host;

	host_create(&host);
	EXPECT(vsva_ioasid_set_alloc(host.space, &web, 4, &set) == 0);
	owner = vsva_ioasid_set_token(set);
	EXPECT(owner == &web);
	printf("the set is the %s's\n", owner->name);
	vsva_ioasid_set_free(set);
	host_destroy(&host);
	return 0;
}
