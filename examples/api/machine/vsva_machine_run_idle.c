/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_run_idle: everything that is under way comes to its end: here a write by a device. The
 * limit is for what never ends; without threads it is in pieces of work.
 */
#include "../host.h"

int main(void)
{
	struct host host;

	host_create(&host);
	host_add_device(&host);
	engine_start(host.engine, ENGINE_DO_FILL, WITHOUT_PASID, HOST_PAGE, 7);
	vsva_machine_run_idle(host.machine, 0); /* no piece at all */
	EXPECT(engine_status(host.engine) == ENGINE_BUSY);

	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(engine_status(host.engine) == ENGINE_DONE);
	EXPECT(!vsva_machine_step(host.machine)); /* there is nothing left */
	printf("idle; the device wrote %" PRIu64 "\n", *host_word(&host, HOST_PAGE));
	host_destroy(&host);
	return 0;
}
