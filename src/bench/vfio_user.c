/* SPDX-License-Identifier: MIT */
/* A register of the virtual unit, read by a VMM: our server on one end of the socket, a client that
 * knows no more than the protocol on the other, both on one core. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/method.h"
#include "vmm/server/wire.h"
#include "vsva/server.h"
#include "vtd/registers.h"

#define READS 40u

struct client {
	struct vsva_machine *machine;
	struct vsva_server *server;
	char directory[32];
	int socket;
};

struct read_message {
	struct vfu_header header;
	uint64_t offset;
	uint32_t region, count;
	uint32_t data; /* of the reply */
};
#define READ_LEN  (sizeof(struct vfu_header) + 16)
#define REPLY_LEN (READ_LEN + 4)

static bool move_all(int fd, void *bytes, size_t len, bool is_send)
{
	unsigned char *at = bytes;

	while (len) {
		ssize_t moved = is_send ? send(fd, at, len, MSG_NOSIGNAL) : recv(fd, at, len, 0);

		if (moved <= 0)
			return false;
		at += moved;
		len -= (size_t)moved;
	}
	return true;
}

static bool negotiate(int fd)
{
	struct {
		struct vfu_header header;
		struct vfu_wire_version version;
	} mine = {.header = {.id = 1, .command = VFU_VERSION, .size = sizeof(mine)}};
	unsigned char rest[4096];
	struct vfu_header reply;

	return move_all(fd, &mine, sizeof(mine), true) &&
	       move_all(fd, &reply, sizeof(reply), false) && !(reply.flags & VFU_FLAG_ERROR) &&
	       reply.size <= sizeof(reply) + sizeof(rest) &&
	       move_all(fd, rest, reply.size - sizeof(reply), false);
}

static int connect_to(struct client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/vm0/vtd.sock", client->directory);
	client->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->socket < 0 ||
	    connect(client->socket, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return negotiate(client->socket) ? 0 : -EPROTO;
}

static int open_client(struct bench_run *run)
{
	static const struct vsva_machine_options options = {.threads = true};
	struct vsva_server_options server = {.vms = 1};
	struct client *client = calloc(1, sizeof(*client));
	int err;

	run->state = client;
	if (!client)
		return -ENOMEM;
	client->socket = -1;
	strcpy(client->directory, "/tmp/vsva-bench-XXXXXX");
	if (!mkdtemp(client->directory))
		return -errno;
	server.socket_dir = client->directory;
	err = vsva_machine_create(&options, &client->machine);
	if (!err)
		err = vsva_server_create(client->machine, &server, &client->server);
	if (!err)
		err = vsva_server_start(client->server);
	return err ? err : connect_to(client);
}

static void close_client(struct bench_run *run)
{
	struct client *client = run->state;

	if (!client)
		return;
	if (client->socket >= 0)
		close(client->socket);
	if (client->server) {
		vsva_server_stop(client->server);
		vsva_server_destroy(client->server);
	}
	if (client->machine)
		vsva_machine_destroy(client->machine);
	rmdir(client->directory);
	free(client);
}

static bool read_version(int fd, uint32_t *version)
{
	struct read_message message = {
		.header = {.id = 9, .command = VFU_REGION_READ, .size = READ_LEN},
		.offset = VTD_REG_VER,
		.count = 4,
	};
	bool ok = move_all(fd, &message, READ_LEN, true) &&
		  move_all(fd, &message, REPLY_LEN, false) && message.header.size == REPLY_LEN &&
		  !(message.header.flags & VFU_FLAG_ERROR);

	*version = message.data;
	return ok;
}

static int measure_reads(struct bench_run *run, struct bench_sample *out)
{
	struct client *client = run->state;
	double begin = bench_now_ns(), last = begin, now = begin;
	uint32_t version;

	for (unsigned i = 0; i < READS; i++, last = now) {
		if (!read_version(client->socket, &version) || !version)
			return bench_fail(run, -EIO, "the server does not tell its version");
		now = bench_now_ns();
		bench_latencies_add(run->latencies, now - last);
	}
	out->value = (now - begin) / READS;
	return 0;
}

const struct bench_method bench_vfio_user = {open_client, measure_reads, close_client};
