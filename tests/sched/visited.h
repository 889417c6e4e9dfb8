/* SPDX-License-Identifier: MIT */
/* States that have been visited, each with the most preemptions that were left there. */
#ifndef TESTS_SCHED_VISITED_H
#define TESTS_SCHED_VISITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct visited_state;

struct visited {
	struct visited_state *states;
	size_t count, room; /* room: a power of two, or 0 */
};

/* false: it was visited with as many or more left. */
bool visited_add(struct visited *visited, uint64_t key, unsigned left);
void visited_clear(struct visited *visited);

#endif
