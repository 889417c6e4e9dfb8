/* SPDX-License-Identifier: MIT */
/*
 * Interleavings of a small world: every one with few preemptions, or some by lot. A schedule is one
 * run of the world; it is written down as
 *
 *   NAME@SEED:12.1-40.2#1a2b3c4d
 *
 * which is the case, its seed, and the decisions in which not the first thread was chosen: in the
 * 12th the second, in the 40th the third. Behind # stands what all operations up to the last
 * decision add up to, to see whether a replay is one. VSVA_SCHEDULE=… replays it, with every
 * operation printed.
 *
 * Each exploration is a child process, so that a crash is a finding like others.
 */
#ifndef TESTS_SCHED_EXPLORE_H
#define TESTS_SCHED_EXPLORE_H

#include "unit.h"

#include "base/sched.h"

#define EXPLORE_ACTORS_MAX   4u
#define EXPLORE_SCHEDULE_LEN 65536u
#define EXPLORE_TEXT_LEN     4096u

#define EXPLORE_POINTS_ALL ((1u << SEAM_KINDS) - 1)
/* Without what may be used too late behind locks of hardware, where nothing is ever freed. */
#define EXPLORE_POINTS_SILICON (EXPLORE_POINTS_ALL & ~(1u << SEAM_DROP_SILICON))

struct explore_actor {
	const char *name;
	void (*run)(void *world);
};

struct explore_case {
	const char *name;
	uint64_t seed;
	void *(*setup)(uint64_t seed);
	const uint64_t *outcomes; /* of explore_in_order(); NULL: not compared */
	unsigned outcome_count;
	struct explore_actor actors[EXPLORE_ACTORS_MAX];
	/* When all actors have ended and nobody can do anything any more. Then teardown. */
	void (*check)(void *world);
	void (*teardown)(void *world);
	/* Between both; may be NULL. What came of the actors, as a number: it has to be one that they
	 * come to one after the other, in some order. */
	uint64_t (*outcome)(void *world);
	/* Of the scheduler's configuration */
	uint32_t points; /* 0: EXPLORE_POINTS_ALL */
	const char *const *background;
	bool is_lazy, is_coarse;
	struct sched_sabotage sabotage;
	/* Goes on also from states that were visited in another order of independent operations: to
	 * judge the operations' names and keys, or where threads share what is behind no seam. */
	bool revisits;
	/* What a word of memory of the world is known by; NULL: its place in its page. */
	uint64_t (*locate)(void *world, const void *pointer);
};

enum explore_verdict {
	EXPLORE_GOOD,
	EXPLORE_FAILED,  /* explore_fail() */
	EXPLORE_STUCK,   /* deadlock, no end */
	EXPLORE_CRASHED, /* CHECK, a sanitizer, a signal */
	EXPLORE_DIVERGED /* a replay that was none */
};

struct explore_result {
	enum explore_verdict verdict;
	unsigned preemptions; /* bound under which it was found */
	unsigned rounds;      /* in which the last bound was explored */
	uint64_t schedules;   /* run in the last round */
	uint64_t known;       /* of these, cut short: the rest leads nowhere new */
	uint64_t decisions;   /* most in one schedule */
	bool is_complete;     /* all schedules under the bound were run */
	double seconds;
	uint64_t fingerprint;
	uint64_t outcome;
	char schedule[EXPLORE_SCHEDULE_LEN];
	char text[EXPLORE_TEXT_LEN];
};

#define EXPLORE_OUTCOMES_MAX 32u

/* What comes of the actors one after the other, in each order. Returns how many different ones. */
unsigned explore_in_order(const struct explore_case *test, uint64_t outcomes[EXPLORE_OUTCOMES_MAX],
			  struct explore_result *result);

/* Depth first, with at most 0, 1, … preemptions, until one fails. schedules_max: of each bound; 0:
 * all. */
void explore_all(const struct explore_case *test, unsigned preemptions, uint64_t schedules_max,
		 struct explore_result *result);
/* By random priorities that change depth - 1 times (Burckhardt et al., 2010: finds a bug of that
 * depth with known probability). */
void explore_random(const struct explore_case *test, uint64_t seed, uint64_t schedules,
		    unsigned depth, struct explore_result *result);
/* One schedule, with a line for each operation on standard error if verbose. */
void explore_replay(const struct explore_case *test, const char *schedule, bool verbose,
		    struct explore_result *result);

/* The child processes say nothing: their failures are expected. */
extern bool explore_is_quiet;

/* Of any thread of the world: the property does not hold. Does not return. */
__attribute__((noreturn, format(printf, 1, 2))) void explore_fail(const char *format, ...);
#define EXPLORE_CHECK(condition)                                                                   \
	((condition) ? (void)0 : explore_fail("%s:%d: %s", __FILE__, __LINE__, #condition))

/* Both for cmocka: print what was explored. */

struct explore_plan {
	unsigned preemptions;
	uint64_t schedules_max;
	uint64_t random_schedules;
};
void explore_expect_good(const struct explore_case *test, const struct explore_plan *plan);
/* It is found, and a replay finds it again. */
void explore_expect_found(const struct explore_case *test, const struct explore_plan *plan,
			  enum explore_verdict verdict);

#endif
