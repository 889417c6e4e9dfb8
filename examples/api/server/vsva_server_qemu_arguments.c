/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_qemu_arguments: what to start a stock QEMU with, but for memory size and kernel.
 */
#include "../service.h"

int main(void)
{
	struct service service;
	const char *arguments;

	service_create(&service);
	arguments = vsva_server_qemu_arguments(service.server, 0);
	EXPECT(arguments);
	printf("qemu-system-x86_64 %s\n", arguments);
	EXPECT(strstr(arguments, "vtd.sock") && strstr(arguments, "dmar.bin"));
	EXPECT(!vsva_server_qemu_arguments(service.server, 7)); /* no such VM */
	service_destroy(&service);
	return 0;
}
