/* SPDX-License-Identifier: MIT */
/*
 * One function's connection: the place where a client may be attached. It exists as long as the
 * function is offered; clients come and go.
 *
 *   | may run at once      | the VM's thread | dma_write | raise_irq |
 *   | the VM's thread      | no              | yes       | yes       |
 *   | dma_write, raise_irq | yes             | yes       | yes       |
 *
 * "The VM's thread" stands for all functions but those two. Those two take a leaf lock and never
 * wait for the client; without a client they return -ENOTCONN and -ENOENT.
 */
#ifndef VMM_SERVER_CONNECTION_H
#define VMM_SERVER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/server/function.h"
#include "vsva/types.h"

struct vfu_connection;

/* function is copied; name ("vm0/vtd") too. wake: called from any thread, no lock held, when the
 * connection wants to be polled for writing. 0; -ENOMEM. */
int vfu_connection_create(const struct vfu_function *function, const char *name,
			  void (*wake)(void *arg), void *wake_arg, struct vfu_connection **out);
/* Detaches first. */
void vfu_connection_destroy(struct vfu_connection *connection);

/* A client has connected; the socket becomes the connection's. There must be no client (checked).
 */
void vfu_connection_attach(struct vfu_connection *connection, int socket);
/* Takes away everything of the client's and closes its socket. Harmless without a client. */
void vfu_connection_detach(struct vfu_connection *connection);
bool vfu_connection_is_attached(const struct vfu_connection *connection);
bool vfu_connection_goes_first(const struct vfu_connection *connection);
const char *vfu_connection_name(const struct vfu_connection *connection);
/* For poll; -1 without a client. */
int vfu_connection_socket(const struct vfu_connection *connection);
short vfu_connection_poll_events(struct vfu_connection *connection);

/*
 * The two halves of serving a client, so that other connections can be served in between: 1: a
 * command is there; 0: nothing more to do now; -errno: the client is gone or broke the protocol
 * (said in the log), detach it.
 */
int vfu_connection_receive(struct vfu_connection *connection);
/* Has a command been read already, which poll therefore will not tell of? */
bool vfu_connection_holds_command(struct vfu_connection *connection);
/* Carries out the command that is there and sends the reply. 0; -errno: detach. */
int vfu_connection_execute(struct vfu_connection *connection);
/* Sends what waits. 0; -errno: detach. */
int vfu_connection_flush(struct vfu_connection *connection);

/*
 * Writes to guest-physical memory by a message, e.g. an MSI: len is at most VFU_DMA_DATA_MAX.
 * Returns at once; equal writes that still wait are merged. The function's dma_write_failed() hears
 * of a refusal. With posted the client is asked not to confirm. 0; -ENOTCONN no client, or no
 * version agreed on yet; -EINVAL len; -ENOBUFS too many wait; -ENOTSUP the client has no such
 * command.
 */
int vfu_connection_dma_write(struct vfu_connection *connection, gpa_t gpa, const void *data,
			     size_t len, bool posted);
/* 0; -EINVAL no such interrupt; -ENOENT the client has given no eventfd for it. */
int vfu_connection_raise_irq(struct vfu_connection *connection, unsigned index, unsigned vector);

#endif
