/* SPDX-License-Identifier: MIT */
/*
 * vsva_dev_unregister_fault_handler: the handler hears nothing more and is not running; what was
 * asked and not answered is answered "invalid", so that no device waits for ever.
 */
#include "../host.h"

static int hear(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)dev;
	*(unsigned *)arg += fault->type == VSVA_FAULT_PAGE_REQ;
	return 0; /* will answer. It never does */
}

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_ATS | ENGINE_WITH_PAGE_REQUESTS;
	unsigned heard = 0;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_dev_register_fault_handler(host.dev, hear, NULL, &heard) == 0);
	id = host_bind(&host);
	EXPECT(!engine_run(host.engine, command, id.v, HOST_ABSENT, 7));
	EXPECT(heard == 1 && engine_status(host.engine) == ENGINE_BUSY); /* waits */

	EXPECT(vsva_dev_unregister_fault_handler(host.dev) == 0);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(engine_status(host.engine) == ENGINE_FAULT);
	EXPECT(!engine_run(host.engine, command, id.v, HOST_ABSENT, 7) && heard == 1);
	printf("the device was answered, and the handler hears nothing\n");
	EXPECT(vsva_dev_unregister_fault_handler(host.dev) == -ENOENT);
	host_destroy(&host);
	return 0;
}
