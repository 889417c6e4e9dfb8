/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_clause: where the specification defines a register or an entry, for whoever wants to
 * read on.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *capabilities = vsva_layout_find("CAP");

	EXPECT(capabilities);
	EXPECT(!strcmp(vsva_layout_clause(capabilities), "11.4.2"));
	printf("CAP: see VT-d %s\n", vsva_layout_clause(capabilities));
	return 0;
}
