/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_alloc: a PASID from an owner's set, in a range that the device or the interface can
 * carry, within the owner's quota.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id;

	host_create(&host);
	EXPECT(vsva_ioasid_alloc(host.set, 0x1000, 0x1fff, NULL, &id) == 0);
	printf("allocated %#" PRIx32 "\n", id.v);
	EXPECT(id.v >= 0x1000 && id.v <= 0x1fff);
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) == VSVA_IOASID_IDLE);

	EXPECT(vsva_ioasid_alloc(host.set, id.v, id.v, NULL, &id) == -ENOSPC); /* it is out */
	EXPECT(id.v == VSVA_PASID_INVALID);
	EXPECT(vsva_ioasid_alloc(host.set, 5, 4, NULL, &id) == -EINVAL);
	for (unsigned i = 1; i < HOST_QUOTA; i++)
		EXPECT(vsva_ioasid_alloc(host.set, 1, VSVA_PASID_MAX, NULL, &id) == 0);
	EXPECT(vsva_ioasid_alloc(host.set, 1, VSVA_PASID_MAX, NULL, &id) == -EDQUOT);
	host_destroy(&host);
	return 0;
}
