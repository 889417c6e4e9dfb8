/* SPDX-License-Identifier: MIT */
/*
 * vsva_sva_set_policy: when the number of an address space goes back: with the last unbind, or, where
 * somebody may still have it in his hands, with the address space itself.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;
	hpasid_t pasid;

	native_create(&native);
	vsva_sva_set_policy(native.host.iommu, VSVA_SVA_FREE_LAZILY);
	bond = native_bind(&native);
	pasid = vsva_sva_pasid(bond);
	EXPECT(vsva_sva_unbind(bond) == 0);
	EXPECT(vsva_ioasid_state_of(native.host.space, pasid, NULL) == VSVA_IOASID_IDLE);
	printf("unbound, and PASID %" PRIu32 " is still the process'\n", pasid.v);

	bond = native_bind(&native); /* the same number again */
	EXPECT(vsva_sva_pasid(bond).v == pasid.v);
	EXPECT(vsva_sva_unbind(bond) == 0);
	native_destroy(&native);
	return 0;
}
