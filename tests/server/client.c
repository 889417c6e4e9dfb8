// SPDX-License-Identifier: MIT
#include "server/client.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char client_qemu_capabilities[] =
	"{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, \"max_dma_maps\": 65535, "
	"\"max_data_xfer_size\": 1048576, \"migration\": {\"max_bitmap_size\": 268435456, "
	"\"pgsize\": 4096}, \"write_multiple\": true}}";

void put_data(struct bytes *b, const void *data, size_t len)
{
	memcpy(b->at + b->len, data, len);
	b->len += len;
}

void put16(struct bytes *b, uint16_t v)
{
	put_data(b, &v, 2);
}

void put32(struct bytes *b, uint32_t v)
{
	put_data(b, &v, 4);
}

void put64(struct bytes *b, uint64_t v)
{
	put_data(b, &v, 8);
}

uint16_t get16(const struct bytes *b, size_t at)
{
	uint16_t v;

	memcpy(&v, b->at + at, 2);
	return v;
}

uint32_t get32(const struct bytes *b, size_t at)
{
	uint32_t v;

	memcpy(&v, b->at + at, 4);
	return v;
}

uint64_t get64(const struct bytes *b, size_t at)
{
	uint64_t v;

	memcpy(&v, b->at + at, 8);
	return v;
}

void begin(struct bytes *b, uint16_t id, uint16_t command, uint32_t flags)
{
	b->len = 0;
	put16(b, id);
	put16(b, command);
	put32(b, 0);
	put32(b, flags);
	put32(b, 0);
}

void end_message(struct bytes *b)
{
	uint32_t size = (uint32_t)b->len;

	memcpy(b->at + 4, &size, 4);
}

void make_version(struct bytes *b, const char *json)
{
	begin(b, 1, 1, 0);
	put16(b, 0);
	put16(b, 0);
	if (json)
		put_data(b, json, strlen(json) + 1);
	end_message(b);
}

void make_map(struct bytes *b, uint64_t address, uint64_t size, uint64_t offset, uint32_t flags)
{
	begin(b, 2, 2, 0);
	put32(b, 32);
	put32(b, flags);
	put64(b, offset);
	put64(b, address);
	put64(b, size);
	end_message(b);
}

void make_unmap(struct bytes *b, uint64_t address, uint64_t size, uint32_t flags)
{
	begin(b, 3, 3, 0);
	put32(b, 24);
	put32(b, flags);
	put64(b, address);
	put64(b, size);
	end_message(b);
}

void make_info(struct bytes *b)
{
	begin(b, 4, 4, 0);
	put32(b, 16);
	put32(b, 0);
	put32(b, 0);
	put32(b, 0);
	end_message(b);
}

void make_region_info(struct bytes *b, uint32_t index)
{
	begin(b, 5, 5, 0);
	put32(b, 32);
	put32(b, 0);
	put32(b, index);
	put32(b, 0);
	put64(b, 0);
	put64(b, 0);
	end_message(b);
}

void make_irq_info(struct bytes *b, uint32_t index)
{
	begin(b, 7, 7, 0);
	put32(b, 16);
	put32(b, 0);
	put32(b, index);
	put32(b, 0);
	end_message(b);
}

void make_set_irqs(struct bytes *b, uint32_t flags, uint32_t index, uint32_t start, uint32_t count)
{
	begin(b, 8, 8, 0);
	put32(b, 20);
	put32(b, flags);
	put32(b, index);
	put32(b, start);
	put32(b, count);
	end_message(b);
}

void make_read(struct bytes *b, uint32_t region, uint64_t offset, uint32_t count)
{
	begin(b, 9, 9, 0);
	put64(b, offset);
	put32(b, region);
	put32(b, count);
	end_message(b);
}

void make_write(struct bytes *b, uint32_t region, uint64_t offset, uint32_t count, uint64_t value)
{
	begin(b, 10, 10, 0);
	put64(b, offset);
	put32(b, region);
	put32(b, count);
	put_data(b, &value, count);
	end_message(b);
}

int client_send(int socket, const void *data, size_t len, const int *fds, unsigned fd_count)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(64 * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd_count) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, fd_count * sizeof(int));
	}
	while (iov.iov_len) {
		ssize_t count = sendmsg(socket, &m, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		iov.iov_base = (char *)iov.iov_base + count;
		iov.iov_len -= (size_t)count;
		m.msg_control = NULL;
		m.msg_controllen = 0;
	}
	return 0;
}

static long receive_exactly(int socket, unsigned char *to, size_t len)
{
	size_t have = 0;

	while (have < len) {
		struct pollfd p = {.fd = socket, .events = POLLIN};
		ssize_t count;

		if (poll(&p, 1, 60000) != 1)
			return -1;
		count = recv(socket, to + have, len - have, 0);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return 0;
		have += (size_t)count;
	}
	return (long)have;
}

long client_receive(int socket, struct bytes *into)
{
	long rc = receive_exactly(socket, into->at, 16);

	into->len = 0;
	if (rc <= 0)
		return rc;
	into->len = get32(into, 4);
	if (into->len < 16 || into->len > sizeof(into->at))
		return -1;
	if (into->len > 16)
		rc = receive_exactly(socket, into->at + 16, into->len - 16);
	return rc <= 0 ? rc : (long)into->len;
}

unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}
