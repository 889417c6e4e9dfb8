/* SPDX-License-Identifier: MIT */
/*
 * The server: a directory per VM with a socket per function, and a thread per VM that serves them,
 * so that one VM never waits for another.
 *
 *     DIR/vm0/vtd.sock     DIR/vm0/dsa0.sock     DIR/vm1/vtd.sock …
 *
 * It looks the same for one VM as for many: a script need not change when a second one is added.
 *
 * Order between the sockets of a VM. Clients post register writes: what a guest did first on one
 * socket may be read second here. The functions with goes_first are therefore served, as far as
 * their messages have arrived, between receiving a command of another function and carrying it out:
 * it was sent before, so it is done before. (QEMU keeps a queue of its own when a socket is full;
 * x-no-posted-writes=on makes it strict.)
 *
 * A client may die at any byte; a second client of a function that has one is turned away.
 *
 * Threads: add_vm, start, stop and destroy are called by one thread at a time; the stop descriptor
 * may be written from anywhere, the two functions of connection.h for other threads may run at any
 * time.
 */
#ifndef VMM_SERVER_LISTENER_H
#define VMM_SERVER_LISTENER_H

#include <stdbool.h>

#include "vmm/server/connection.h"
#include "vmm/server/function.h"

/* Functions of one VM: devices on QEMU's root bus. */
#define VFU_FUNCTIONS_MAX 32u

struct vfu_server;
struct vfu_vm;

/* Makes DIR (mode 0700) or takes it over; see socket_dir.h for the errors. */
int vfu_server_create(const char *dir, struct vfu_server **out);
/* Stops, removes the sockets. */
void vfu_server_destroy(struct vfu_server *server);

/* Offers the functions in DIR/name/; they are copied, their ops and arg
 * must outlive the server. name: "vm0". Before start. 0; -EINVAL count;
 * -ENOMEM; errors of socket_dir.h. */
int vfu_server_add_vm(struct vfu_server *server, const char *name,
		      const struct vfu_function *functions, unsigned count, struct vfu_vm **out);
/* Valid until the server is destroyed. */
struct vfu_connection *vfu_vm_connection(struct vfu_vm *vm, unsigned function);
/* "DIR/vm0/vtd.sock" */
const char *vfu_vm_socket_path(const struct vfu_vm *vm, unsigned function);

/* A thread for each VM. 0; -errno of pthread_create, none runs then. */
int vfu_server_start(struct vfu_server *server);
/* Readable as soon as the server is to stop: writing an 8-byte 1 to it is how a signal handler
 * stops the server. Nobody reads it. */
int vfu_server_stop_fd(const struct vfu_server *server);
/* All threads have ended and all clients are detached when it returns. */
void vfu_server_stop(struct vfu_server *server);

/* One pass over a VM's sockets, waiting at most timeout_ms (-1: for ever): what its thread does all
 * day. For tests without threads. false: the server is to stop. */
bool vfu_vm_step(struct vfu_vm *vm, int timeout_ms);

#endif
