/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_machine: the machine in which a device is plugged, for a function that is given the
 * device only, and has to wait for it.
 */
#include "../host.h"

static void write_and_wait(struct vsva_device *engine)
{
	engine_start(engine, ENGINE_DO_FILL, WITHOUT_PASID, HOST_PAGE, 7);
	vsva_machine_run_idle(vsva_device_machine(engine), 1000);
}

int main(void)
{
	struct host host;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_device_machine(host.engine) == host.machine);
	write_and_wait(host.engine);
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("the device wrote %" PRIu64 "\n", *host_word(&host, HOST_PAGE));
	host_destroy(&host);
	return 0;
}
