/* SPDX-License-Identifier: MIT */
/*
 * vsva_server_vm_directory: where the sockets of a VM are.
 */
#include "../service.h"

int main(void)
{
	struct service service;
	const char *directory;
	struct stat file;

	service_create(&service);
	directory = vsva_server_vm_directory(service.server, 0);
	printf("%s\n", directory);
	EXPECT(directory && stat(directory, &file) == 0 && S_ISDIR(file.st_mode));
	EXPECT(!strncmp(directory, service.directory, strlen(service.directory)));
	service_destroy(&service);
	return 0;
}
