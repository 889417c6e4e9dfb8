/* SPDX-License-Identifier: MIT */
/* The last events of a source, each with what led to it. */
#ifndef CLI_REPORT_EVENTS_H
#define CLI_REPORT_EVENTS_H

#include "cli/events.h"

/* So many are kept. */
#define REPORT_EVENTS_MAX 4096u

struct report_event {
	struct traced event;
	bool has_from;
	uint64_t from_id; /* of the event that led to it */
	enum vsva_room from_room;
};

struct report_events;

/* A snapshot's events are those that it has; of a vsva that runs, what its ring holds and what comes. NULL:
 * complained. */
struct report_events *report_events_open(const struct view_source *source);
void report_events_close(struct report_events *events);
/* Takes what comes in so many milliseconds; of a file all there is, at once. */
void report_events_take(struct report_events *events, unsigned ms);

/* How many are kept, the oldest of them first; how many more there were; how many nobody saw. */
size_t report_events_count(const struct report_events *events);
const struct report_event *report_events_at(const struct report_events *events, size_t index);
uint64_t report_events_before(const struct report_events *events);
uint64_t report_events_lost(const struct report_events *events);
const struct names *report_events_names(const struct report_events *events);

#endif
