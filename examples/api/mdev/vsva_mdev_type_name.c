/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_type_name: a type's name, for a list of what there is.
 */
#include <vsva/mdev.h>

#include "../example.h"

int main(void)
{
	EXPECT(!strcmp(vsva_mdev_type_name(VSVA_MDEV_DEDICATED), "1dwq"));
	EXPECT(!strcmp(vsva_mdev_type_name(VSVA_MDEV_SHARED), "1swq"));
	printf("%s, %s\n", vsva_mdev_type_name(VSVA_MDEV_DEDICATED),
	       vsva_mdev_type_name(VSVA_MDEV_SHARED));
	return 0;
}
