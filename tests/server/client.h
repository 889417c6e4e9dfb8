/* SPDX-License-Identifier: MIT */
/*
 * A client that knows the protocol by its literal offsets and shares no definition with the server:
 * what it sends and expects is written out from the specification.
 */
#ifndef TESTS_SERVER_CLIENT_H
#define TESTS_SERVER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#define CLIENT_MESSAGE_MAX (1u << 21)

struct bytes {
	size_t len;
	unsigned char at[CLIENT_MESSAGE_MAX];
};

/* What QEMU 11 sends. */
extern const char client_qemu_capabilities[];

void put16(struct bytes *b, uint16_t v);
void put32(struct bytes *b, uint32_t v);
void put64(struct bytes *b, uint64_t v);
void put_data(struct bytes *b, const void *data, size_t len);
uint16_t get16(const struct bytes *b, size_t at);
uint32_t get32(const struct bytes *b, size_t at);
uint64_t get64(const struct bytes *b, size_t at);

/* Starts a command; end_message() fills its size in. */
void begin(struct bytes *b, uint16_t id, uint16_t command, uint32_t flags);
void end_message(struct bytes *b);

void make_version(struct bytes *b, const char *json);
void make_map(struct bytes *b, uint64_t address, uint64_t size, uint64_t offset, uint32_t flags);
void make_unmap(struct bytes *b, uint64_t address, uint64_t size, uint32_t flags);
void make_info(struct bytes *b);
void make_region_info(struct bytes *b, uint32_t index);
void make_irq_info(struct bytes *b, uint32_t index);
void make_set_irqs(struct bytes *b, uint32_t flags, uint32_t index, uint32_t start, uint32_t count);
void make_read(struct bytes *b, uint32_t region, uint64_t offset, uint32_t count);
void make_write(struct bytes *b, uint32_t region, uint64_t offset, uint32_t count, uint64_t value);

/* Blocking; -1 and errno if the server is gone. fds may be NULL. */
int client_send(int socket, const void *data, size_t len, const int *fds, unsigned fd_count);
/* Reads one message; its length, 0 at the end of the stream, -1 after five seconds without one. */
long client_receive(int socket, struct bytes *into);

/* Descriptors this process has open. */
unsigned count_fds(void);

#endif
