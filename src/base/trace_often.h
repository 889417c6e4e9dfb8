/* SPDX-License-Identifier: MIT */
/*
 * Events of every copy. Where only the ring listens, as it may for days, they take a short way: a short copy
 * is some thousand instructions, and an event that is made in memory and then put into the ring is two
 * hundred.
 */
#ifndef BASE_TRACE_OFTEN_H
#define BASE_TRACE_OFTEN_H

#include "base/ring_lane.h"
#include "base/trace.h"

void trace_emit_hop(const struct trace *trace, enum vsva_event_kind kind, rid_t rid, hpasid_t pasid,
		    uint64_t value, uint64_t addr);
/* The ring hears of it all at once, others of the first bytes, then page by page. */
void trace_emit_rare_access(const struct trace *trace, const struct ring_access *access,
			    uint64_t first);

static inline bool trace_is_observed(const struct trace *trace)
{
	return (uintptr_t)trace->observer | *(volatile unsigned short *)&vsva_event_semaphore;
}

/* A descriptor reaches a device or leaves it: TRACE(trace, DEVICE, kind, .rid = …, …). Of a kind that
 * begins and ends no operation. */
static inline void trace_hop(const struct trace *trace, enum vsva_event_kind kind, rid_t rid,
			     hpasid_t pasid, uint64_t value, uint64_t addr)
{
	if (__builtin_expect(trace_is_on(trace), 0))
		trace_emit_hop(trace, kind, rid, pasid, value, addr);
}

/* A device touches memory: for the ring all of it at once. Only where trace_is_on(). */
static inline void trace_emit_access(const struct trace *trace, const struct ring_access *access,
				     uint64_t first)
{
	const struct ring *ring = __atomic_load_n(&trace->ring, __ATOMIC_ACQUIRE);

	/* only a copy has an address that others are told: the rest stays in registers */
	if (__builtin_expect(!ring || trace_is_observed(trace) ||
				     !ring_record_access_quickly(ring, access),
			     0)) {
		struct ring_access rare = *access;

		trace_emit_rare_access(trace, &rare, first);
	}
}

#endif
