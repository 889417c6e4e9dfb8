/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_name: what a layout is called, when it was not found by its name: here the one of a
 * descriptor in an invalidation queue.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const uint64_t wait[2] = {0x5};

	EXPECT(!strcmp(vsva_layout_name(vsva_layout_of_descriptor(wait)), "desc_wait"));
	printf("type 5 is %s\n", vsva_layout_name(vsva_layout_of_descriptor(wait)));
	return 0;
}
