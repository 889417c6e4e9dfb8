/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_vm: a VM of the server, for what vsva/vm.h can do with it: what has its guest bound?
 */
#include "../service.h"

int main(void)
{
	struct vsva_vm_stats stats;
	struct service service;
	struct vsva_vm *vm;

	service_create(&service);
	vm = vsva_server_vm(service.server, 0);
	EXPECT(vm);
	vsva_vm_get_stats(vm, &stats);
	printf("VM %" PRIu32 ": %" PRIu64 " bound\n", vsva_vm_number(vm), stats.bound_now);
	EXPECT(stats.bound_now == 0);
	EXPECT(!vsva_server_vm(service.server, 7));
	service_destroy(&service);
	return 0;
}
