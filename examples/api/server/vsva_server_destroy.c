/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_destroy: the server's VMs and devices go, and its sockets. What else is in its directory
 * stays.
 */
#include "../service.h"

int main(void)
{
	struct vsva_device_info device;
	struct service service;
	struct vsva_vm_info vm;

	service_create(&service);
	EXPECT(vsva_server_start(service.server) == 0);
	EXPECT(vsva_inspect_vms(service.machine, 0, &vm, 1) == 1);
	vsva_server_stop(service.server);
	vsva_server_destroy(service.server);
	EXPECT(vsva_inspect_vms(service.machine, 0, &vm, 1) == 0);
	EXPECT(vsva_inspect_devices(service.machine, rid(0), &device, 1) == 0);
	EXPECT(service_connect(&service) == -1);
	printf("no VM is left, and no device\n");
	vsva_machine_destroy(service.machine);
	service_remove_directory(&service);
	return 0;
}
