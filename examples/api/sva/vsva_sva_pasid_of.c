/* SPDX-License-Identifier: MIT */
/*
 * vsva_sva_pasid_of: has an address space a PASID, and which? For whoever knows the process and not
 * its bindings.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;

	native_create(&native);
	EXPECT(vsva_sva_pasid_of(native.mm).v == VSVA_PASID_INVALID);
	bond = native_bind(&native);
	EXPECT(vsva_sva_pasid_of(native.mm).v == vsva_sva_pasid(bond).v);
	printf("the process has PASID %" PRIu32 "\n", vsva_sva_pasid_of(native.mm).v);
	EXPECT(vsva_sva_unbind(bond) == 0);
	EXPECT(vsva_sva_pasid_of(native.mm).v == VSVA_PASID_INVALID);
	native_destroy(&native);
	return 0;
}
