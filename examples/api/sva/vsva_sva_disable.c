/* SPDX-License-Identifier: MIT */
/*
 * vsva_sva_disable: the driver goes, and gives the feature back: refused while a process still has the
 * device.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_sva *bond;

	native_create(&native); /* enables it */
	bond = native_bind(&native);
	EXPECT(vsva_sva_disable(native.host.dev) == -EBUSY);
	EXPECT(vsva_sva_unbind(bond) == 0);
	EXPECT(vsva_sva_disable(native.host.dev) == 0);
	printf("disabled\n");
	EXPECT(vsva_sva_disable(NULL) == -EINVAL);
	native_destroy(&native);
	return 0;
}
