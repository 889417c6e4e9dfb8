// SPDX-License-Identifier: MIT
#include "vmm/server/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"

/* The first read of a message. What has descriptors is no shorter, so that they are another's only
 * if the read went beyond the end of the message. */
#define FIRST_READ 32u

int vfu_message_init(struct vfu_message *message)
{
	memset(message, 0, sizeof(*message));
	message->bytes = base_zalloc(sizeof(message->header) + VFU_PAYLOAD_MAX);
	if (!message->bytes)
		return -ENOMEM;
	message->payload = message->bytes + sizeof(message->header);
	return 0;
}

void vfu_message_fini(struct vfu_message *message)
{
	vfu_message_drop(message);
	base_free(message->bytes);
	message->bytes = NULL;
	message->payload = NULL;
}

static void close_fds(struct vfu_message *message)
{
	for (unsigned i = 0; i < message->fd_count; i++)
		if (message->fds[i] >= 0)
			close(message->fds[i]);
}

bool vfu_message_is_complete(const struct vfu_message *message)
{
	struct vfu_header header;

	if (message->received < sizeof(header))
		return false;
	memcpy(&header, message->bytes, sizeof(header));
	return message->received >= header.size;
}

void vfu_message_release(struct vfu_message *message)
{
	size_t size = message->header.size;

	close_fds(message);
	memmove(message->fds, message->fds + message->fd_count,
		message->next_fd_count * sizeof(message->fds[0]));
	message->fd_count = message->next_fd_count;
	message->fds_lost = message->next_fds_lost;
	message->next_fd_count = 0;
	message->next_fds_lost = false;
	message->received -= size;
	if (message->received)
		memmove(message->bytes, message->bytes + size, message->received);
}

void vfu_message_drop(struct vfu_message *message)
{
	message->fd_count += message->next_fd_count;
	close_fds(message);
	message->fd_count = 0;
	message->fds_lost = false;
	message->next_fd_count = 0;
	message->next_fds_lost = false;
	message->received = 0;
}

int vfu_message_take_fd(struct vfu_message *message, unsigned index)
{
	int fd;

	CHECK(index < message->fd_count);
	fd = message->fds[index];
	message->fds[index] = -1;
	return fd;
}

size_t vfu_message_payload_len(const struct vfu_message *message)
{
	return message->header.size - sizeof(struct vfu_header);
}

bool vfu_message_is_oversized(const struct vfu_message *message)
{
	return vfu_message_payload_len(message) > VFU_PAYLOAD_MAX;
}

__attribute__((format(printf, 3, 4))) static int broken(struct vfu_message *message, int error,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message->problem, sizeof(message->problem), format, args);
	va_end(args);
	return error;
}

static void keep_fd(struct vfu_message *message, int fd)
{
	if (message->fd_count < VFU_FDS_MAX) {
		message->fds[message->fd_count++] = fd;
		return;
	}
	message->fds_lost = true;
	close(fd);
}

static void collect_fds(struct vfu_message *message, struct msghdr *from)
{
	/* The kernel has closed what did not fit, or found no free number in our table. */
	if (from->msg_flags & MSG_CTRUNC)
		message->fds_lost = true;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(from); c; c = CMSG_NXTHDR(from, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			keep_fd(message, fd);
		}
	}
}

