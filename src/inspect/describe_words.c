// SPDX-License-Identifier: MIT
#include "inspect/describe_words.h"

#include <string.h>

#include "vtd/descriptors.h"
#include "vtd/enqcmd.h"
#include "vtd/faults.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

/* w(layout, clause of VT-d 5.10, what it is) */
/* clang-format off */
#define LAYOUT_WORDS(w)                                                                            \
	w(vtd_root_entry, "9.1", "root-table entry, one per bus: where its two context tables are") \
	w(vtd_legacy_root, "9.1", "root-table entry in legacy mode: where the context table of the bus is") \
	w(vtd_legacy_context, "9.3", "context entry in legacy mode: how requests of a function are translated") \
	w(vtd_context_entry, "9.4", "scalable-mode context entry of a function: where its PASID directory is") \
	w(vtd_pasid_dir_entry, "9.5", "PASID-directory entry: where the table of 64 PASIDs is")     \
	w(vtd_pasid_entry, "9.6", "scalable-mode PASID-table entry: how requests of a PASID are translated") \
	w(vtd_FS_PTE, "9.7", "first-stage paging entry")                                            \
	w(vtd_SS_PTE, "9.8", "second-stage paging entry")
/* clang-format on */

#define AS_WORDS(p, section, line) {&p##_layout, section, line},
static const struct layout_words layout_words[] = {LAYOUT_WORDS(AS_WORDS)};

const struct layout_words *words_of_layout(const struct vtd_layout *layout)
{
	for (size_t i = 0; i < sizeof(layout_words) / sizeof(layout_words[0]); i++)
		if (layout_words[i].layout == layout)
			return &layout_words[i];
	return NULL;
}

const char *words_of_field(const struct vtd_layout *layout, const char *field)
{
	(void)layout;
	(void)field;
	return NULL;
}

const char *words_of_value(const struct vtd_layout *layout, const char *field, uint64_t value)
{
	(void)layout;
	(void)field;
	(void)value;
	return NULL;
}
