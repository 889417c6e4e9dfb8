// SPDX-License-Identifier: MIT
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "server/world.h"

static void wake(void *arg)
{
	struct world *w = arg;

	w->wakes++;
}

void world_attach(struct world *w)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	w->client = pair[0];
	vfu_connection_attach(w->connection, pair[1]);
}

int world_setup_bare(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct vfu_function function;

	w->fds_before = count_fds();
	fake_init(&w->fake);
	function = fake_function(&w->fake, "fake");
	assert_int_equal(vfu_connection_create(&function, "vm0/fake", wake, w, &w->connection), 0);
	world_attach(w);
	*state = w;
	return 0;
}

bool world_serve(struct world *w)
{
	int rc;

	while ((rc = vfu_connection_receive(w->connection)) > 0) {
		rc = vfu_connection_execute(w->connection);
		if (rc)
			break;
	}
	if (rc < 0)
		vfu_connection_detach(w->connection);
	return rc == 0;
}

bool has_input(int socket)
{
	struct pollfd p = {.fd = socket, .events = POLLIN};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

uint32_t transact_fds(struct world *w, const int *fds, unsigned fd_count)
{
	assert_int_equal(client_send(w->client, w->out.at, w->out.len, fds, fd_count), 0);
	world_serve(w);
	assert_true(client_receive(w->client, &w->in) > 0);
	assert_int_equal(get16(&w->in, 0), get16(&w->out, 0));
	assert_int_equal(get16(&w->in, 2), get16(&w->out, 2));
	if (get32(&w->in, 8) == 1)
		return 0;
	assert_int_equal(get32(&w->in, 8), 0x21);
	assert_int_equal(w->in.len, 16);
	assert_int_not_equal(get32(&w->in, 12), 0);
	return get32(&w->in, 12);
}

uint32_t transact(struct world *w)
{
	return transact_fds(w, NULL, 0);
}

void negotiate(struct world *w)
{
	make_version(&w->out, client_qemu_capabilities);
	assert_int_equal(transact(w), 0);
}

int world_setup(void **state)
{
	world_setup_bare(state);
	negotiate(*state);
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	if (w->client >= 0)
		close(w->client);
	vfu_connection_destroy(w->connection);
	assert_int_equal(w->fake.window_count, 0);
	assert_int_equal(w->fake.connects, w->fake.disconnects);
	assert_int_equal(w->fake.connects, w->fake.disconnectings);
	assert_int_equal(count_fds(), w->fds_before);
	free(w);
	return 0;
}

int memory_file(size_t size, unsigned seals)
{
	int fd = memfd_create("ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

uint64_t counter_of(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

void make_eventfds(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_true(fds[i] >= 0);
	}
}

void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}
