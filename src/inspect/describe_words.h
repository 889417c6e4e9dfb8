/* SPDX-License-Identifier: MIT */
/* The words for layouts and fields: clause, purpose. */
#ifndef INSPECT_DESCRIBE_WORDS_H
#define INSPECT_DESCRIBE_WORDS_H

#include "vtd/layout.h"

struct layout_words {
	const struct vtd_layout *layout;
	const char *clause;
	const char *text;
};

/* NULL: none. */
const struct layout_words *words_of_layout(const struct vtd_layout *layout);
const char *words_of_field(const struct vtd_layout *layout, const char *field);
/* What a value means, where print.h has no name for it. */
const char *words_of_value(const struct vtd_layout *layout, const char *field, uint64_t value);

#endif
