/* SPDX-License-Identifier: MIT */
/*
 * Every store to a table entry, one by one, in the order in which the driver makes them: its page
 * is write-protected, and each store that is caught is carried out by a single step of the
 * processor. One recording at a time, of one thread, on x86-64.
 */
#ifndef TESTS_SCENARIOS_STORES_H
#define TESTS_SCENARIOS_STORES_H

#include <stdbool.h>
#include <stdint.h>

#define STORES_MAX       64u
#define STORES_WORDS_MAX 8u

/* The entry after so many stores; states[0] is what it was before. */
struct stores_state {
	uint64_t word[STORES_WORDS_MAX];
	bool is_fenced; /* what began to read before this state has ended when the next store comes */
};
struct stores {
	unsigned words;
	unsigned count; /* of states */
	struct stores_state states[STORES_MAX];
};

bool stores_are_supported(void);
/* entry: inside one page of memory that may be protected. */
void stores_begin(struct stores *stores, void *entry, unsigned words);
void stores_end(struct stores *stores);
/* An invalidation of the entry has just completed, or is about to before the next store. */
void stores_fence(struct stores *stores);

#endif
