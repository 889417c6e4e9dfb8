/* SPDX-License-Identifier: MIT */
/*
 * vsva_dev_rid: the requester id behind the driver's handle of a device, for a message about it.
 */
#include "../host.h"

static void unit_fault(void *arg, struct vsva_dev *dev, const struct vsva_unit_fault *fault)
{
	printf("%04x: fault reason %#x\n", vsva_dev_rid(dev).v, fault->code);
	*(uint16_t *)arg = vsva_dev_rid(dev).v;
}

static int no_handler(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)arg;
	(void)dev;
	(void)fault;
	return -ENOTSUP;
}

int main(void)
{
	struct host host;
	uint16_t who = 0;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_dev_rid(host.dev).v == vsva_device_rid(host.engine).v);
	EXPECT(vsva_dev_register_fault_handler(host.dev, no_handler, unit_fault, &who) == 0);
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_MEMORY, 7));
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(who == vsva_device_rid(host.engine).v);
	host_destroy(&host);
	return 0;
}
