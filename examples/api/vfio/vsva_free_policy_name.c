/* SPDX-License-Identifier: MIT */
/*
 * vsva_free_policy_name: what becomes of a PASID that is freed while it is bound, in words.
 */
#include <vsva/vfio.h>

#include "../example.h"

int main(void)
{
	EXPECT(!strcmp(vsva_free_policy_name(VSVA_FREE_RECLAIMS), "reclaims"));
	EXPECT(!strcmp(vsva_free_policy_name(VSVA_FREE_UNBINDS_FIRST), "unbinds-first"));
	EXPECT(!strcmp(vsva_free_policy_name((enum vsva_free_policy)99), "?"));
	printf("by default a container %s\n", vsva_free_policy_name(VSVA_FREE_RECLAIMS));
	return 0;
}
