/* SPDX-License-Identifier: MIT */
/*
 * Events from a source: a vsva that runs, through its control socket, or a file that `vsva run --trace`,
 * `vsva trace -j` or `vsva snapshot` has written. Who reads them does not ask which it is.
 *
 *   struct events *events = events_open(&source, NULL);
 *   while (events_next(events, &traced, -1) == EVENTS_ONE)
 *           …;
 *   events_close(events);
 *
 * Threads: one.
 */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "cli/names.h"
#include "cli/owners.h"
#include "cli/view/view.h"

struct events;

struct traced {
	struct vsva_record record;
	struct owner owner; /* of the event itself, or as far as events before it tell */
	uint64_t lost;      /* events that came between the one before and this one */
};

/* What is asked of a vsva that runs; a file has what it has. */
struct events_wanted {
	bool kinds[VSVA_EV_KIND_COUNT]; /* others may come too: they tell whose things are */
	bool from_oldest;               /* what is in the ring too */
	bool until_now;                 /* and no more: it ends */
};

/* source->snapshot: a file of either kind. wanted NULL: all kinds, of a vsva that runs what comes. Complains
 * about what is wrong. NULL: it was. */
struct events *events_open(const struct view_source *source, const struct events_wanted *wanted);
void events_close(struct events *events);

enum events_status {
	EVENTS_ONE,
	EVENTS_NONE,   /* in the time there was none, or a signal came */
	EVENTS_END,    /* no more will come */
	EVENTS_BROKEN, /* likewise, and that is a mistake: complained */
};
/* timeout_ms: how long a vsva that runs may take; -1: for ever. */
enum events_status events_next(struct events *events, struct traced *out, int timeout_ms);
/* Events that were lost behind the last one. */
uint64_t events_lost_at_end(const struct events *events);

/* Names and kinds of what the events are about. */
const struct names *events_names(const struct events *events);

#endif
