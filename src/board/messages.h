/* SPDX-License-Identifier: MIT */
/* The wires of the unit's event messages: which handler a (address, data) pair reaches. */
#ifndef BOARD_MESSAGES_H
#define BOARD_MESSAGES_H

#include <stdint.h>

#define MESSAGES_COUNT 16 /* a driver needs two or three */

struct message_handler {
	void (*handler)(void *arg);
	void *arg;
};

struct messages {
	struct message_handler *slots[MESSAGES_COUNT]; /* RCU */
};

void messages_init(struct messages *messages);
/* 0; -ENOSPC; -ENOMEM. One caller at a time. */
int messages_alloc(struct messages *messages, void (*handler)(void *arg), void *arg,
		   uint64_t *address, uint32_t *data);
/* No call of the handler is running or comes later when it returns. */
void messages_free(struct messages *messages, uint64_t address, uint32_t data);
/* Any thread. A message that nobody asked for is dropped with a line in the log. */
void messages_deliver(struct messages *messages, uint64_t address, uint32_t data);

#endif
