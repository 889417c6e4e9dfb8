/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_create: VMs for stock QEMUs, each a directory with a socket for each PCI function and the
 * DMAR table for its firmware. Nobody is answered before the server is started.
 */
#include "../service.h"

int main(void)
{
	const struct vsva_server_options nowhere = {.socket_dir = "/proc/no/such/place"};
	const struct vsva_server_options too_many = {.socket_dir = "/tmp", .accelerators = 99};
	struct vsva_server_options here = {0};
	struct vsva_machine *without_threads;
	struct vsva_server *server;
	struct service service;
	struct stat file;
	char path[64];

	service_create(&service);
	snprintf(path, sizeof(path), "%s/vm0/dmar.bin", service.directory);
	EXPECT(stat(path, &file) == 0 && file.st_size > 0);
	printf("DMAR table of %ld bytes\n", (long)file.st_size);

	EXPECT(vsva_server_create(service.machine, &too_many, &server) == -EINVAL);
	EXPECT(vsva_server_create(service.machine, &nowhere, &server) == -ENOENT);
	EXPECT(vsva_machine_create(NULL, &without_threads) == 0);
	here.socket_dir = service.directory;
	EXPECT(vsva_server_create(without_threads, &here, &server) == -EINVAL);
	vsva_machine_destroy(without_threads);
	service_destroy(&service);
	return 0;
}
