/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_priority_name: the order in which subscribers hear of an id, in words.
 */
#include <vsva/ioasid.h>

#include "../example.h"

int main(void)
{
	for (int i = 0; i < VSVA_IOASID_PRIORITY_COUNT; i++)
		printf("%d: %s\n", i, vsva_ioasid_priority_name((enum vsva_ioasid_priority)i));
	/* What makes DMA stops before what translates it goes. */
	EXPECT(!strcmp(vsva_ioasid_priority_name(VSVA_IOASID_PRIORITY_CPU), "cpu"));
	EXPECT(!strcmp(vsva_ioasid_priority_name(VSVA_IOASID_PRIORITY_IOMMU), "iommu"));
	EXPECT(!strcmp(vsva_ioasid_priority_name(VSVA_IOASID_PRIORITY_COUNT), "?"));
	return 0;
}
