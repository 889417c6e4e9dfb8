/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_set_irq: who hears a device's interrupts, from now on. The test engine raises vector 0
 * when a command with that wish is done.
 */
#include "../host.h"

static void on_interrupt(void *arg, unsigned vector)
{
	printf("interrupt: vector %u\n", vector);
	++*(unsigned *)arg;
}

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_INTERRUPT;
	unsigned count = 0;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	vsva_device_set_irq(host.engine, on_interrupt, &count);
	EXPECT(engine_run(host.engine, command, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(count == 1);

	vsva_device_set_irq(host.engine, NULL, NULL); /* when it returns `count` may go */
	EXPECT(engine_run(host.engine, command, WITHOUT_PASID, HOST_PAGE, 8));
	EXPECT(count == 1);
	host_destroy(&host);
	return 0;
}
