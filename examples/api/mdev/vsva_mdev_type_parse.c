/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_type_parse: a type of mediated device from a command line: "1dwq", a dedicated queue, or
 * "1swq", a shared one.
 */
#include "../shared.h"

int main(void)
{
	enum vsva_mdev_type type;
	struct vsva_mdev *mdev;
	struct shared shared;

	shared_create(&shared);
	EXPECT(vsva_mdev_type_parse("1swq", &type) == 0 && type == VSVA_MDEV_SHARED);
	EXPECT(vsva_mdev_create(shared.vdcm, type, &mdev) == 0);
	printf("a mediated device with a shared queue\n");
	EXPECT(vsva_mdev_destroy(mdev) == 0);
	EXPECT(vsva_mdev_type_parse("2swq", &type) == -EINVAL);
	shared_destroy(&shared);
	return 0;
}
