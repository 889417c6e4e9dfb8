/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_find: a layout by its name, as the start of every description: which fields does a
 * PASID-table entry have?
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout = vsva_layout_find("pasid_entry");

	EXPECT(layout);
	EXPECT(!strcmp(vsva_layout_name(layout), "pasid_entry"));
	printf("pasid_entry: %s, VT-d %s, %u words\n", vsva_layout_text(layout),
	       vsva_layout_clause(layout), vsva_layout_words(layout));

	EXPECT(!vsva_layout_find("paid_entry"));
	return 0;
}
