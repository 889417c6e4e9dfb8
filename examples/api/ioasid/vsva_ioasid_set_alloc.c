/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_alloc: an owner gets a set of PASIDs with a quota. The owner is known by a pointer
 * of its own; the quotas of all owners are taken from one space.
 */
#include "../host.h"

int main(void)
{
	struct vsva_ioasid_set *first, *second;
	char vm1, vm2; /* the tokens: only their addresses count */
	struct host host;
	uint32_t available;

	host_create(&host);
	available = vsva_ioasid_space_available(host.space);
	EXPECT(vsva_ioasid_set_alloc(host.space, &vm1, 100, &first) == 0);
	EXPECT(vsva_ioasid_set_alloc(host.space, &vm2, 50, &second) == 0);
	EXPECT(vsva_ioasid_space_available(host.space) == available - 150);
	printf("%" PRIu32 " ids for VM 1, %" PRIu32 " for VM 2\n", vsva_ioasid_set_quota(first),
	       vsva_ioasid_set_quota(second));

	EXPECT(vsva_ioasid_set_alloc(host.space, &vm1, 1, &first) == -EEXIST); /* it has one */
	EXPECT(vsva_ioasid_set_alloc(host.space, &host, 0, &first) == -EINVAL);
	EXPECT(vsva_ioasid_set_alloc(host.space, &available, VSVA_PASID_MAX, &first) == -ENOSPC);
	vsva_ioasid_set_free(second);
	vsva_ioasid_set_free(first);
	host_destroy(&host);
	return 0;
}
