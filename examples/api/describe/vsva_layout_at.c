/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_at: all layouts one after the other, for a tool that lists what it can decode.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout;
	size_t count = 0;

	for (; (layout = vsva_layout_at(count)) != NULL; count++) {
		printf("%-20s %s\n", vsva_layout_name(layout), vsva_layout_text(layout));
		EXPECT(vsva_layout_find(vsva_layout_name(layout)) == layout);
	}
	EXPECT(count > 40);
	return 0;
}
