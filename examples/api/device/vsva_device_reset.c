/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_reset: a function-level reset: what the device was about to do is forgotten, and its
 * registers are as after power-on. When it has returned there is no access of the old work.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	uint64_t value;

	host_create(&host);
	host_add_device(&host);
	engine_start(host.engine, ENGINE_DO_FILL, WITHOUT_PASID, HOST_PAGE, 7); /* not yet done */
	vsva_device_reset(host.engine);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(*host_word(&host, HOST_PAGE) == 0);
	EXPECT(engine_status(host.engine) == ENGINE_IDLE);
	EXPECT(vsva_device_read(host.engine, 0, ENGINE_FILL, 8, &value) == 0 && value == 0);
	printf("the write has never been\n");

	/* Its configuration space stays, so it can go on. */
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 8));
	host_destroy(&host);
	return 0;
}
