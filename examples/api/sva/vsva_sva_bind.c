/* SPDX-License-Identifier: MIT */
/*
 * vsva_sva_bind: a process of the host gives its address space to a device, which then works by the
 * process' own pointers; pages that it needs are faulted in by the host.
 */
#include "../native.h"

int main(void)
{
	struct vsva_sva *bond, *again;
	struct native native;

	native_create(&native);
	EXPECT(vsva_sva_bind(native.host.dev, native.mm, 0, NULL, NULL, &bond) == 0);
	EXPECT(engine_run(native.host.engine, NATIVE_WRITE, vsva_sva_pasid(bond).v, native.memory.v,
			  7));
	EXPECT(native_read(&native, native.memory) == 7);
	printf("the device wrote %" PRIu64 " at the process' %#" PRIx64 "\n",
	       native_read(&native, native.memory), native.memory.v);

	EXPECT(vsva_sva_bind(native.host.dev, native.mm, 0, NULL, NULL, &again) == 0);
	EXPECT(again == bond); /* one user more */
	EXPECT(vsva_sva_unbind(again) == 0);
	EXPECT(vsva_sva_bind(native.host.dev, native.mm, VSVA_SVA_PRIVATE_PASID, NULL, NULL,
			     &again) == -EINVAL);
	EXPECT(vsva_sva_unbind(bond) == 0);
	vsva_mm_exit(native.mm);
	EXPECT(vsva_sva_bind(native.host.dev, native.mm, 0, NULL, NULL, &bond) == -ESRCH);
	native_destroy(&native);
	return 0;
}
