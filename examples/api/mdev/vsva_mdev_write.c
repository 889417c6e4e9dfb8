/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_write: a guest programs its device: it configures the queue and enables it, and thereby
 * one queue of the hardware.
 */
#include "../shared.h"

#define CMDSTS 0xa8u

int main(void)
{
	struct shared shared;
	uint64_t status;

	shared_create(&shared);
	shared_open(&shared);
	EXPECT(shared_copy(&shared, 7) != 0); /* not enabled */
	shared_start(&shared);
	EXPECT(vsva_mdev_read(shared.mdev, 0, CMDSTS, 4, &status) == 0 && status == 0);
	EXPECT(shared_copy(&shared, 7) == 0 && shared_result(&shared) == 7);
	printf("the queue is enabled, and copies\n");

	EXPECT(vsva_mdev_write(shared.mdev, 0, 0xa0, 4, 6 << 20) == 0); /* enable it again */
	vsva_machine_run_idle(shared.host.machine, 10000);
	EXPECT(vsva_mdev_read(shared.mdev, 0, CMDSTS, 4, &status) == 0);
	EXPECT((status & 0xff) == 0x21); /* "queue enabled" */
	EXPECT(vsva_mdev_write(shared.mdev, 0, 0xa1, 4, 0) == -EINVAL);
	shared_close(&shared);
	shared_destroy(&shared);
	return 0;
}
