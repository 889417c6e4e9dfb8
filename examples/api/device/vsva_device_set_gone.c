/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_set_gone: somebody pulls the device out: it reads as ones, does nothing, and answers no
 * invalidation, so that a driver can show how it bears that. Plugged in again it is as new.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	uint64_t value;

	host_create(&host);
	host_add_device(&host);
	engine_start(host.engine, ENGINE_DO_FILL, WITHOUT_PASID, HOST_PAGE, 7);
	vsva_device_set_gone(host.engine, true);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(vsva_device_read(host.engine, 0, ENGINE_STATUS, 4, &value) == 0);
	printf("status register of a device that is gone: %#" PRIx64 "\n", value);
	EXPECT((uint32_t)value == UINT32_MAX && *host_word(&host, HOST_PAGE) == 0);

	vsva_device_set_gone(host.engine, false);
	EXPECT(engine_status(host.engine) == ENGINE_IDLE);
	host_destroy(&host);
	return 0;
}
