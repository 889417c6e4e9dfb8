/* SPDX-License-Identifier: MIT */
/*
 * vsva_code_name: the short name of a code, for a log of one's own that `vsva explain` can expand.
 */
#include <vsva/codes.h>

#include "../example.h"

int main(void)
{
	EXPECT(!strcmp(vsva_code_name(VSVA_CODE_QUOTA_REACHED), "QUOTA_REACHED"));
	printf("my VMM: no PASID for this guest [%s]\n", vsva_code_name(VSVA_CODE_QUOTA_REACHED));

	/* Never NULL: a number that is no code can be printed too. */
	EXPECT(!strcmp(vsva_code_name(VSVA_CODE_END), "?"));
	return 0;
}
