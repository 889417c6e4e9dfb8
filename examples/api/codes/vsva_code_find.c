/* SPDX-License-Identifier: MIT */
/*
 * vsva_code_find: the code that a message of the library ends with, "[PE_ABSENT]", as a user types
 * it: with or without brackets, in any letter case.
 */
#include <vsva/codes.h>

#include "../example.h"

int main(void)
{
	const char *const typed[] = {"PE_ABSENT", "pe_absent", "[PE_ABSENT]"};

	for (size_t i = 0; i < 3; i++) {
		const struct vsva_code_info *info = vsva_code_find(typed[i]);

		EXPECT(info && info->code == VSVA_CODE_PE_ABSENT);
		printf("%s: %s\n", typed[i], info->what);
	}
	EXPECT(!vsva_code_find("PE_LUCK"));
	return 0;
}
