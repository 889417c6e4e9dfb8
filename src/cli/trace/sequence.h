/* SPDX-License-Identifier: MIT */
/*
 * The life of one PASID as a sequence: who led whom to what, room by room, and how often.
 *
 *   step    a hop; those of a phase that look alike are one step, with a count
 *   phase   up to its first work on a device; its work; from the first that ends it on
 *
 * The PASID is the first that something is bound to, or that a device works for; a filter before decides which
 * that may be.
 */
#ifndef CLI_TRACE_SEQUENCE_H
#define CLI_TRACE_SEQUENCE_H

#include "cli/hop_text.h"
#include "cli/journey.h"
#include "cli/trace/trace.h"

enum sequence_phase { PHASE_BIND, PHASE_WORK, PHASE_DEATH, PHASE_COUNT };

struct sequence_step {
	enum sequence_phase phase;
	enum vsva_room from, to; /* the same: nobody is known to have led to it */
	enum journey journey;
	struct vsva_event event;
	struct hop_words words; /* of the first */
	uint64_t first_ns, count;
};

struct sequence {
	bool is_chosen;
	struct owner pasid;
	enum sequence_phase phase;
	bool is_over; /* the number is nobody's any more */
	char who[64], devices[96];
	struct sequence_step *steps;
	unsigned count, room;
	uint64_t left_out; /* steps for which there was no memory, or that were too many */
	uint64_t events, first_ns, last_ns;
	struct traced alloc; /* the last PASID that was given out and is nobody's yet */
	bool has_alloc;
};

void sequence_add(struct sequence *sequence, const struct names *names, const struct traced *event,
		  const struct traced *from);
void sequence_fini(struct sequence *sequence);

/* "Life of PASID 1 of alice/app (host 0x1000)" */
void sequence_title(const struct sequence *sequence, char *title, size_t size);
const char *sequence_phase_name(enum sequence_phase phase);

#endif
