/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_text: a line on what an entry is, for the heading above its fields.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout;

	/* Never NULL, whatever the layout. */
	for (size_t i = 0; (layout = vsva_layout_at(i)) != NULL; i++)
		EXPECT(vsva_layout_text(layout));
	layout = vsva_layout_find("context_entry");
	EXPECT(layout && vsva_layout_text(layout)[0]);
	printf("context_entry: %s\n", vsva_layout_text(layout));
	return 0;
}
