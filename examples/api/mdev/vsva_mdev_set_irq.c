/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_set_irq: who hears the interrupts of a mediated device: vector 0 when a command is done, if
 * the command asks for that.
 */
#include "../shared.h"

#define CMD                   0xa0u
#define ENABLE_WITH_INTERRUPT (UINT32_C(1) << 31 | 1 << 20)

static void on_interrupt(void *arg, unsigned vector)
{
	printf("interrupt: vector %u\n", vector);
	EXPECT(vector == 0);
	++*(unsigned *)arg;
}

int main(void)
{
	struct shared shared;
	unsigned count = 0;

	shared_create(&shared);
	shared_open(&shared);
	vsva_mdev_set_irq(shared.mdev, on_interrupt, &count);
	EXPECT(vsva_mdev_config_write(shared.mdev, 0x04, 2, 0x6) == 0);
	shared_write(&shared, CMD, 4, ENABLE_WITH_INTERRUPT);
	EXPECT(count == 1);

	vsva_mdev_set_irq(shared.mdev, NULL, NULL); /* when it returns `count` may go */
	shared_write(&shared, CMD, 4, ENABLE_WITH_INTERRUPT);
	EXPECT(count == 1);
	shared_close(&shared);
	shared_destroy(&shared);
	return 0;
}
