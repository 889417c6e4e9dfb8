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
 *     is what a preemption one operation later leads to as well.
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

struct reduction {
	struct reduction_object objects[REDUCTION_OBJECTS];
	bool has_grown;
	/* this run */
	uint32_t done[SCHED_THREADS_MAX]; /* operations of each thread */
	uint32_t sleepers;                /* bit set of threads */
};

void reduction_begin_run(struct reduction *reduction);
void reduction_operation(struct reduction *reduction, unsigned thread,
			 const struct sched_operation *operation);
/* Is anybody still going to meet what the thread does next? */
bool reduction_is_met(struct reduction *reduction, unsigned thread);
void reduction_preempted(struct reduction *reduction, unsigned thread);
static inline bool reduction_sleeps(const struct reduction *reduction, unsigned thread)
{
	return reduction->sleepers >> thread & 1;
}

#endif
