/* SPDX-License-Identifier: MIT */
/*
 * vsva_sva_unbind: the process takes its address space back: when this has returned the device has no
 * access to it.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;
	hpasid_t pasid;

	native_create(&native);
	bond = native_bind(&native);
	pasid = vsva_sva_pasid(bond);
	EXPECT(engine_run(native.host.engine, NATIVE_WRITE, pasid.v, native.memory.v, 7));
	EXPECT(vsva_sva_unbind(bond) == 0);
	EXPECT(!engine_run(native.host.engine, NATIVE_WRITE, pasid.v, native.memory.v, 8));
	EXPECT(native_read(&native, native.memory) == 7);
	EXPECT(vsva_ioasid_state_of(native.host.space, pasid, NULL) == VSVA_IOASID_FREE);
	printf("unbound: the device is refused, its number is free\n");
	EXPECT(vsva_sva_unbind(NULL) == 0);
	native_destroy(&native);
	return 0;
}
