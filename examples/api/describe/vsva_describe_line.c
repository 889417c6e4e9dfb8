/* SPDX-License-Identifier: MIT */
/*
 * vsva_describe_line: a whole entry on one line, without the fields that are zero: what a log or a
 * debugger shows of it.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout = vsva_layout_find("pasid_entry");
	const uint64_t words[8] = {0x2000 | 0x3 << 6 | 0x1, 0x5};
	char line[256], little[8];
	int len;

	EXPECT(layout);
	len = vsva_describe_line(layout, words, line, sizeof(line));
	printf("%s\n", line);
	EXPECT(len == (int)strlen(line) && strstr(line, "PGTT=nested(3)"));

	/* As with snprintf: cut to what there is room for, and the whole length is told. */
	EXPECT(vsva_describe_line(layout, words, little, sizeof(little)) == len);
	EXPECT(strlen(little) == sizeof(little) - 1);
	return 0;
}
