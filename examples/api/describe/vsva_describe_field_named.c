/* SPDX-License-Identifier: MIT */
/*
 * vsva_describe_field_named: one field of an entry by its name, without knowing where it lies: the
 * domain id of a PASID-table entry.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout = vsva_layout_find("pasid_entry");
	const uint64_t words[8] = {0x1, 0x5};
	struct vsva_field did;

	EXPECT(layout);
	EXPECT(vsva_describe_field_named(layout, words, "DID", &did) == 0);
	printf("DID (bits %u:%u) = %" PRIu64 "\n", did.hi, did.lo, did.value);
	EXPECT(did.value == 5 && did.lo == 64); /* counted through all words */

	EXPECT(vsva_describe_field_named(layout, words, "DIY", &did) == -ENOENT);
	return 0;
}
