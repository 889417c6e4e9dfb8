/* SPDX-License-Identifier: MIT */
/*
 * Links between events: which one led to which, from room to room. The ring knows what one thread did inside
 * an operation; what goes from one thread to another is found by what the events are about:
 *
 *   page request   by host PASID and page on its way there, by host PASID and group on its way back
 *   guest's queue  the oldest descriptor of that type that the guest has queued and the vIOMMU has not executed
 *   descriptor     what the vIOMMU executes leads to what its thread does for it
 *   DMA            by requester and host PASID, from the work's arrival to its end
 *   operation      its beginning leads to what the thread does inside it, and to its end
 *
 * They are right where nothing was lost. After a loss all that was open is forgotten, so that what belongs to
 * something that nobody saw is linked to nothing.
 *
 * Threads: one.
 */
#ifndef CLI_LINKS_H
#define CLI_LINKS_H

#include "cli/events.h"

struct links;

/* NULL: no memory. */
struct links *links_create(void);
void links_destroy(struct links *links);

/* The next event, in order. The event that led to it: valid until the next call. NULL: none is known. */
const struct traced *links_follow(struct links *links, const struct traced *event);

#endif
