/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_of_descriptor: what is in an invalidation queue: the type that stands in each
 * descriptor's first word chooses the layout that describes it.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const uint64_t queue[2][4] = {
		{0x7 | 1 << 4 | UINT64_C(5) << 16 | UINT64_C(42) << 32}, /* PASID 42, domain 5 */
		{0x5 | 1 << 5 | UINT64_C(1) << 32, 0x8000}, /* wait: write 1 to 0x8000 */
	};
	const uint64_t unknown[4] = {0xf};
	char line[256];

	for (int i = 0; i < 2; i++) {
		const struct vsva_layout *layout = vsva_layout_of_descriptor(queue[i]);

		vsva_describe_line(layout, queue[i], line, sizeof(line));
		printf("%-18s %s\n", vsva_layout_name(layout), line);
		EXPECT(!strcmp(vsva_layout_name(layout), i ? "desc_wait" : "desc_pasid_cache"));
	}
	/* Of a type that does not exist there is only the type to be said. */
	EXPECT(!strcmp(vsva_layout_name(vsva_layout_of_descriptor(unknown)), "desc"));
	return 0;
}
