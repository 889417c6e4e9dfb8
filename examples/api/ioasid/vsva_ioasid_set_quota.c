/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_quota: how many ids a set may have: a VMM tells its guest before the guest finds
 * out by -EDQUOT.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	uint32_t left;
	hpasid_t id;

	host_create(&host);
	host_alloc(&host);
	left = vsva_ioasid_set_quota(host.set) - vsva_ioasid_set_count(host.set);
	printf("%" PRIu32 " PASIDs left\n", left);
	EXPECT(vsva_ioasid_set_quota(host.set) == HOST_QUOTA && left == HOST_QUOTA - 1);
	for (; left; left--)
		host_alloc(&host);
	EXPECT(vsva_ioasid_alloc(host.set, 1, VSVA_PASID_MAX, NULL, &id) == -EDQUOT);
	host_destroy(&host);
	return 0;
}
