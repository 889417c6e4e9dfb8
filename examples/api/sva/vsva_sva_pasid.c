/* SPDX-License-Identifier: MIT */
/*
 * vsva_sva_pasid: the number to program into the device, the same on every device that the process
 * uses; one of the host's own.
 */
#include <vsva/limits.h>

#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;

	native_create(&native);
	bond = native_bind(&native);
	printf("PASID %" PRIu32 "\n", vsva_sva_pasid(bond).v);
	EXPECT(vsva_sva_pasid(bond).v >= 1 && vsva_sva_pasid(bond).v < VSVA_LIMIT_FIRST_VM_PASID);
	EXPECT(engine_run(native.host.engine, NATIVE_WRITE, vsva_sva_pasid(bond).v, native.memory.v,
			  7));
	EXPECT(vsva_sva_unbind(bond) == 0);
	native_destroy(&native);
	return 0;
}
