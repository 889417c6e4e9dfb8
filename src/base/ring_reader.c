/* SPDX-License-Identifier: MIT */
/* Reading: a merge of the lanes by time, while threads record. */
#include <string.h>

#include "base/alloc.h"
#include "base/ring_slot.h"

/* How often a lane is looked at whose thread is in the middle of an event. */
#define PATIENCE 1000

/* The next event of a lane, if it has one that is not told yet. */
struct ahead {
	bool is_there;
	uint64_t ticks;
	struct vsva_record record; /* without its time */
};

struct vsva_trace_reader {
	struct ring *ring;
	uint64_t lost;     /* since the last read */
	uint64_t homeless; /* of the ring's, told */
	uint64_t last_ns;  /* time never goes back */
	uint64_t tails[RING_LANES];
	struct ahead ahead[RING_LANES];
};

static uint64_t head_of(const struct ring_lane *lane)
{
	return __atomic_load_n(&lane->head, __ATOMIC_ACQUIRE);
}

/* Where the slots end that may be being written. */
static uint64_t end_of(const struct ring_lane *lane)
{
	return __atomic_load_n(&lane->next, __ATOMIC_RELAXED);
}

/* The oldest event that is surely whole: slots behind it are being overwritten, or the next will be. */
static uint64_t oldest_of(const struct ring *ring, const struct ring_lane *lane, uint64_t head)
{
	uint64_t floor = __atomic_load_n(&lane->floor, __ATOMIC_ACQUIRE), end = end_of(lane);
	uint64_t oldest;

	if (end <= head)
		end = head + 1;
	oldest = end >= ring->slots ? end - ring->slots : 0;
	return oldest > floor ? oldest : floor;
}

struct vsva_trace_reader *ring_reader_create(struct ring *ring, bool from_oldest)
{
	struct vsva_trace_reader *reader = base_zalloc(sizeof(*reader));

	if (!reader)
		return NULL;
	ring_get(ring);
	reader->ring = ring;
	reader->homeless = __atomic_load_n(&ring->homeless, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < RING_LANES; i++) {
		uint64_t head = head_of(&ring->lanes[i]);

		reader->tails[i] = from_oldest ? oldest_of(ring, &ring->lanes[i], head) : head;
	}
	return reader;
}

void vsva_trace_reader_destroy(struct vsva_trace_reader *reader)
{
	if (!reader)
		return;
	ring_put(reader->ring);
	base_free(reader);
}

/* One event */

static void copy_slot(const struct ring_slot *slot, uint64_t words[RING_WORDS])
{
	for (unsigned i = 0; i < RING_WORDS; i++)
		words[i] = __atomic_load_n(&slot->words[i], __ATOMIC_ACQUIRE);
}

static void keep(struct ahead *ahead, const uint64_t words[RING_WORDS], unsigned lane,
		 uint64_t index, uint32_t thread)
{
	uint64_t id = (uint64_t)(lane + 1) << RING_ID_BITS | index;
	uint32_t distance;

	ahead->is_there = true;
	ahead->ticks = words[SLOT_TICKS];
	slot_decode(words, &ahead->record.event, &distance);
	ahead->record.id = id;
	ahead->record.cause = distance ? id - distance : 0;
	ahead->record.thread = thread;
}

/* Takes the next event of a lane out, if there is one. What is overwritten meanwhile is lost. */
static void fetch(struct vsva_trace_reader *reader, unsigned number)
{
	struct ring *ring = reader->ring;
	struct ring_lane *lane = &ring->lanes[number];
	uint64_t *tail = &reader->tails[number], words[RING_WORDS];

	while (!reader->ahead[number].is_there) {
		uint64_t head = head_of(lane), oldest = oldest_of(ring, lane, head);
		uint32_t thread = __atomic_load_n(&lane->owner, __ATOMIC_RELAXED);

		if (*tail < oldest) {
			reader->lost += oldest - *tail;
			*tail = oldest;
		}
		if (*tail >= head)
			return;
		copy_slot(&lane->slots[*tail & (ring->slots - 1)], words);
		/* still whole, and of this thread? */
		if (end_of(lane) > *tail + ring->slots ||
		    __atomic_load_n(&lane->floor, __ATOMIC_RELAXED) > *tail)
			continue;
		keep(&reader->ahead[number], words, number, *tail, thread);
		++*tail;
	}
}

/* The merge */

static uint64_t ticks_of(const struct ring *ring, const struct ring_lane *lane, uint64_t index)
{
	const struct ring_slot *slot = &lane->slots[index & (ring->slots - 1)];

	return __atomic_load_n(&slot->words[SLOT_TICKS], __ATOMIC_RELAXED);
}

/* Events up to this time are all there: none that is recorded from now on is older. */
static uint64_t safe_until(struct ring *ring)
{
	uint64_t until = ticks_now() - (UINT64_C(1) << RING_LAST_SPACE);

	/* a full barrier */
	__atomic_fetch_add(&ring->homeless, 0, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < RING_LANES; i++) {
		struct ring_lane *lane = &ring->lanes[i];
		uint64_t begun = __atomic_load_n(&lane->begun, __ATOMIC_ACQUIRE);
		uint64_t head = head_of(lane), last;

		for (int n = 0; n < PATIENCE && head < begun; n++)
			head = head_of(lane);
		if (head >= begun)
			continue;
		/* its thread sleeps in the middle: the events are at least as late as the one before */
		last = head ? ticks_of(ring, lane, head - 1) : ring->start.ticks;
		if (last < until)
			until = last;
	}
	return until;
}

static struct ahead *earliest(struct vsva_trace_reader *reader, uint64_t until)
{
	struct ahead *first = NULL;

	for (unsigned i = 0; i < RING_LANES; i++) {
		struct ahead *ahead = &reader->ahead[i];

		fetch(reader, i);
		if (ahead->is_there && ahead->ticks <= until &&
		    (!first || ahead->ticks < first->ticks))
			first = ahead;
	}
	return first;
}

static void deliver(struct vsva_trace_reader *reader, struct ahead *ahead,
		    const struct ticks_point *now, struct vsva_record *out)
{
	uint64_t ns = ticks_to_ns(ahead->ticks, &reader->ring->start, now);

	if (ns < reader->last_ns)
		ns = reader->last_ns;
	reader->last_ns = ns;
	*out = ahead->record;
	out->time_ns = ns;
	ahead->is_there = false;
}

static uint64_t take_lost(struct vsva_trace_reader *reader)
{
	uint64_t homeless = __atomic_load_n(&reader->ring->homeless, __ATOMIC_RELAXED);
	uint64_t lost = reader->lost + homeless - reader->homeless;

	reader->homeless = homeless;
	reader->lost = 0;
	return lost;
}

size_t vsva_trace_read(struct vsva_trace_reader *reader, struct vsva_record *out, size_t max,
		       uint64_t *lost)
{
	uint64_t until = safe_until(reader->ring);
	struct ticks_point now = ticks_point_now();
	struct ahead *next;
	size_t count = 0;

	while (count < max && (next = earliest(reader, until)))
		deliver(reader, next, &now, &out[count++]);
	*lost = take_lost(reader);
	return count;
}
