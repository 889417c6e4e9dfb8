/* SPDX-License-Identifier: MIT */
/*
 * vsva_layout_words: how many 64-bit words an entry has, which is how many of them the functions
 * that describe it read.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout = vsva_layout_find("pasid_entry");
	uint64_t words[VSVA_LAYOUT_WORDS_MAX] = {0x1}; /* room for any layout */

	EXPECT(layout);
	EXPECT(vsva_layout_words(layout) == 8); /* 64 bytes */
	EXPECT(vsva_layout_words(vsva_layout_find("GSTS")) == 1);
	for (unsigned i = 0; i < vsva_layout_words(layout); i++)
		printf("word %u: %016" PRIx64 "\n", i, words[i]);
	return 0;
}
