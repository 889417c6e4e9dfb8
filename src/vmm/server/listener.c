// SPDX-License-Identifier: MIT
#include "vmm/server/listener.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "vmm/server/socket_dir.h"

/* Commands of one client before another's turn. */
#define COMMANDS_PER_TURN 64u

/* Until accept() is tried again when the process has no room for another open file. */
#define ACCEPT_PAUSE_MS 100

struct vfu_port {
	struct vfu_vm *vm;
	struct vfu_connection *connection;
	int listening;
	char *path;
	char *file; /* last part of path */
};

struct vfu_vm {
	struct vfu_server *server;
	struct vfu_vm *next;
	char *name;
	struct socket_dir dir;
	int wake; /* eventfd: poll again, somebody wants to send */
	bool accept_paused;
	bool running;
	pthread_t thread;
	unsigned port_count;
	struct vfu_port ports[VFU_FUNCTIONS_MAX];
};

struct vfu_server {
	struct socket_dir dir;
	int stop; /* eventfd, never read */
	struct vfu_vm *vms;
};

/* Places of the descriptors in the poll table: two of the VM's, then two for each port. */
enum { POLL_STOP, POLL_WAKE, POLL_PORTS };
#define POLL_LISTENING(port)  (POLL_PORTS + 2 * (port))
#define POLL_CONNECTION(port) (POLL_PORTS + 2 * (port) + 1)
#define POLL_MAX              (POLL_PORTS + 2 * VFU_FUNCTIONS_MAX)

static void raise_eventfd(int fd)
{
	static const uint64_t one = 1;

	/* A full counter is as loud as it gets. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void wake_vm(void *arg)
{
	struct vfu_vm *vm = arg;

	raise_eventfd(vm->wake);
}

/* Serving */

static void detach(struct vfu_port *port)
{
	log_line(LOG_INFO, VSVA_CODE_NONE, "%s: client detached",
		 vfu_connection_name(port->connection));
	vfu_connection_detach(port->connection);
}

static void serve_first(struct vfu_vm *vm, const struct vfu_port *later);

/* One command, if one is there. */
static bool serve_one(struct vfu_port *port)
{
	struct vfu_connection *connection = port->connection;
	int rc = vfu_connection_receive(connection);

	if (rc > 0) {
		if (!vfu_connection_goes_first(connection))
			serve_first(port->vm, port);
		rc = vfu_connection_execute(connection);
		rc = rc ? rc : 1;
	}
	if (rc < 0)
		detach(port);
	return rc > 0;
}

static void serve(struct vfu_port *port)
{
	unsigned budget = COMMANDS_PER_TURN;

	if (vfu_connection_flush(port->connection)) {
		detach(port);
		return;
	}
	while ((budget || vfu_connection_holds_command(port->connection)) && serve_one(port))
		budget -= budget > 0;
}

/* What has arrived for functions that go first came before the command that the later port holds.
 */
static void serve_first(struct vfu_vm *vm, const struct vfu_port *later)
{
	for (unsigned i = 0; i < vm->port_count; i++) {
		struct vfu_port *port = &vm->ports[i];

		if (port != later && vfu_connection_goes_first(port->connection))
			serve(port);
	}
}

/* Accepting */

static bool is_hung_up(int socket)
{
	struct pollfd p = {.fd = socket};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

static pid_t peer_pid(int socket)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);

	getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	return peer.pid;
}

static void welcome(struct vfu_port *port, int socket)
{
	const char *name = vfu_connection_name(port->connection);

	if (vfu_connection_is_attached(port->connection)) {
		LOG_LIMITED(LOG_WARN, VSVA_CODE_CLIENT_SECOND,
			    "%s: turned process %d away: process %d is connected", name,
			    peer_pid(socket), peer_pid(vfu_connection_socket(port->connection)));
		close(socket);
		return;
	}
	log_line(LOG_INFO, VSVA_CODE_NONE, "%s: client attached, process %d", name,
		 peer_pid(socket));
	vfu_connection_attach(port->connection, socket);
}

