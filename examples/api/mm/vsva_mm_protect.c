/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_protect: a page becomes read-only, and a device that may have written a moment ago may not
 * any more.
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
	EXPECT(engine_run(native.host.engine, NATIVE_WRITE, pasid, native.memory.v, 7));

	EXPECT(vsva_mm_protect(native.mm, native.memory, VSVA_PAGE_SIZE, VSVA_PROT_READ) == 0);
	EXPECT(!engine_run(native.host.engine, NATIVE_WRITE, pasid, native.memory.v, 8));
	EXPECT(engine_read(native.host.engine, pasid, native.memory.v));
	EXPECT(native_read(&native, native.memory) == 7);
	printf("read-only, for the device too\n");

	EXPECT(vsva_mm_protect(native.mm, uva(0x10000), VSVA_PAGE_SIZE, VSVA_PROT_READ) == -ENOMEM);
	EXPECT(vsva_sva_unbind(bond) == 0);
	native_destroy(&native);
	return 0;
}
