/* SPDX-License-Identifier: MIT */
/* All that an onlooker can see of a world, as text: two that look the same are the same. Numbers of
 * PASIDs, domains and VMs are left out; who tries again may get others. */
#ifndef TESTS_FAIL_STATE_H
#define TESTS_FAIL_STATE_H

#include "world.h"

#define STATE_LEN 16384u

struct state {
	char text[STATE_LEN];
	size_t len;
};

void state_take(struct fail_world *w, struct state *out);

#endif
