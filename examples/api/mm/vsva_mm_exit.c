/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_exit: the process dies while a device works for it: the device is cut off first, then the
 * memory goes. The PASID stays until the driver has taken it out of its device.
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
	EXPECT(native_read(&native, native.memory) == 7);

	vsva_mm_exit(native.mm);
	EXPECT(!engine_run(native.host.engine, NATIVE_WRITE, pasid.v, native.memory.v, 8));
	EXPECT(vsva_mm_page_count(native.mm) == 0);
	EXPECT(vsva_ioasid_state_of(native.host.space, pasid, NULL) != VSVA_IOASID_FREE);
	printf("the process is dead, and its device has no access\n");
	EXPECT(vsva_sva_unbind(bond) == 0);
	vsva_machine_run_idle(native.host.machine, 1000); /* the second phase of its free */
	EXPECT(vsva_ioasid_state_of(native.host.space, pasid, NULL) == VSVA_IOASID_FREE);
	native_destroy(&native);
	return 0;
}
