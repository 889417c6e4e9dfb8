/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_map: anonymous memory for the process: zeroes that become present when they are touched, by
 * a CPU or by a device.
 */
#include "../native.h"

int main(void)
{
	const uint32_t rw = VSVA_PROT_READ | VSVA_PROT_WRITE;
	struct native native;
	uva_t chosen, wished;

	native_create(&native);
	EXPECT(vsva_mm_map(native.mm, uva(0), 4 * VSVA_PAGE_SIZE, rw, &chosen) == 0);
	EXPECT(vsva_mm_map(native.mm, uva(0x10000), VSVA_PAGE_SIZE, VSVA_PROT_READ, &wished) == 0);
	EXPECT(wished.v == 0x10000);
	EXPECT(vsva_mm_page_count(native.mm) == 0); /* nothing has been touched */
	EXPECT(native_read(&native, chosen) == 0 && vsva_mm_page_count(native.mm) == 1);
	printf("4 pages at %#" PRIx64 ", of which 1 is present\n", chosen.v);

	EXPECT(vsva_mm_write(native.mm, wished, "x", 1) == -EFAULT); /* for reading only */
	EXPECT(vsva_mm_map(native.mm, wished, VSVA_PAGE_SIZE, rw, &chosen) == -EEXIST);
	EXPECT(vsva_mm_map(native.mm, uva(1), VSVA_PAGE_SIZE, rw, &chosen) == -EINVAL);
	EXPECT(vsva_mm_map(native.mm, uva(0), VSVA_PAGE_SIZE, VSVA_PROT_WRITE, &chosen) == -EINVAL);
	native_destroy(&native);
	return 0;
}
