/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_unmap: memory goes away under a device that uses it: when this has returned there is no
 * access, of a CPU or of a device.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;
	uint64_t value;
	uint32_t pasid;

	native_create(&native);
	bond = native_bind(&native);
	pasid = vsva_sva_pasid(bond).v;
	EXPECT(engine_run(native.host.engine, NATIVE_WRITE, pasid, native.memory.v, 7));

	EXPECT(vsva_mm_unmap(native.mm, native.memory, VSVA_PAGE_SIZE) == 0);
	EXPECT(!engine_run(native.host.engine, NATIVE_WRITE, pasid, native.memory.v, 8));
	EXPECT(vsva_mm_read(native.mm, native.memory, &value, sizeof(value)) == -EFAULT);
	EXPECT(vsva_mm_page_count(native.mm) == 0);
	printf("unmapped, for the device too\n");

	EXPECT(vsva_mm_unmap(native.mm, native.memory, VSVA_PAGE_SIZE) == 0); /* nothing is there */
	EXPECT(vsva_mm_unmap(native.mm, uva(1), VSVA_PAGE_SIZE) == -EINVAL);
	EXPECT(vsva_sva_unbind(bond) == 0);
	native_destroy(&native);
	return 0;
}