static void accept_client(struct vfu_port *port)
{
	int socket;

	/* A new VM may be here before the end of the old one was read: that comes first. */
	if (vfu_connection_is_attached(port->connection) &&
	    is_hung_up(vfu_connection_socket(port->connection)))
		return;
	socket = FAIL_CALL(-1, EMFILE,
			   accept4(port->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
	if (socket >= 0) {
		welcome(port, socket);
		return;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS)
		return;
	LOG_LIMITED(LOG_ERROR, VSVA_CODE_SOCKET, "%s: accept: %s", port->path, strerror(errno));
	port->vm->accept_paused = true;
}

/* The loop */

static void fill_poll_table(struct vfu_vm *vm, struct pollfd *table)
{
	table[POLL_STOP] = (struct pollfd){.fd = vm->server->stop, .events = POLLIN};
	table[POLL_WAKE] = (struct pollfd){.fd = vm->wake, .events = POLLIN};
	for (unsigned i = 0; i < vm->port_count; i++) {
		struct vfu_port *port = &vm->ports[i];

		table[POLL_LISTENING(i)] = (struct pollfd){
			.fd = vm->accept_paused ? -1 : port->listening, .events = POLLIN};
		table[POLL_CONNECTION(i)] =
			(struct pollfd){.fd = vfu_connection_socket(port->connection),
					.events = vfu_connection_poll_events(port->connection)};
	}
}

static void serve_ready(struct vfu_vm *vm, const struct pollfd *table)
{
	uint64_t count;

	if (table[POLL_WAKE].revents && read(vm->wake, &count, sizeof(count)) < 0)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_NO_DESCRIPTOR, "%s: eventfd: %s", vm->name,
			    strerror(errno));
	for (unsigned i = 0; i < vm->port_count; i++)
		if (table[POLL_CONNECTION(i)].revents)
			serve(&vm->ports[i]);
	for (unsigned i = 0; i < vm->port_count; i++)
		if (table[POLL_LISTENING(i)].revents)
			accept_client(&vm->ports[i]);
}

bool vfu_vm_step(struct vfu_vm *vm, int timeout_ms)
{
	struct pollfd table[POLL_MAX];
	int rc;

	fill_poll_table(vm, table);
	if (vm->accept_paused && (timeout_ms < 0 || timeout_ms > ACCEPT_PAUSE_MS))
		timeout_ms = ACCEPT_PAUSE_MS;
	vm->accept_paused = false;
	rc = poll(table, POLL_PORTS + 2 * vm->port_count, timeout_ms);
	CHECK(rc >= 0 || errno == EINTR || errno == ENOMEM);
	if (rc <= 0)
		return true;
	if (table[POLL_STOP].revents)
		return false;
	serve_ready(vm, table);
	return true;
}

static void detach_all(struct vfu_vm *vm)
{
	for (unsigned i = 0; i < vm->port_count; i++)
		if (vfu_connection_is_attached(vm->ports[i].connection))
			detach(&vm->ports[i]);
}

static void *vm_thread(void *arg)
{
	struct vfu_vm *vm = arg;

	while (vfu_vm_step(vm, -1))
		;
	detach_all(vm);
	return NULL;
}

/* Building and taking down */

static void destroy_port(struct vfu_vm *vm, struct vfu_port *port)
{
	if (port->connection)
		vfu_connection_destroy(port->connection);
	if (port->listening >= 0) {
		close(port->listening);
		socket_dir_unlink(&vm->dir, port->file);
	}
	base_free(port->path);
}

static void destroy_vm(struct vfu_vm *vm)
{
	for (unsigned i = 0; i < vm->port_count; i++)
		destroy_port(vm, &vm->ports[i]);
	if (vm->dir.path)
		socket_dir_close(&vm->dir);
	if (vm->wake >= 0)
		close(vm->wake);
	base_free(vm->name);
	base_free(vm);
}

static int create_port(struct vfu_vm *vm, const struct vfu_function *function)
{
	struct vfu_port *port = &vm->ports[vm->port_count++];
	char file[64], label[64];
	int rc;

	*port = (struct vfu_port){.vm = vm, .listening = -1};
	snprintf(file, sizeof(file), "%s.sock", function->name);
	snprintf(label, sizeof(label), "%s/%s", vm->name, function->name);
	port->path = socket_dir_path_of(&vm->dir, file);
	if (!port->path)
		return -ENOMEM;
	port->file = strrchr(port->path, '/') + 1;
	rc = vfu_connection_create(function, label, wake_vm, vm, &port->connection);
	if (rc)
		return rc;
	port->listening = socket_dir_listen(&vm->dir, port->file);
	return port->listening < 0 ? port->listening : 0;
}

static int open_vm(struct vfu_vm *vm, const struct vfu_function *functions, unsigned count)
{
	char *path = socket_dir_path_of(&vm->server->dir, vm->name);
	int rc = path ? socket_dir_open(&vm->dir, path) : -ENOMEM;

	base_free(path);
	vm->wake = FAIL_CALL(-1, EMFILE, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (!rc && vm->wake < 0)
		rc = -errno;
	for (unsigned i = 0; !rc && i < count; i++)
		rc = create_port(vm, &functions[i]);
	return rc;
}

int vfu_server_add_vm(struct vfu_server *server, const char *name,
		      const struct vfu_function *functions, unsigned count, struct vfu_vm **out)
{
	struct vfu_vm *vm;
	int rc;

	if (!count || count > VFU_FUNCTIONS_MAX)
		return -EINVAL;
	vm = base_zalloc(sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	*vm = (struct vfu_vm){.server = server, .wake = -1, .name = base_strdup(name)};
	rc = vm->name ? open_vm(vm, functions, count) : -ENOMEM;
	if (rc) {
		destroy_vm(vm);
		return rc;
	}
	vm->next = server->vms;
	server->vms = vm;
	*out = vm;
	return 0;
}

struct vfu_connection *vfu_vm_connection(struct vfu_vm *vm, unsigned function)
{
	CHECK(function < vm->port_count);
	return vm->ports[function].connection;
}

const char *vfu_vm_socket_path(const struct vfu_vm *vm, unsigned function)
{
	CHECK(function < vm->port_count);
	return vm->ports[function].path;
}

int vfu_server_create(const char *dir, struct vfu_server **out)
{
	struct vfu_server *server = base_zalloc(sizeof(*server));
	int rc;

	if (!server)
		return -ENOMEM;
	rc = socket_dir_open(&server->dir, dir);
	if (rc) {
		base_free(server);
		return rc;
	}
	server->stop = FAIL_CALL(-1, EMFILE, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (server->stop < 0) {
		rc = -errno;
		socket_dir_close(&server->dir);
		base_free(server);
		return rc;
	}
	*out = server;
	return 0;
}

void vfu_server_destroy(struct vfu_server *server)
{
	vfu_server_stop(server);
	while (server->vms) {
		struct vfu_vm *vm = server->vms;

		server->vms = vm->next;
		destroy_vm(vm);
	}
	close(server->stop);
	socket_dir_close(&server->dir);
	base_free(server);
}

int vfu_server_stop_fd(const struct vfu_server *server)
{
	return server->stop;
}

void vfu_server_stop(struct vfu_server *server)
{
	raise_eventfd(server->stop);
	for (struct vfu_vm *vm = server->vms; vm; vm = vm->next) {
		if (vm->running)
			CHECK(pthread_join(vm->thread, NULL) == 0);
		vm->running = false;
	}
}

int vfu_server_start(struct vfu_server *server)
{
	for (struct vfu_vm *vm = server->vms; vm; vm = vm->next) {
		int rc =
			FAIL_CALL(EAGAIN, EAGAIN, pthread_create(&vm->thread, NULL, vm_thread, vm));

		if (rc) {
			vfu_server_stop(server);
			return -rc;
		}
		vm->running = true;
	}
	return 0;
}
