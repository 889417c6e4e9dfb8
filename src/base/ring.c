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
#include "base/ring_lane.h"

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
	for (unsigned i = 0; i < RING_LANES; i++) {
		ring->lanes[i].slots = ring->memory + (size_t)i * ring->slots;
		ring->lanes[i].mask = ring->slots - 1;
	}
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
	__atomic_store_n(&lane->next, lane->head, __ATOMIC_RELAXED);
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
static __attribute__((noinline, cold)) void find_lane(struct ring *ring)
{
	struct ring_mine *mine = &ring_mine_;

	if (!mine->thread)
		mine->thread = (uint32_t)syscall(SYS_gettid);
	mine->lane = own_lane(ring, mine->thread);
	if (!mine->lane)
		mine->lane = new_lane(ring, mine->thread);
	mine->ring = ring->number;
}

/* NULL: there is none for this thread, and an event more is lost. */
static struct ring_lane *lane_of(struct ring *ring)
{
	if (__builtin_expect(ring_mine_.ring != ring->number, 0))
		find_lane(ring);
	if (__builtin_expect(!ring_mine_.lane, 0))
		__atomic_fetch_add(&ring->homeless, 1, __ATOMIC_RELAXED);
	return ring_mine_.lane;
}

/* Causes */

static_assert(VSVA_EV_KIND_COUNT <= 256, "a kind is a byte of a slot");

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

/* Recording */

void ring_record(struct ring *ring, const struct vsva_event *event)
{
	struct ring_lane *lane = lane_of(ring);
	uint64_t index;

	if (__builtin_expect(!lane, 0))
		return;
	index = lane->next;
	ring_begin(lane, index + 1);
	ring_add(lane, event, ticks_now());
	close_operation(lane, event->kind);
	open_operation(lane, event->kind, index);
}

static void end_oldest_run(struct ring_lane *lane)
{
	uint64_t end = lane->head + 1;

	ring_begin(lane, end);
	ring_end_runs(lane, end, ticks_now());
	ring_end(lane, end);
}

void ring_record_access(struct ring *ring, const struct ring_access *access)
{
	struct ring_lane *lane = lane_of(ring);
	struct ring_run_key key = ring_run_key(access);

	if (!lane || ring_continue_run(lane, key, access))
		return;
	if (!ring_has_place_for_run(lane))
		end_oldest_run(lane);
	ring_begin_run(lane, key, access);
}
