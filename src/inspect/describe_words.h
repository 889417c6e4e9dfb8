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
/* NULL: the name says it. */
const char *words_of_field(const struct vtd_layout *layout, const char *field);

#endif
