/* SPDX-License-Identifier: MIT */
/*
 * A program that interleaves every three of what may happen in a small world, as cases of cmocka, and
 * beside them negative controls. Its arguments:
 *
 *   (none)                   a part of the schedules, as the suite says
 *   PREEMPTIONS SCHEDULES    as many of each bound (0: all)
 *   … six                    of the first six actors only
 *   … coarse                 preemptions only in front of operations
 *   … random=N               and N by random priorities
 *   … NAME                   of the cases whose name begins so
 */
#ifndef TESTS_SCHED_TRIPLES_H
#define TESTS_SCHED_TRIPLES_H

#include "explore.h"

struct triples_world {
	const char *prefix; /* of the triples' names */
	const struct explore_actor *actors;
	unsigned actor_count;
	struct explore_case base; /* all but name and actors */
};

/* What is kept from happening must be noticed. */
struct triples_plant {
	const char *name;
	const char *actors[3]; /* of the first world that has them all */
	unsigned plant;        /* for set_plant */
	struct sched_sabotage sabotage;
	enum explore_verdict verdict;
};

struct triples_suite {
	const struct triples_world *worlds;
	unsigned world_count;
	const struct triples_plant *plants;
	unsigned plant_count;
	/* Before and after a plant's exploration; 0: nothing is planted. */
	void (*set_plant)(unsigned plant);
	struct explore_plan plan;       /* without arguments */
	struct explore_plan plant_plan; /* for negative controls */
};

/* For main(). */
int triples_main(const struct triples_suite *suite, int argc, char **argv);

#endif
