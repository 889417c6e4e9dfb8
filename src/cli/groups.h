/* SPDX-License-Identifier: MIT */
/*
 * The contract of page requests, checked from the outside, from the events alone (vsva/trace.h):
 * each group that a device asks for is answered once, and nothing is answered that was not asked
 * for, whoever dies meanwhile. A reset of the device changes nothing: who owes the answer does not
 * know of it. Only a reset of the unit loses requests: what was open then may be answered, once.
 *
 * Threads: groups_observe() from any thread, also inside the library's locks: it takes one lock of
 * its own. The rest by one thread.
 */
#ifndef CLI_GROUPS_H
#define CLI_GROUPS_H

#include "vsva/trace.h"

struct groups;

/* NULL: no memory. */
struct groups *groups_create(void);
void groups_destroy(struct groups *groups);

void groups_observe(struct groups *groups, const struct vsva_event *event);

struct groups_counts {
	uint64_t asked, answered;
	uint64_t open;  /* asked and not answered now */
	uint64_t lost;  /* to a reset of the unit */
	uint64_t wrong; /* answered twice, or never asked for; or nobody had memory to count */
};
void groups_get_counts(struct groups *groups, struct groups_counts *out);

#endif
