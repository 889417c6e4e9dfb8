/* SPDX-License-Identifier: MIT */
/*
 * vsva_describe_field: an entry field by field, with what its values mean: a PASID-table entry that
 * somebody found in memory.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const struct vsva_layout *layout = vsva_layout_find("pasid_entry");
	const uint64_t words[8] = {0x2000 | 0x3 << 6 | 0x1, 0x5}; /* nested, present; domain 5 */
	bool is_nested = false;
	struct vsva_field field;

	EXPECT(layout);
	for (size_t i = 0; i < vsva_layout_fields(layout); i++) {
		EXPECT(vsva_describe_field(layout, words, i, &field) == 0);
		if (!field.value)
			continue;
		printf("%-10s %#8" PRIx64 " %s\n", field.name, field.value,
		       field.meaning ? field.meaning : "");
		if (!strcmp(field.name, "PGTT"))
			is_nested = field.value == 3 && !strcmp(field.meaning, "nested");
	}
	EXPECT(is_nested);
	EXPECT(vsva_describe_field(layout, words, 1000, &field) == -EINVAL);
	return 0;
}
