/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_pull_devices: surprise removal: a VM's accelerators answer nothing from now on, in the
 * middle of whatever they do.
 */
#include "../service.h"

int main(void)
{
	struct vsva_device_info device;
	struct service service;

	service_create(&service);
	EXPECT(vsva_server_start(service.server) == 0);
	EXPECT(vsva_inspect_devices(service.machine, rid(0), &device, 1) == 1 && !device.is_gone);
	EXPECT(vsva_server_pull_devices(service.server, 0) == 0);
	EXPECT(vsva_inspect_devices(service.machine, rid(0), &device, 1) == 1 && device.is_gone);
	printf("%04x has been pulled out\n", device.rid.v);

	EXPECT(vsva_server_pull_devices(service.server, 0) == 0); /* they are gone */
	EXPECT(vsva_server_pull_devices(service.server, 7) == -ENOENT);
	vsva_server_stop(service.server);
	service_destroy(&service);
	return 0;
}
