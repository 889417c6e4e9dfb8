/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_is_dead: has the process exited? For a driver that still has a reference.
 */
#include "../native.h"

int main(void)
{
	struct native native;
	uva_t out;

	native_create(&native);
	EXPECT(!vsva_mm_is_dead(native.mm));
	vsva_mm_exit(native.mm);
	EXPECT(vsva_mm_is_dead(native.mm));
	EXPECT(vsva_mm_map(native.mm, uva(0), VSVA_PAGE_SIZE, VSVA_PROT_READ, &out) == -ESRCH);
	printf("dead\n");
	native_destroy(&native);
	return 0;
}
