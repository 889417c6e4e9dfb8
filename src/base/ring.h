/* SPDX-License-Identifier: MIT */
/*
 * The ring: the last events of each thread, for who asks what has happened.
 *
 *   lane    what one thread has recorded; only that thread writes it, without a lock and without a
 *           wait. The oldest is overwritten. A lane whose thread is dead is given to a new one when
 *           there is no other.
 *   slot    one event: 64 bytes, a cache line
 *   run     accesses of a device that follow one another in memory: one event. It is in its slot from
 *           the first of them on, but gets its time, and is recorded, when the thread's next event is
 *   cause   the operation that the thread was inside of (bind … bind-done): the event that began it
 *   reader  merges the lanes by time; whom it does not keep up with it has lost, and counts
 *
 * | may run at once with | record | read, same reader | read, another | last put |
 * | record               | yes    | yes               | yes           | no       |
 *
 * The machine holds a reference to its ring, and so does every reader: whoever reads while the machine
 * goes reads to the end what was recorded. Recording takes none: nobody records when the machine is gone.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include "base/ticks.h"
#include "vsva/trace.h"

#define RING_LANES     64u
#define RING_SLOTS     4096u /* of a lane, unless asked otherwise */
#define RING_SLOTS_MIN 64u
#define RING_SLOTS_MAX (1u << 20)
#define RING_DEPTH     8u  /* operations inside one another; deeper ones are no cause */
#define RING_WORDS     8u  /* of a slot */
#define RING_ID_BITS   48u /* of an event's id: its index in the lane; above: lane */
#define RING_LAST_SPACE                                                                            \
	10u /* ticks that a store may be seen later than the counter was read, lg2 */

struct ring_slot {
	uint64_t words[RING_WORDS]; /* atomic */
} __attribute__((aligned(64)));

/* The open operation of a lane. */
struct ring_open {
	enum vsva_event_kind kind;
	uint64_t index;
};

/* Runs that a lane has open, at most. A copy has two, its completion record is a third. */
#define RING_RUNS 4u

/* What a copy needs is in one cache line: it has put everything else out of the nearest cache. */
struct ring_lane {
	/* atomic, written by the owner */
	uint64_t head;  /* events recorded: before it all slots are whole */
	uint64_t begun; /* beyond head while events are being recorded: where they end */
	uint64_t next;  /* the first that nobody has written to: from head to there are open runs */
	/* the owner's */
	struct ring_slot *slots;
	uint32_t mask; /* of an index: its slot */
	unsigned depth;
	struct ring_open open[RING_DEPTH];
	/* atomic */
	uint64_t floor; /* events before it were a dead thread's: gone */
	uint32_t owner; /* thread id; 0: nobody's yet */
} __attribute__((aligned(64)));

struct ring {
	uint64_t references; /* atomic */
	uint64_t number;     /* no other ring of this process has it */
	uint32_t slots;      /* of a lane: a power of two */
	struct ticks_point start;
	struct ring_slot *memory;
	uint64_t homeless; /* atomic: events of threads that got no lane */
	struct ring_lane lanes[RING_LANES];
};

/* With a reference, the caller's. slots: of each lane, 0: RING_SLOTS; rounded up to a power of two. NULL:
 * no memory. */
struct ring *ring_create(uint32_t slots);
/* Whoever has a reference may take another one. */
void ring_get(struct ring *ring);
/* With the last reference it goes; no thread records any more then. NULL is ignored. */
void ring_put(struct ring *ring);
/* What a device touches at once: so many windows, one behind the other. */
struct ring_access {
	rid_t rid;
	hpasid_t pasid;
	bool write;
	uint64_t addr, len;
	hpa_t hpa; /* of the first */
	uint64_t windows;
};

/* Any thread; takes no lock, allocates nothing. */
void ring_record(struct ring *ring, const struct vsva_event *event);
/* Likewise; an ACCESS, in one event with those that it goes on. */
void ring_record_access(struct ring *ring, const struct ring_access *access);

/* It holds a reference. NULL: no memory. from_oldest: what is in the ring too, else only what comes. */
struct vsva_trace_reader *ring_reader_create(struct ring *ring, bool from_oldest);

#endif
