/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_page_count: how many pages of an address space are present: those that were touched, by a
 * CPU or by a device.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;

	native_create(&native);
	bond = native_bind(&native);
	EXPECT(vsva_mm_page_count(native.mm) == 0);
	EXPECT(engine_run(native.host.engine, NATIVE_WRITE, vsva_sva_pasid(bond).v, native.memory.v,
			  7));
	EXPECT(vsva_mm_page_count(native.mm) == 1);
	EXPECT(vsva_mm_write(native.mm, native_map(&native), "x", 1) == 0);
	EXPECT(vsva_mm_page_count(native.mm) == 2);
	printf("one by a device, one by a CPU\n");
	EXPECT(vsva_sva_unbind(bond) == 0);
	native_destroy(&native);
	return 0;
}
