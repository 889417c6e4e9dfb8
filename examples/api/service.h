/* SPDX-License-Identifier: MIT */
/*
 * A vfio-user server for one VM, in a new directory below the current one: `service_create()`; `service_connect()` is
 * what a QEMU does first with one of its sockets.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <vsva/inspect.h>
#include <vsva/server.h>

#include "example.h"

struct service {
	char directory[32];
	struct vsva_machine *machine;
	struct vsva_server *server;
};

static inline void service_create(struct service *service)
{
	const struct vsva_machine_options threads = {.threads = true};
	const struct vsva_server_options options = {.socket_dir = service->directory};

	strcpy(service->directory, "vsva-example-XXXXXX");
	EXPECT(mkdtemp(service->directory));
	EXPECT(vsva_machine_create(&threads, &service->machine) == 0);
	EXPECT(vsva_server_create(service->machine, &options, &service->server) == 0);
}

/* A socket of a client that has agreed with the VM's IOMMU on a version, or -1. */
static inline int service_connect(const struct service *service)
{
	const struct {
		uint16_t id, command; /* 1: version */
		uint32_t size, flags, error;
		uint16_t major, minor;
		char capabilities[4];
	} version = {.command = 1, .size = sizeof(version), .minor = 1, .capabilities = "{ }"};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char reply[512];

	EXPECT(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/vm0/vtd.sock", service->directory);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    write(fd, &version, sizeof(version)) == sizeof(version) &&
	    read(fd, reply, sizeof(reply)) > 0)
		return fd;
	close(fd);
	return -1;
}

/* The sockets went with the server; the rest of the directory is ours to remove. */
static inline void service_remove_directory(const struct service *service)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/vm0/dmar.bin", service->directory);
	EXPECT(unlink(path) == 0);
	snprintf(path, sizeof(path), "%s/vm0", service->directory);
	EXPECT(rmdir(path) == 0);
	EXPECT(rmdir(service->directory) == 0);
}

static inline void service_destroy(struct service *service)
{
	vsva_server_destroy(service->server);
	vsva_machine_destroy(service->machine);
	service_remove_directory(service);
}

#endif
