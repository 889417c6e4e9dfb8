/* SPDX-License-Identifier: MIT */
/* The invalidation queue. VT-d 6.5.2 */
#ifndef HW_QUEUE_H
#define HW_QUEUE_H

struct unit;

/* There may be work: tells the owner, or does it where the owner wants that. */
void queue_kick(struct unit *unit);

#endif
