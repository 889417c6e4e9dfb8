/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_reserved: the bits that must be zero. Software that wrote one of them gets a fault from
 * the unit; here it is found before.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout = vsva_layout_find("root_entry");
	const uint64_t entry[2] = {0x1000 | 0x1 | 0x4, 0}; /* present; bit 2 means nothing */
	uint64_t wrong;

	EXPECT(layout && vsva_layout_words(layout) == 2);
	wrong = entry[0] & vsva_layout_reserved(layout, 0);
	printf("reserved bits that are set in word 0: %#" PRIx64 "\n", wrong);
	EXPECT(wrong == 0x4);
	EXPECT((entry[1] & vsva_layout_reserved(layout, 1)) == 0);

	EXPECT(vsva_layout_reserved(layout, 2) == 0); /* there is no word 2 */
	return 0;
}
