/* SPDX-License-Identifier: MIT */
/*
 * Everything that goes to one client: replies, and the server's own DMA_WRITE commands, by which
 * the VT-d unit's interrupts reach the guest (a write to 0xFEExxxxx). Nobody ever waits here: QEMU
 * handles our commands in the thread that may itself be waiting for our reply to a register access.
 *
 * Two layouts of DMA_WRITE exist. The specification has a 64-bit count and the data at payload
 * offset 16; QEMU 10.1 and 10.2 have a 32-bit count and the data at 12, in a message of the same
 * length. The first write therefore sends a probe before it: a DMA_READ with count 2^32. Who reads
 * 64 bits answers E2BIG, who reads 32 bits sees a read of nothing and succeeds; neither touches
 * memory. Writes wait for the answer.
 *
 *   | may run at once | open/close | reply, flush, take_reply | dma_write |
 *   | open/close      | no         | no                       | yes       |
 *   | reply, …        | no         | no (the VM's thread)     | yes       |
 *   | dma_write       | yes        | yes                      | yes       |
 */
#ifndef VMM_SERVER_SENDER_H
#define VMM_SERVER_SENDER_H

#include <stdbool.h>

#include "base/lock.h"
#include "vmm/server/message.h"
#include "vsva/types.h"

/* Messages, not bulk data: an MSI has four bytes. */
#define VFU_DMA_DATA_MAX 16u

/* Writes that wait for the layout or for room in the socket. Identical interrupts are merged, and a
 * VT-d unit has four of them. */
#define VFU_DMA_WAITING_MAX 16u

/* Writes whose error reply can still be told apart. A client that answers later than that is heard
 * but not understood. */
#define VFU_DMA_SENT_MAX 64u

enum vfu_dma_layout {
	VFU_DMA_UNKNOWN,
	VFU_DMA_PROBING,
	VFU_DMA_SPECIFIED, /* 64-bit count, data at 16 */
	VFU_DMA_SHORT,     /* 32-bit count, data at 12 */
	VFU_DMA_REFUSED,   /* the client knows no such command */
};

struct vfu_dma_message {
	gpa_t gpa;
	uint16_t id;
	bool used;   /* in sent: not answered */
	bool posted; /* only an error is answered */
	uint8_t len;
	uint8_t data[VFU_DMA_DATA_MAX];
};

struct vfu_sender {
	const char *name; /* for messages: "vm0/vtd" */
	struct lock lock; /* the members below but wake */
	int socket;       /* -1: no client; borrowed */
	bool ready;       /* a version is agreed on */
	struct vfu_output output;
	enum vfu_dma_layout layout;
	uint16_t next_id;
	uint16_t probe_id;
	unsigned waiting_count;
	unsigned sent_next;
	struct vfu_dma_message waiting[VFU_DMA_WAITING_MAX]; /* oldest first */
	struct vfu_dma_message sent[VFU_DMA_SENT_MAX];       /* a ring */
	void (*wake)(void *arg); /* something waits for the socket: poll it */
	void *wake_arg;
};

/* 0; -ENOMEM. wake: any thread, no lock held. */
int vfu_sender_init(struct vfu_sender *sender, const char *name, void (*wake)(void *arg),
		    void *wake_arg);
void vfu_sender_fini(struct vfu_sender *sender);
void vfu_sender_open(struct vfu_sender *sender, int socket);
/* Forgets what waits. When it returns no thread uses the socket. */
void vfu_sender_close(struct vfu_sender *sender);
/* From here on DMA writes may be sent. */
void vfu_sender_set_ready(struct vfu_sender *sender);

/* Is there room for the largest reply? If not, no command may be carried out. */
bool vfu_sender_can_reply(struct vfu_sender *sender);
/* Queues the reply to a command; error is a positive errno or 0. */
void vfu_sender_reply(struct vfu_sender *sender, const struct vfu_header *command, uint32_t error,
		      const void *payload, size_t len);
/* 0: all is sent; -EAGAIN: poll for POLLOUT; other -errno: the socket is broken. */
int vfu_sender_flush(struct vfu_sender *sender);
bool vfu_sender_is_idle(struct vfu_sender *sender);

/* 0; -ENOTCONN no client; -EINVAL len; -ENOBUFS too many wait; -ENOTSUP the client cannot. */
int vfu_sender_dma_write(struct vfu_sender *sender, gpa_t gpa, const void *data, size_t len,
			 bool posted);
/* A reply arrived. Returns its errno and the write that failed, or 0. -ENOENT: to nothing we know.
 */
int vfu_sender_take_reply(struct vfu_sender *sender, const struct vfu_header *reply,
			  struct vfu_dma_message *failed);

#endif
