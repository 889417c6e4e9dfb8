/* SPDX-License-Identifier: MIT */
/*
 * What the child process of an exploration does (explore.c starts it): runs of the world, one after the
 * other, each by a schedule that is chosen on the way.
 *
 *   exploration.c   one run; schedules by lot, in order, and repeated
 *   depth_first.c   all schedules under a bound
 */
#ifndef TESTS_SCHED_EXPLORATION_H
#define TESTS_SCHED_EXPLORATION_H

#include "base/random.h"
#include "explore.h"
#include "reduction.h"
#include "visited.h"

#define FRAMES_MAX    65536u
#define PCT_DEPTH_MAX 8u

/* A decision of the schedule that is being run. */
struct frame {
	uint32_t choice;
	uint32_t allowed; /* bit set of choices */
	bool can_go_on;   /* choices but 0 are preemptions */
	/* What threads[0] does first is to begin a read section, in which it did nothing that others
	 * are going to meet: it does not matter when. */
	bool is_idle_section;
	unsigned count;
	unsigned threads[SCHED_THREADS_MAX];
	/* What those did that were chosen; NULL: not known. */
	struct reduction_segment *segments[SCHED_THREADS_MAX];
};

enum mode { DEPTH_FIRST, RANDOM, REPLAY };

/* Of this child process. */
extern struct exploration {
	const struct explore_case *test;
	struct explore_result *result; /* shared with the parent */
	enum mode mode;
	bool is_verbose;
	void *world;
	unsigned decision; /* the next one's number */
	size_t schedule_len;

	/* depth first, replay */
	struct frame frames[FRAMES_MAX];
	unsigned prefix;      /* frames that are to be repeated */
	unsigned frame_count; /* frames that have alternatives or are repeated */
	unsigned preemptions, bound;
	bool is_known;                        /* nothing new from here on */
	unsigned sections[SCHED_THREADS_MAX]; /* frame in which the thread's began, and 1 */
	struct visited visited;
	struct reduction reduction;

	/* random */
	struct rng rng;
	uint64_t priorities[SCHED_THREADS_MAX];
	unsigned depth;
	unsigned changes[PCT_DEPTH_MAX];
} it;

/* What is to be explored; of members those that its run function looks at. */
struct exploration_task {
	unsigned preemptions;
	uint64_t schedules;
	uint64_t seed;
	unsigned depth;
	const char *schedule;
	bool verbose;
	const unsigned *order;
};

void exploration_begin(const struct explore_case *test, struct explore_result *shared);
__attribute__((noreturn)) void exploration_finish(enum explore_verdict verdict);
/* Deadlock, or no end. */
__attribute__((noreturn)) void exploration_stuck(const char *report);
/* One run, as it.mode says. */
void exploration_run_one(void);

/* Each explores what its task says, and returns if nothing was found. */
void exploration_run_random(const struct exploration_task *task);
void exploration_run_order(const struct exploration_task *task);
void exploration_run_replay(const struct exploration_task *task);
void depth_first_run(const struct exploration_task *task);

/* depth_first.c, from inside a run */
unsigned depth_first_choose(const struct sched_decision *decision);
void depth_first_operation(unsigned thread, const struct sched_operation *operation);
void depth_first_blocked(unsigned thread, const struct sched_operation *operation);

#endif
