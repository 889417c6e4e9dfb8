/* SPDX-License-Identifier: MIT */
/*
 * Framing: one message at a time from a stream socket, with the file descriptors that came with it,
 * and a bounded buffer of bytes that wait to be sent. Nothing here blocks.
 *
 * One read is enough for most messages: it may bring the first bytes of the next one, with that one's
 * descriptors, which are kept until its turn. A descriptor that nobody takes is closed by
 * vfu_message_release().
 */
#ifndef VMM_SERVER_MESSAGE_H
#define VMM_SERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/server/wire.h"

/* The largest count of a region access: the whole extended configuration space in one read.
 * Registers are at most 8 bytes. */
#define VFU_TRANSFER_MAX 4096u

/* Payload that is kept: a REGION_WRITE_MULTI of 340 entries (QEMU sends at most 200). */
#define VFU_PAYLOAD_MAX 8192u

/* A larger message is swallowed and answered E2BIG, up to a transfer of the size that a client may
 * use which was never told a limit; beyond it the stream is not worth reading. */
#define VFU_SIZE_MAX (1024u * 1024u + 4096u)

/* Descriptors in one message; QEMU allows no more. */
#define VFU_FDS_MAX 16u

struct vfu_message {
	struct vfu_header header;
	unsigned char *bytes;   /* the header as it came, then the payload */
	unsigned char *payload; /* VFU_PAYLOAD_MAX bytes */
	size_t received;        /* bytes that have arrived, of the next message too */
	int fds[VFU_FDS_MAX];   /* -1: taken */
	unsigned fd_count;
	bool fds_lost;          /* more came than fit, or we had no room for more open files */
	unsigned next_fd_count; /* behind the fd_count of this message */
	bool next_fds_lost;
	char problem[128]; /* why the stream is broken, after -EPROTO or -ECONNRESET */
};

/* 0; -ENOMEM */
int vfu_message_init(struct vfu_message *message);
void vfu_message_fini(struct vfu_message *message);

/*
 * 1: a whole message is there, and stays until vfu_message_release(); 0: the rest has not arrived;
 * -EPROTO: not a vfio-user message; -ECONNRESET: the other side is gone; other -errno of recvmsg.
 */
int vfu_message_receive(struct vfu_message *message, int socket);
/* Is a whole message there, or a header that says so, without any read? */
bool vfu_message_is_complete(const struct vfu_message *message);
size_t vfu_message_payload_len(const struct vfu_message *message);
/* Was the payload too long to be kept? */
bool vfu_message_is_oversized(const struct vfu_message *message);
/* The descriptor becomes the caller's. */
int vfu_message_take_fd(struct vfu_message *message, unsigned index);
/* Of a whole message: closes what nobody took; the next message may be received. */
void vfu_message_release(struct vfu_message *message);
/* The stream ends: also what has arrived of the next message is forgotten. */
void vfu_message_drop(struct vfu_message *message);

/* Bytes to be sent, in order. */
struct vfu_output {
	unsigned char *data;
	size_t size;
	size_t begin, end; /* what waits is [begin, end) */
};

int vfu_output_init(struct vfu_output *output, size_t size);
void vfu_output_fini(struct vfu_output *output);
void vfu_output_clear(struct vfu_output *output);
size_t vfu_output_room(const struct vfu_output *output);
bool vfu_output_is_empty(const struct vfu_output *output);
/* Appends a message: header (its size is set here), then payload. There must be room (checked). */
void vfu_output_append(struct vfu_output *output, struct vfu_header header, const void *payload,
		       size_t len);
/* 0: all is sent; -EAGAIN: the socket is full; other -errno: it is broken. */
int vfu_output_flush(struct vfu_output *output, int socket);

#endif
