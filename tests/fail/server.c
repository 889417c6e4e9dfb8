// SPDX-License-Identifier: MIT
/* vsva/server.h, and the messages of a client that change something. */
#include <sys/mman.h>

#include "server/client.h"
#include "trial.h"
#include "vmm/server/vm_server.h"

RUN(server_create)
{
	const struct vsva_server_options options = {.socket_dir = w->directory,
						    .test_engine = true};

	return vsva_server_create(w->machine, &options, &w->server);
}

/* An accelerator that all VMs share. */
static int run_server_create_mdevs(struct fail_world *w)
{
	const struct vsva_server_options options = {.socket_dir = w->directory, .mdevs = 1};

	return vsva_server_create(w->machine, &options, &w->server);
}

RUN(server_destroy)
{
	vsva_server_destroy(w->server);
	w->server = NULL;
	return 0;
}

static void undo_create(struct fail_world *w)
{
	run_server_destroy(w);
}

RUN(server_start)
{
	return vsva_server_start(w->server);
}

RUN(server_stop)
{
	vsva_server_stop(w->server);
	return 0;
}

static void undo_start(struct fail_world *w)
{
	run_server_stop(w);
}

static void setup_stop(struct fail_world *w)
{
	world_server(w);
	assert_int_equal(run_server_start(w), 0);
}

RUN(server_stop_fd)
{
	return vsva_server_stop_fd(w->server) >= 0 ? 0 : -EIO;
}

RUN(server_pull_devices)
{
	return vsva_server_pull_devices(w->server, 0);
}

/* Messages */

static struct bytes out, in;

/* Sends what is in out, has it carried out, and returns the error of the reply. */
static int transact(struct fail_world *w, int fd)
{
	struct vfu_connection *connection = vfu_vm_connection(w->server->vms[0].vfu, 0);

	assert_int_equal(client_send(w->client, out.at, out.len, &fd, fd >= 0), 0);
	assert_true(vfu_connection_receive(connection) > 0);
	assert_int_equal(vfu_connection_execute(connection), 0);
	assert_true(client_receive(w->client, &in) > 0);
	return get32(&in, 8) == 1 ? 0 : -(int)get32(&in, 12);
}

static int run_map(struct fail_world *w)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, VSVA_PAGE_SIZE), 0);
	make_map(&out, 0, VSVA_PAGE_SIZE, 0, VSVA_PROT_READ | VSVA_PROT_WRITE);
	err = transact(w, fd);
	close(fd);
	return err;
}

static int run_unmap(struct fail_world *w)
{
	make_unmap(&out, 0, VSVA_PAGE_SIZE, 0);
	return transact(w, -1);
}

static void undo_map(struct fail_world *w)
{
	assert_int_equal(run_unmap(w), 0);
}

static void setup_map(struct fail_world *w)
{
	world_client(w);
	make_version(&out, client_qemu_capabilities);
	assert_int_equal(transact(w, -1), 0);
}

static void setup_unmap(struct fail_world *w)
{
	setup_map(w);
	assert_int_equal(run_map(w), 0);
}

/* The client goes, with its memory and without a word. */
static int run_detach(struct fail_world *w)
{
	world_hang_up(w);
	return 0;
}

#define FILE_ERRORS (MAY_NFILE | MAY_NOSPC)

const struct trial server_trials[] = {
	UNDONE(server_create, world_directory, undo_create,
	       MAY_NOMEM | MAY_AGAIN | MAY_TIMEDOUT | FILE_ERRORS),
	VARIANT(server_create, " with mediated devices", run_server_create_mdevs, world_directory,
		.undo = undo_create,
		.may = MAY_NOMEM | MAY_AGAIN | MAY_TIMEDOUT | MAY_NODEV | FILE_ERRORS),
	DONE(server_destroy, world_server, 0),
	UNDONE(server_start, world_server, undo_start, MAY_AGAIN),
	NO_STEP(server_stop, setup_stop, NULL),
	NO_STEP(server_stop_fd, world_server, NULL),
	NO_STEP(server_pull_devices, world_server, NULL),
	{.function = "vfio-user DMA_MAP",
	 .variant = "",
	 .setup = setup_map,
	 .run = run_map,
	 .undo = undo_map,
	 .may = MAY_NOMEM | MAY_NOSPC},
	{.function = "vfio-user DMA_UNMAP",
	 .variant = "",
	 .setup = setup_unmap,
	 .run = run_unmap,
	 .done_if = ALL},
	{.function = "vfio-user end of a client",
	 .variant = "",
	 .setup = setup_unmap,
	 .run = run_detach,
	 .done_if = ALL},
	{.function = NULL},
};
