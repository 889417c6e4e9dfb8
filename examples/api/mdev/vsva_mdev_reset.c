/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_reset: the guest resets its device, and not its neighbours': registers as after power-on,
 * and its work has ended.
 */
#include "../shared.h"

#define GENSTS 0x90u

int main(void)
{
	struct shared shared;
	uint64_t state;

	shared_create(&shared);
	shared_open(&shared);
	shared_start(&shared);
	EXPECT(vsva_mdev_read(shared.mdev, 0, GENSTS, 4, &state) == 0 && (state & 3) == 1);
	vsva_mdev_reset(shared.mdev);
	EXPECT(vsva_mdev_read(shared.mdev, 0, GENSTS, 4, &state) == 0);
	printf("state: %s\n", state & 3 ? "enabled" : "disabled");
	EXPECT((state & 3) == 0 && vsva_mdev_enabled(shared.mdev) == 0);
	EXPECT(shared_copy(&shared, 7) != 0 && shared_result(&shared) == 0);
	shared_close(&shared);
	shared_destroy(&shared);
	return 0;
}
