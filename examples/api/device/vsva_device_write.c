/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_write: programs a device: the test engine's registers say what to write and where to,
 * and the write to its command register starts it.
 */
#include "../host.h"

int main(void)
{
	struct vsva_device *engine;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	engine = host.engine;
	EXPECT(vsva_device_write(engine, 0, ENGINE_DESTINATION, 8, HOST_PAGE) == 0);
	EXPECT(vsva_device_write(engine, 0, ENGINE_LENGTH, 4, 8) == 0);
	EXPECT(vsva_device_write(engine, 0, ENGINE_FILL, 8, 7) == 0);
	EXPECT(vsva_device_write(engine, 0, ENGINE_COMMAND, 4, ENGINE_DO_FILL) == 0);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("programmed by registers, the device wrote 7\n");

	EXPECT(vsva_device_write(engine, 0, 0x1000, 4, 0) == -EINVAL); /* outside BAR 0 */
	host_destroy(&host);
	return 0;
}
