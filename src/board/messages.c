/* SPDX-License-Identifier: MIT */
#include "board/messages.h"

#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rcu.h"

#define MESSAGE_ADDRESS UINT64_C(0xfee00000)
#define FIRST_VECTOR    0x30u

void messages_init(struct messages *messages)
{
	*messages = (struct messages){0};
}

int messages_alloc(struct messages *messages, void (*handler)(void *arg), void *arg,
		   uint64_t *address, uint32_t *data)
{
	for (uint32_t i = 0; i < MESSAGES_COUNT; i++) {
		struct message_handler *slot;

		if (messages->slots[i])
			continue;
		slot = base_zalloc(sizeof(*slot));
		if (!slot)
			return -ENOMEM;
		*slot = (struct message_handler){.handler = handler, .arg = arg};
		rcu_publish(messages->slots[i], slot);
		*address = MESSAGE_ADDRESS;
		*data = FIRST_VECTOR + i;
		return 0;
	}
	return -ENOSPC;
}

void messages_free(struct messages *messages, uint64_t address, uint32_t data)
{
	uint32_t i = data - FIRST_VECTOR;
	struct message_handler *slot;

	if (address != MESSAGE_ADDRESS || i >= MESSAGES_COUNT || !messages->slots[i])
		return;
	slot = messages->slots[i];
	rcu_publish(messages->slots[i], NULL);
	rcu_synchronize();
	base_free(slot);
}

void messages_deliver(struct messages *messages, uint64_t address, uint32_t data)
{
	uint32_t i = data - FIRST_VECTOR;
	struct message_handler *slot = NULL;

	rcu_read_lock();
	if (address == MESSAGE_ADDRESS && i < MESSAGES_COUNT)
		slot = rcu_load(messages->slots[i]);
	if (slot)
		slot->handler(slot->arg);
	rcu_read_unlock();
	if (!slot)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_MESSAGE_LOST,
			    "unit: message %#x to %#llx reaches nobody", data,
			    (unsigned long long)address);
}
