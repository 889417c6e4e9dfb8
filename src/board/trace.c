/* SPDX-License-Identifier: MIT */
/* The machine's ring of events. */
#include <errno.h>

#include "board/machine.h"

/* Of two that make one, one is thrown away. */
static struct ring *make_ring(struct vsva_machine *machine, uint32_t events)
{
	struct ring *ring = ring_create(events), *before = NULL;

	if (!ring || __atomic_compare_exchange_n(&machine->ring, &before, ring, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return ring;
	ring_put(ring);
	return before;
}

int vsva_machine_trace_start(struct vsva_machine *machine, uint32_t events)
{
	struct ring *ring = __atomic_load_n(&machine->ring, __ATOMIC_ACQUIRE);

	if (events > RING_SLOTS_MAX)
		return -EINVAL;
	if (!ring)
		ring = make_ring(machine, events);
	if (!ring)
		return -ENOMEM;
	__atomic_store_n(&machine->trace.ring, ring, __ATOMIC_RELEASE);
	return 0;
}

void vsva_machine_trace_stop(struct vsva_machine *machine)
{
	__atomic_store_n(&machine->trace.ring, NULL, __ATOMIC_RELEASE);
}

bool vsva_machine_trace_is_on(const struct vsva_machine *machine)
{
	return __atomic_load_n(&machine->trace.ring, __ATOMIC_RELAXED) != NULL;
}

int vsva_machine_trace_reader(struct vsva_machine *machine, bool from_oldest,
			      struct vsva_trace_reader **out)
{
	struct ring *ring = __atomic_load_n(&machine->ring, __ATOMIC_ACQUIRE);

	if (!ring)
		return -ENOENT;
	*out = ring_reader_create(ring, from_oldest);
	return *out ? 0 : -ENOMEM;
}
