/* SPDX-License-Identifier: MIT */
/*
 * The part of software: what hardware may have cached of the tables, and the duties that follow
 * when they change (VT-d 6.5.3.3). Duties are carried out to the letter, never more, because what
 * is to be shown is that they suffice.
 *
 *   known     spaces that requests have come through since everything was invalidated: nobody
 * else's translation can be in a cache lawful    VT-d 6.2.3.1: two spaces with the same tags say
 * the same. Mutations break that, and what a cache holds is then anybody's; before such a request,
 * all is invalidated
 */
#ifndef WITNESS_SOFTWARE_H
#define WITNESS_SOFTWARE_H

#include "subject.h"
#include "tape.h"

#define SOFTWARE_SPACES 256

struct software {
	struct subject *subject;
	bool forgets; /* negative control: no duty is carried out */
	unsigned count;
	struct tape_space known[SOFTWARE_SPACES];
	/* pages with root, context, directory or PASID entries: if a walk that went astray sets A
	 * in one of them, tables have changed that hardware may have cached */
	bool is_table[GEN_PAGES_MAX];
	bool is_unsure;
	uint64_t restarts; /* invalidations of everything for these two reasons */
};

void software_init(struct software *w, struct subject *subject, bool forgets);
/* Everything has been invalidated. */
void software_forget(struct software *w);
/* Before the subject sees the request that is on the witness's tape. */
void software_note(struct software *w, const struct tape *tape,
		   const struct refwalk_request *request);

/* Makes the entry what change->after says, in both memories, and carries out the duties. */
void software_change(struct software *w, const struct gen_copy *witness,
		     const struct gen_change *change);

#endif
