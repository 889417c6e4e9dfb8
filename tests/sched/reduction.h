/* SPDX-License-Identifier: MIT */
/*
 * Which preemptions lead somewhere. Preempting a thread in front of an operation is the same as
 * preempting it behind that operation, unless one of the others meets it (does something to the
 * same object, and one of both is a write) before the thread goes on. So
 *
 *   - a thread is not preempted in front of an operation that nobody is still going to meet, or
 *     only under a lock that it holds, as far as all runs so far have shown; when a run shows more,
 *     the exploration is repeated;
 *   - a thread that was preempted sleeps until somebody has met its operation: going on before that
 *     is what a preemption one operation later leads to as well;
 *   - a thread that was not chosen where it could have been sleeps until somebody has met what it
 *     did when it was chosen, up to where it waited: before that it does the same, and the order
 *     does not matter;
 *   - a thread is not preempted in front of a read section in which it does nothing that others meet:
 *     when the section was does not matter (depth_first.c finds that out by letting it go on first).
 *
 * What a thread does that sleeps leads nowhere new.
 */
#ifndef TESTS_SCHED_REDUCTION_H
#define TESTS_SCHED_REDUCTION_H

#include "base/sched.h"

#define REDUCTION_OBJECTS 4096u

/* Of one object: operations of each thread that were seen, as numbers behind the last one. */
struct reduction_object {
	uint64_t object; /* 0: free */
	uint32_t read_end[SCHED_THREADS_MAX], write_end[SCHED_THREADS_MAX];
	uint64_t not_held[SCHED_THREADS_MAX]; /* locks that were not held in all of them */
};

/* What a thread does between two waits: bit sets of objects. */
struct reduction_segment {
	uint64_t reads[REDUCTION_OBJECTS / 64], writes[REDUCTION_OBJECTS / 64];
};

struct reduction {
	struct reduction_object objects[REDUCTION_OBJECTS];
	bool has_grown;
	/* this run */
	uint32_t done[SCHED_THREADS_MAX];                          /* operations of each thread */
	uint32_t sleepers;                                         /* bit set of threads */
	const struct reduction_segment *asleep[SCHED_THREADS_MAX]; /* NULL: its next operation */
	struct reduction_segment *recorded[SCHED_THREADS_MAX];     /* being written; or NULL */
};

void reduction_begin_run(struct reduction *reduction);
void reduction_operation(struct reduction *reduction, unsigned thread,
			 const struct sched_operation *operation);
/* It has come to wait for what another one holds: that counts as meeting it, too. */
void reduction_blocked(struct reduction *reduction, unsigned thread,
		       const struct sched_operation *operation);
/* Is anybody still going to meet what the thread does next? */
bool reduction_is_met(struct reduction *reduction, unsigned thread);
/* Likewise, what it does now. */
bool reduction_would_be_met(struct reduction *reduction, unsigned thread,
			    const struct sched_operation *operation);
/* segment NULL: it was preempted. Otherwise it stays. */
void reduction_sleep(struct reduction *reduction, unsigned thread,
		     const struct reduction_segment *segment);
/* What the thread does from here on, until reduction_recorded(). */
void reduction_record(struct reduction *reduction, unsigned thread,
		      struct reduction_segment *segment);
/* For all threads but one, which goes on (or SCHED_THREADS_MAX: none does). */
void reduction_recorded(struct reduction *reduction, unsigned but);
static inline bool reduction_sleeps(const struct reduction *reduction, unsigned thread)
{
	return reduction->sleepers >> thread & 1;
}

#endif
