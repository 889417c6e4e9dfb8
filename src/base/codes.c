// SPDX-License-Identifier: MIT
#include "vsva/codes.h"

#include <string.h>
#include <strings.h>

/* clang-format off */
static const struct vsva_code_info codes[] = {
#define INFO(code, clause, what, change) {VSVA_CODE_##code, #code, clause, what, change},
	VSVA_CODES(INFO)
};
/* clang-format on */

const struct vsva_code_info *vsva_code_info(enum vsva_code code)
{
	return code > VSVA_CODE_NONE && code < VSVA_CODE_END ? &codes[code - 1] : NULL;
}

const struct vsva_code_info *vsva_code_find(const char *name)
{
	size_t len;

	name += *name == '[';
	len = strcspn(name, "]");
	for (enum vsva_code code = 1; code < VSVA_CODE_END; code++) {
		const struct vsva_code_info *info = &codes[code - 1];

		if (strlen(info->name) == len && !strncasecmp(info->name, name, len))
			return info;
	}
	return NULL;
}

const char *vsva_code_name(enum vsva_code code)
{
	const struct vsva_code_info *info = vsva_code_info(code);

	return info ? info->name : "?";
}
