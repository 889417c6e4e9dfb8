/* SPDX-License-Identifier: MIT */
/*
 * vsva_cache_name: the unit's caches, in words.
 */
#include <vsva/inspect.h>

#include "../example.h"

int main(void)
{
	for (int i = 0; i < VSVA_CACHE_COUNT; i++)
		printf("%s\n", vsva_cache_name((enum vsva_cache)i));
	EXPECT(!strcmp(vsva_cache_name(VSVA_CACHE_IOTLB), "iotlb"));
	EXPECT(!strcmp(vsva_cache_name(VSVA_CACHE_COUNT), "?"));
	return 0;
}
