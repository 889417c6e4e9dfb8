/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_write: the process writes to its memory, as its CPU would: pages are faulted in, and a
 * device that has the address space sees it.
 */
#include "../native.h"

int main(void)
{
	static const char text[] = "across two pages";
	char copy[sizeof(text)] = "";
	struct native native;
	uva_t two, at;

	native_create(&native);
	EXPECT(vsva_mm_map(native.mm, uva(0), 2 * VSVA_PAGE_SIZE, VSVA_PROT_READ | VSVA_PROT_WRITE,
			   &two) == 0);
	at = uva(two.v + VSVA_PAGE_SIZE - 8);
	EXPECT(vsva_mm_write(native.mm, at, text, sizeof(text)) == 0);
	EXPECT(vsva_mm_page_count(native.mm) == 2);
	EXPECT(vsva_mm_read(native.mm, at, copy, sizeof(copy)) == 0 && !strcmp(copy, text));
	printf("\"%s\" at %#" PRIx64 "\n", copy, at.v);

	EXPECT(vsva_mm_write(native.mm, uva(0x10000), text, sizeof(text)) == -EFAULT);
	native_destroy(&native);
	return 0;
}
