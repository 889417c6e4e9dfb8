/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_vectors: its MSI-X vectors: 0 for commands and errors, 1 for completions.
 */
#include "../shared.h"

int main(void)
{
	struct shared shared;

	shared_create(&shared);
	printf("%u vectors\n", vsva_mdev_vectors(shared.mdev));
	EXPECT(vsva_mdev_vectors(shared.mdev) == 2);
	shared_destroy(&shared);
	return 0;
}