/* Bytes read; 0: none there now; -errno. */
static ssize_t receive_some(struct vfu_message *message, int socket, void *to, size_t len)
{
	union {
		struct cmsghdr align;
		unsigned char space[CMSG_SPACE(VFU_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = to, .iov_len = len};
	struct msghdr from = {.msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control)};
	ssize_t count;

	do
		count = recvmsg(socket, &from, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	collect_fds(message, &from);
	message->received += (size_t)count;
	return count ? count : -ECONNRESET;
}

static int check_header(struct vfu_message *message)
{
	const struct vfu_header *h = &message->header;

	if (h->size < sizeof(*h) || h->size > VFU_SIZE_MAX)
		return broken(message, -EPROTO,
			      "header: size %u of command %u is not between %zu and %u", h->size,
			      h->command, sizeof(*h), VFU_SIZE_MAX);
	if ((h->flags & VFU_TYPE_MASK) > VFU_TYPE_REPLY)
		return broken(
			message, -EPROTO,
			"header: flags 0x%x of command %u: type %u is neither command nor reply",
			h->flags, h->command, h->flags & VFU_TYPE_MASK);
	return 0;
}

/* 0, if the header has not arrived yet too. */
static int read_header(struct vfu_message *message)
{
	if (message->received < sizeof(message->header))
		return 0;
	memcpy(&message->header, message->bytes, sizeof(message->header));
	return check_header(message);
}

static ssize_t receive_first(struct vfu_message *message, int socket)
{
	return receive_some(message, socket, message->bytes + message->received,
			    FIRST_READ - message->received);
}

/* An oversized payload overwrites itself: only its length matters. */
static ssize_t receive_payload(struct vfu_message *message, int socket)
{
	size_t have = message->received - sizeof(message->header);
	size_t at = have % VFU_PAYLOAD_MAX;
	size_t want = message->header.size - message->received;

	if (want > VFU_PAYLOAD_MAX - at)
		want = VFU_PAYLOAD_MAX - at;
	return receive_some(message, socket, message->payload + at, want);
}

/* 1: some bytes more; 0: none there now; -errno. A read that went beyond the end brought the next message's descriptors: the
 * kernel ends a read behind the bytes that have some. */
static int receive_more(struct vfu_message *message, int socket)
{
	unsigned fd_count = message->fd_count;
	bool fds_lost = message->fds_lost;
	ssize_t count = message->received < sizeof(message->header)
				? receive_first(message, socket)
				: receive_payload(message, socket);
	int rc = count > 0 ? read_header(message) : (int)count;

	if (rc || !vfu_message_is_complete(message) || message->received == message->header.size)
		return rc ? rc : count > 0;
	message->next_fd_count = message->fd_count - fd_count;
	message->next_fds_lost = message->fds_lost;
	message->fd_count = fd_count;
	message->fds_lost = fds_lost;
	return 1;
}

int vfu_message_receive(struct vfu_message *message, int socket)
{
	int rc = read_header(message);

	for (rc = rc ? rc : 1; rc > 0 && !vfu_message_is_complete(message);)
		rc = receive_more(message, socket);
	if (rc == -ECONNRESET && message->received == 0)
		return broken(message, rc, "closed");
	if (rc == -ECONNRESET)
		return broken(message, rc, "closed in the middle of a message, after %zu bytes",
			      message->received);
	if (rc < 0 && rc != -EPROTO)
		return broken(message, rc, "receive: %s", strerror(-rc));
	return rc;
}

int vfu_output_init(struct vfu_output *output, size_t size)
{
	*output = (struct vfu_output){.data = base_zalloc(size), .size = size};
	return output->data ? 0 : -ENOMEM;
}

void vfu_output_fini(struct vfu_output *output)
{
	base_free(output->data);
	output->data = NULL;
}

void vfu_output_clear(struct vfu_output *output)
{
	output->begin = 0;
	output->end = 0;
}

size_t vfu_output_room(const struct vfu_output *output)
{
	return output->size - (output->end - output->begin);
}

bool vfu_output_is_empty(const struct vfu_output *output)
{
	return output->begin == output->end;
}

static void append_bytes(struct vfu_output *output, const void *bytes, size_t len)
{
	if (len)
		memcpy(output->data + output->end, bytes, len);
	output->end += len;
}

void vfu_output_append(struct vfu_output *output, struct vfu_header header, const void *payload,
		       size_t len)
{
	CHECK(vfu_output_room(output) >= sizeof(header) + len);
	memmove(output->data, output->data + output->begin, output->end - output->begin);
	output->end -= output->begin;
	output->begin = 0;
	header.size = (uint32_t)(sizeof(header) + len);
	append_bytes(output, &header, sizeof(header));
	append_bytes(output, payload, len);
}

int vfu_output_flush(struct vfu_output *output, int socket)
{
	while (output->begin < output->end) {
		ssize_t count = send(socket, output->data + output->begin,
				     output->end - output->begin, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		output->begin += (size_t)count;
	}
	vfu_output_clear(output);
	return 0;
}
