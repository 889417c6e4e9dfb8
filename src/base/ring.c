/* SPDX-License-Identifier: MIT */
/* Recording. ring_reader.c has the other end. */
#include "base/ring.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/operation.h"
#include "base/ring_slot.h"

_Thread_local struct ring_mine ring_mine_ __attribute__((tls_model("initial-exec")));

static uint64_t ring_numbers; /* atomic */

/* Life */

static size_t memory_len(const struct ring *ring)
{
	return (size_t)ring->slots * RING_LANES * sizeof(struct ring_slot);
}

/* Mapped, not allocated: a lane that nobody writes costs nothing. */
static bool map_slots(struct ring *ring)
{
	void *memory = FAIL_CALL(MAP_FAILED, ENOMEM,
				 mmap(NULL, memory_len(ring), PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	if (memory == MAP_FAILED)
		return false;
	ring->memory = memory;
	for (unsigned i = 0; i < RING_LANES; i++)
		ring->lanes[i].slots = ring->memory + (size_t)i * ring->slots;
	return true;
}

static uint32_t round_up(uint32_t slots)
{
	uint32_t rounded = RING_SLOTS_MIN;

	while (rounded < slots && rounded < RING_SLOTS_MAX)
		rounded *= 2;
	return rounded;
}

struct ring *ring_create(uint32_t slots)
{
	struct ring *ring = base_zalloc_aligned(_Alignof(struct ring), sizeof(*ring));

	if (!ring)
		return NULL;
	ring->slots = round_up(slots ? slots : RING_SLOTS);
	if (!map_slots(ring)) {
		base_free(ring);
		return NULL;
	}
	ring->references = 1;
	ring->number = __atomic_add_fetch(&ring_numbers, 1, __ATOMIC_RELAXED);
	ring->start = ticks_point_now();
	return ring;
}

void ring_get(struct ring *ring)
{
	__atomic_fetch_add(&ring->references, 1, __ATOMIC_RELAXED);
}

void ring_put(struct ring *ring)
{
	if (!ring || __atomic_sub_fetch(&ring->references, 1, __ATOMIC_ACQ_REL))
		return;
	munmap(ring->memory, memory_len(ring));
	base_free(ring);
}

/* Lanes */

static bool is_dead(uint32_t thread)
{
	return syscall(SYS_tgkill, getpid(), thread, 0) < 0 && errno == ESRCH;
}

/* What a dead thread has left goes: a reader must not take it for ours. */
static bool take_lane(struct ring_lane *lane, uint32_t before, uint32_t thread)
{
	uint32_t expected = before;

	/* two threads may find the same lane; a number no thread can have keeps others off */
	if (!__atomic_compare_exchange_n(&lane->owner, &expected, UINT32_MAX, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&lane->floor, lane->head, __ATOMIC_RELEASE);
	lane->depth = 0;
	memset(lane->runs, 0, sizeof(lane->runs));
	__atomic_store_n(&lane->owner, thread, __ATOMIC_RELEASE);
	return true;
}

static struct ring_lane *own_lane(struct ring *ring, uint32_t thread)
{
	for (unsigned i = 0; i < RING_LANES; i++)
		if (__atomic_load_n(&ring->lanes[i].owner, __ATOMIC_RELAXED) == thread)
			return &ring->lanes[i];
	return NULL;
}

static struct ring_lane *new_lane(struct ring *ring, uint32_t thread)
{
	for (unsigned i = 0; i < RING_LANES; i++)
		if (!__atomic_load_n(&ring->lanes[i].owner, __ATOMIC_RELAXED) &&
		    take_lane(&ring->lanes[i], 0, thread))
			return &ring->lanes[i];
	for (unsigned i = 0; i < RING_LANES; i++) {
		uint32_t owner = __atomic_load_n(&ring->lanes[i].owner, __ATOMIC_RELAXED);

		if (owner != UINT32_MAX && is_dead(owner) &&
		    take_lane(&ring->lanes[i], owner, thread))
			return &ring->lanes[i];
	}
	return NULL;
}

/* Once for a thread, and when it works for several machines. */
static __attribute__((noinline, cold)) struct ring_lane *find_lane(struct ring *ring)
{
	if (!ring_mine_.thread)
		ring_mine_.thread = (uint32_t)syscall(SYS_gettid);
	ring_mine_.lane = own_lane(ring, ring_mine_.thread);
	if (!ring_mine_.lane)
		ring_mine_.lane = new_lane(ring, ring_mine_.thread);
	ring_mine_.ring = ring->number;
	return ring_mine_.lane;
}

static inline struct ring_lane *lane_of(struct ring *ring)
{
	if (__builtin_expect(ring_mine_.ring == ring->number, 1))
		return ring_mine_.lane;
	return find_lane(ring);
}

/* Causes */

static_assert(VSVA_EV_KIND_COUNT <= 256, "a kind is a byte of a slot");

/* Distance back to the innermost open operation's beginning; 0: none, or further than 32 bits say. */
static uint32_t distance_to_cause(const struct ring_lane *lane, uint64_t index)
{
	uint64_t distance = lane->depth ? index - lane->open[lane->depth - 1].index : 0;

	return distance > UINT32_MAX ? 0 : (uint32_t)distance;
}

static void open_operation(struct ring_lane *lane, enum vsva_event_kind kind, uint64_t index)
{
	if (operation_end(kind) == VSVA_EV_KIND_COUNT || lane->depth == RING_DEPTH)
		return;
	lane->open[lane->depth++] = (struct ring_open){.kind = kind, .index = index};
}

/* What was begun inside and has not ended has been given up. An end without a beginning is none. */
static void close_operation(struct ring_lane *lane, enum vsva_event_kind kind)
{
	if (!operation_is_end(kind))
		return;
	for (unsigned depth = lane->depth; depth > 0; depth--)
		if (operation_end(lane->open[depth - 1].kind) == kind) {
			lane->depth = depth - 1;
			return;
		}
}

/* Slots */

/* Who reads any of it sees that the slot was begun. */
static inline void put(struct ring_slot *slot, unsigned word, uint64_t value)
{
	__atomic_store_n(&slot->words[word], value, __ATOMIC_RELEASE);
}

static inline void fill(struct ring_slot *slot, const struct vsva_event *event, uint32_t distance)
{
	put(slot, SLOT_ADDR, event->addr);
	put(slot, SLOT_HPA, event->hpa.v);
	put(slot, SLOT_LEN, event->len);
	put(slot, SLOT_VALUE, event->value);
	put(slot, SLOT_VM_CAUSE, slot_pair(event->vm, distance));
	put(slot, SLOT_PASIDS, slot_pair(event->gpasid.v, event->hpasid.v));
	put(slot, SLOT_REST, slot_rest(event));
}

/* The next slot, marked as being written. */
static inline struct ring_slot *begin_slot(const struct ring *ring, struct ring_lane *lane)
{
	__atomic_store_n(&lane->begun, lane->head + 1, __ATOMIC_RELAXED);
	return &lane->slots[lane->head & (ring->slots - 1)];
}

static inline void end_slot(const struct ring *ring, struct ring_lane *lane)
{
	__atomic_store_n(&lane->head, lane->head + 1, __ATOMIC_RELEASE);
	/* the ring is larger than the nearest caches */
	__builtin_prefetch(&lane->slots[(lane->head + 1) & (ring->slots - 1)], 1);
}

/* Runs */

static void put_run(const struct ring *ring, struct ring_lane *lane, struct ring_run *run,
		    uint64_t ticks)
{
	struct vsva_event event = {
		.kind = VSVA_EV_ACCESS,
		.room = VSVA_ROOM_DEVICE,
		.rid = rid((uint16_t)(run->key >> 32)),
		.write = run->key >> 48 & 1,
		.gpasid = gpasid(VSVA_PASID_INVALID),
		.hpasid = hpasid((uint32_t)run->key),
		.addr = run->addr,
		.hpa = run->hpa,
		.len = run->end - run->addr,
		.value = run->windows,
	};
	struct ring_slot *slot = begin_slot(ring, lane);

	put(slot, SLOT_TICKS, ticks);
	fill(slot, &event, distance_to_cause(lane, lane->head));
	end_slot(ring, lane);
	run->key = 0;
}

static void put_runs(const struct ring *ring, struct ring_lane *lane, uint64_t ticks)
{
	for (unsigned i = 0; i < RING_RUNS; i++)
		if (lane->runs[i].key)
			put_run(ring, lane, &lane->runs[i], ticks);
	lane->next_run = 0;
}

/* The time of a slot must be read after it was begun: see safe_until() of the reader. */
static uint64_t stamp(struct ring_lane *lane)
{
	__atomic_store_n(&lane->begun, lane->head + 1, __ATOMIC_RELAXED);
	return ticks_now();
}

void ring_begin_run(struct ring *ring, const struct ring_access *access)
{
	struct ring_lane *lane = lane_of(ring);
	struct ring_run *run;

	if (__builtin_expect(!lane, 0)) {
		__atomic_fetch_add(&ring->homeless, 1, __ATOMIC_RELAXED);
		return;
	}
	run = &lane->runs[lane->next_run];
	if (run->key)
		put_run(ring, lane, run, stamp(lane));
	lane->next_run = (lane->next_run + 1) % RING_RUNS;
	*run = (struct ring_run){.key = ring_run_key(access->rid, access->pasid, access->write),
				 .addr = access->addr,
				 .end = access->addr + access->len,
				 .hpa = access->hpa,
				 .windows = 1};
}

/* Recording */

void ring_record(struct ring *ring, const struct vsva_event *event)
{
	struct ring_lane *lane = lane_of(ring);
	struct ring_slot *slot;
	uint64_t ticks;

	if (__builtin_expect(!lane, 0)) {
		__atomic_fetch_add(&ring->homeless, 1, __ATOMIC_RELAXED);
		return;
	}
	ticks = stamp(lane);
	put_runs(ring, lane, ticks);
	slot = begin_slot(ring, lane);
	put(slot, SLOT_TICKS, ticks);
	fill(slot, event, distance_to_cause(lane, lane->head));
	close_operation(lane, event->kind);
	open_operation(lane, event->kind, lane->head);
	end_slot(ring, lane);
}
