/* SPDX-License-Identifier: MIT */
/*
 * vsva_code_info: what a code stands for: the cause that a walk found becomes a sentence for
 * somebody who wants to know what to do.
 */
#include <vsva/codes.h>

#include "../example.h"

int main(void)
{
	const struct vsva_code_info *info = vsva_code_info(VSVA_CODE_PE_ABSENT);

	EXPECT(info && info->code == VSVA_CODE_PE_ABSENT);
	printf("%s (%s): %s\nTo change it: %s.\n", info->name, info->clause, info->what,
	       info->change);

	/* What is no code has nothing to say. */
	EXPECT(!vsva_code_info(VSVA_CODE_NONE));
	EXPECT(!vsva_code_info(VSVA_CODE_END));
	return 0;
}
