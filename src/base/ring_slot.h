/* SPDX-License-Identifier: MIT */
/* What the words of a slot are. Only ring*.c includes it. */
#ifndef BASE_RING_SLOT_H
#define BASE_RING_SLOT_H

#include "base/ring.h"

enum {
	SLOT_TICKS,
	SLOT_ADDR,
	SLOT_HPA,
	SLOT_LEN,
	SLOT_VALUE,
	SLOT_VM_CAUSE, /* VM; above: how many events of the lane ago its cause was, 0: none */
	SLOT_PASIDS,   /* the guest's; above: the host's */
	SLOT_REST,     /* kind 8 bits, room 7, write 1, rid 16, result 32 */
};

static inline uint64_t slot_pair(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

static inline uint64_t slot_rest(const struct vsva_event *event)
{
	return (uint64_t)(uint8_t)event->kind | (uint64_t)event->room << 8 |
	       (uint64_t)event->write << 15 | (uint64_t)event->rid.v << 16 |
	       (uint64_t)(uint32_t)event->result << 32;
}

/* The event of a slot; *distance: to its cause. */
static inline void slot_decode(const uint64_t words[RING_WORDS], struct vsva_event *event,
			       uint32_t *distance)
{
	uint64_t rest = words[SLOT_REST];

	*event = (struct vsva_event){
		.kind = (enum vsva_event_kind)(uint8_t)rest,
		.room = (enum vsva_room)(rest >> 8 & 0x7f),
		.write = rest >> 15 & 1,
		.rid = rid((uint16_t)(rest >> 16)),
		.result = (int)(uint32_t)(rest >> 32),
		.vm = (uint32_t)words[SLOT_VM_CAUSE],
		.gpasid = gpasid((uint32_t)words[SLOT_PASIDS]),
		.hpasid = hpasid((uint32_t)(words[SLOT_PASIDS] >> 32)),
		.addr = words[SLOT_ADDR],
		.hpa = hpa(words[SLOT_HPA]),
		.len = words[SLOT_LEN],
		.value = words[SLOT_VALUE],
	};
	*distance = (uint32_t)(words[SLOT_VM_CAUSE] >> 32);
}

#endif
