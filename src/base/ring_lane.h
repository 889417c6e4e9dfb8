/* SPDX-License-Identifier: MIT */
/*
 * What a thread does in its own lane, in line: this happens millions of times a second. ring.c has the
 * rest of recording.
 */
#ifndef BASE_RING_LANE_H
#define BASE_RING_LANE_H

#include "base/ring_slot.h"

/* The lane that this thread had last. */
struct ring_mine {
	uint64_t ring; /* number of the ring; 0: none */
	struct ring_lane *lane;
	uint32_t thread;
};
extern _Thread_local struct ring_mine ring_mine_ __attribute__((tls_model("initial-exec")));

/* Slots */

static inline struct ring_slot *ring_slot_at(const struct ring_lane *lane, uint64_t index)
{
	return &lane->slots[index & lane->mask];
}

/* The ring is larger than the nearest caches, and readers take its lines away: what is written a copy
 * later is fetched now. Where a lane ends that is of no use, and does no harm. */
static inline void ring_prefetch(const struct ring_slot *slot)
{
	__builtin_prefetch((const void *)((uintptr_t)slot + 4 * sizeof(*slot)), 1);
}

/* Who reads any of it sees that the slot is being written. */
static inline void ring_put_word(struct ring_slot *slot, unsigned word, uint64_t value)
{
	__atomic_store_n(&slot->words[word], value, __ATOMIC_RELEASE);
}

/* Distance back to the innermost open operation's beginning; 0: none, or further than 32 bits say. */
static inline uint32_t ring_distance_to_cause(const struct ring_lane *lane, uint64_t index)
{
	uint64_t distance = lane->depth ? index - lane->open[lane->depth - 1].index : 0;

	return distance > UINT32_MAX ? 0 : (uint32_t)distance;
}

static inline void ring_fill_slot(struct ring_slot *slot, uint64_t ticks,
				  const struct vsva_event *event, uint32_t distance)
{
	ring_put_word(slot, SLOT_TICKS, ticks);
	ring_put_word(slot, SLOT_ADDR, event->addr);
	ring_put_word(slot, SLOT_HPA, event->hpa.v);
	ring_put_word(slot, SLOT_LEN, event->len);
	ring_put_word(slot, SLOT_VALUE, event->value);
	ring_put_word(slot, SLOT_VM_CAUSE, slot_pair(event->vm, distance));
	ring_put_word(slot, SLOT_PASIDS, slot_pair(event->gpasid.v, event->hpasid.v));
	ring_put_word(slot, SLOT_REST, slot_rest(event));
}

/* A slot more is being written. */
static inline struct ring_slot *ring_next_slot(struct ring_lane *lane)
{
	struct ring_slot *slot = ring_slot_at(lane, lane->next);

	__atomic_store_n(&lane->next, lane->next + 1, __ATOMIC_RELAXED);
	ring_prefetch(slot);
	return slot;
}

/* Open runs up to this index are recorded, and maybe more. Before their time is read: see safe_until() of
 * the reader. */
static inline void ring_begin(struct ring_lane *lane, uint64_t end)
{
	__atomic_store_n(&lane->begun, end, __ATOMIC_RELAXED);
}

static inline void ring_end_runs(struct ring_lane *lane, uint64_t end, uint64_t ticks)
{
	for (uint64_t run = lane->head; run < end; run++)
		ring_put_word(ring_slot_at(lane, run), SLOT_TICKS, ticks);
}

/* Everything up to there is whole. */
static inline void ring_end(struct ring_lane *lane, uint64_t end)
{
	__atomic_store_n(&lane->head, end, __ATOMIC_RELEASE);
}

/* It has been begun; open runs end with it. */
static inline void ring_add(struct ring_lane *lane, const struct vsva_event *event, uint64_t ticks)
{
	uint64_t index = lane->next;

	ring_end_runs(lane, index, ticks);
	ring_fill_slot(ring_next_slot(lane), ticks, event, ring_distance_to_cause(lane, index));
	ring_end(lane, index + 1);
}

/* The lane of this thread, if it is known. */
static inline struct ring_lane *ring_known_lane(const struct ring *ring)
{
	return ring_mine_.ring == ring->number ? ring_mine_.lane : NULL;
}

/* As ring_record(), of an event that begins and ends no operation. false: not recorded, it is not as
 * simple as mostly. */
static inline bool ring_record_quickly(const struct ring *ring, const struct vsva_event *event)
{
	struct ring_lane *lane = ring_known_lane(ring);

	if (__builtin_expect(!lane || !ticks_are_counted(), 0))
		return false;
	ring_begin(lane, lane->next + 1);
	ring_add(lane, event, ticks_count());
	return true;
}

/* Runs */

struct ring_run_key {
	uint64_t pasids, rest;
};

static inline struct ring_run_key ring_run_key(const struct ring_access *access)
{
	const struct vsva_event event = {.kind = VSVA_EV_ACCESS,
					 .room = VSVA_ROOM_DEVICE,
					 .rid = access->rid,
					 .write = access->write};

	return (struct ring_run_key){.pasids = slot_pair(VSVA_PASID_INVALID, access->pasid.v),
				     .rest = slot_rest(&event)};
}

static inline bool ring_continue_run(struct ring_lane *lane, struct ring_run_key key,
				     const struct ring_access *access)
{
	for (uint64_t index = lane->head; index < lane->next; index++) {
		struct ring_slot *slot = ring_slot_at(lane, index);
		const uint64_t *words = slot->words;

		if (words[SLOT_ADDR] + words[SLOT_LEN] != access->addr ||
		    words[SLOT_REST] != key.rest || words[SLOT_PASIDS] != key.pasids)
			continue;
		ring_put_word(slot, SLOT_LEN, words[SLOT_LEN] + access->len);
		ring_put_word(slot, SLOT_VALUE, words[SLOT_VALUE] + access->windows);
		return true;
	}
	return false;
}

static inline void ring_begin_run(struct ring_lane *lane, struct ring_run_key key,
				  const struct ring_access *access)
{
	uint32_t distance = ring_distance_to_cause(lane, lane->next);
	struct ring_slot *slot = ring_next_slot(lane);

	ring_put_word(slot, SLOT_ADDR, access->addr);
	ring_put_word(slot, SLOT_HPA, access->hpa.v);
	ring_put_word(slot, SLOT_LEN, access->len);
	ring_put_word(slot, SLOT_VALUE, access->windows);
	ring_put_word(slot, SLOT_VM_CAUSE, slot_pair(0, distance));
	ring_put_word(slot, SLOT_PASIDS, key.pasids);
	ring_put_word(slot, SLOT_REST, key.rest);
}

static inline bool ring_has_place_for_run(const struct ring_lane *lane)
{
	return lane->next - lane->head < RING_RUNS;
}

/* As ring_record_access(). false: not recorded, it is not as simple as mostly. */
static inline bool ring_record_access_quickly(const struct ring *ring,
					      const struct ring_access *access)
{
	struct ring_lane *lane = ring_known_lane(ring);
	struct ring_run_key key = ring_run_key(access);

	if (__builtin_expect(!lane, 0))
		return false;
	if (ring_continue_run(lane, key, access))
		return true;
	if (__builtin_expect(!ring_has_place_for_run(lane), 0))
		return false;
	ring_begin_run(lane, key, access);
	return true;
}

#endif
