/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_get: a reference for whoever keeps a pointer to the address space: the process may be gone
 * before he is done with it.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	struct vsva_mm *kept;

	native_create(&native);
	kept = native.mm;
	vsva_mm_get(kept); /* a driver's */
	vsva_mm_put(kept); /* the process is done with it */
	EXPECT(!vsva_mm_is_dead(kept));
	EXPECT(vsva_mm_write(kept, native.memory, "x", 1) == 0);
	printf("the driver's reference keeps the address space\n");
	native_destroy(&native); /* puts the last one */
	return 0;
}
