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

int vfu_message_init(struct vfu_message *message)
{
	memset(message, 0, sizeof(*message));
	message->payload = base_zalloc(VFU_PAYLOAD_MAX);
	return message->payload ? 0 : -ENOMEM;
}

void vfu_message_fini(struct vfu_message *message)
{
	vfu_message_release(message);
	base_free(message->payload);
	message->payload = NULL;
}

void vfu_message_release(struct vfu_message *message)
{
	for (unsigned i = 0; i < message->fd_count; i++)
		if (message->fds[i] >= 0)
			close(message->fds[i]);
	message->fd_count = 0;
	message->fds_lost = false;
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

static int receive_header(struct vfu_message *message, int socket)
{
	size_t have = message->received;
	ssize_t count = receive_some(message, socket, (unsigned char *)&message->header + have,
				     sizeof(message->header) - have);

	if (count > 0 && message->received == sizeof(message->header)) {
		int rc = check_header(message);

		return rc ? rc : 1;
	}
	return count > 0 ? 1 : (int)count;
}

/* An oversized payload overwrites itself: only its length matters. */
static int receive_payload(struct vfu_message *message, int socket)
{
	size_t have = message->received - sizeof(message->header);
	size_t at = have % VFU_PAYLOAD_MAX;
	size_t want = message->header.size - message->received;

	if (want > VFU_PAYLOAD_MAX - at)
		want = VFU_PAYLOAD_MAX - at;
	return (int)receive_some(message, socket, message->payload + at, want);
}

static bool is_complete(const struct vfu_message *message)
{
	return message->received >= sizeof(message->header) &&
	       message->received == message->header.size;
}

int vfu_message_receive(struct vfu_message *message, int socket)
{
	int rc = 1;

	while (rc > 0 && !is_complete(message))
		rc = message->received < sizeof(message->header) ? receive_header(message, socket)
								 : receive_payload(message, socket);
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
