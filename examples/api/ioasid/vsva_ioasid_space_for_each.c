/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_space_for_each: looks at all owners of a space: how full is each?
 */
#include "../host.h"

static void sum(void *arg, const struct vsva_ioasid_set *set)
{
	printf("owner %p: %" PRIu32 " of %" PRIu32 "\n", vsva_ioasid_set_token(set),
	       vsva_ioasid_set_count(set), vsva_ioasid_set_quota(set));
	*(uint32_t *)arg += vsva_ioasid_set_count(set);
}

int main(void)
{
	struct vsva_ioasid_set *another;
	uint32_t allocated = 0;
	struct host host;
	hpasid_t id;
	char vm;

	host_create(&host);
	EXPECT(vsva_ioasid_set_alloc(host.space, &vm, 4, &another) == 0);
	EXPECT(vsva_ioasid_alloc(another, 1, VSVA_PASID_MAX, NULL, &id) == 0);
	host_alloc(&host);
	host_alloc(&host);
	vsva_ioasid_space_for_each(host.space, sum, &allocated);
	EXPECT(allocated == 3);
	vsva_ioasid_set_free(another);
	host_destroy(&host);
	return 0;
}
