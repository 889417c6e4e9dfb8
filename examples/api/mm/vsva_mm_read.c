/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_read: what the process reads from its memory: here what a device has put there.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;
	uint64_t value = 0;

	native_create(&native);
	bond = native_bind(&native);
	EXPECT(engine_run(native.host.engine, NATIVE_WRITE, vsva_sva_pasid(bond).v, native.memory.v,
			  7));
	EXPECT(vsva_mm_read(native.mm, native.memory, &value, sizeof(value)) == 0);
	printf("the process reads %" PRIu64 "\n", value);
	EXPECT(value == 7);

	EXPECT(vsva_mm_read(native.mm, uva(0x10000), &value, sizeof(value)) == -EFAULT);
	EXPECT(vsva_sva_unbind(bond) == 0);
	native_destroy(&native);
	return 0;
}
