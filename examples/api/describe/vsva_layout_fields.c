/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_fields: how many fields an entry has, to go through them by index: which bits of a
 * global status register (GSTS) mean something?
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout = vsva_layout_find("GSTS");
	const uint64_t word = 0;
	struct vsva_field field;
	size_t count;

	EXPECT(layout);
	count = vsva_layout_fields(layout);
	EXPECT(count > 0);
	for (size_t i = 0; i < count; i++) {
		EXPECT(vsva_describe_field(layout, &word, i, &field) == 0);
		printf("bits %2u:%-2u %s\n", field.hi, field.lo, field.name);
	}
	EXPECT(vsva_describe_field(layout, &word, count, &field) == -EINVAL);
	return 0;
}
