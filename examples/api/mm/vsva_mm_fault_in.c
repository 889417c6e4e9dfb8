/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_fault_in: makes a page present beforehand, so that a device without page requests can use
 * it.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;
	uint32_t pasid;

	native_create(&native);
	bond = native_bind(&native);
	pasid = vsva_sva_pasid(bond).v;
	EXPECT(!engine_write(native.host.engine, pasid, native.memory.v, 7)); /* asks for no page */

	EXPECT(vsva_mm_fault_in(native.mm, native.memory, true) == 0);
	EXPECT(engine_write(native.host.engine, pasid, native.memory.v, 7));
	EXPECT(native_read(&native, native.memory) == 7);
	printf("present, and the device wrote\n");

	EXPECT(vsva_mm_fault_in(native.mm, uva(0x10000), false) == -EFAULT);
	EXPECT(vsva_sva_unbind(bond) == 0);
	native_destroy(&native);
	return 0;
}
