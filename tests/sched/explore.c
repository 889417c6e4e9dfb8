// SPDX-License-Identifier: MIT
/* Explorations, each in a child process. */
#include "explore.h"

#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "exploration.h"

bool explore_is_quiet;

/* Threads that run one at a time pass the turn fastest on one processor. */
static void stay_on_one_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0)
		CPU_SET((unsigned)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* An assertion of cmocka's in a thread of ours cannot go back to cmocka: it ends the process. */
static void child_main(void (*run)(const struct exploration_task *task),
		       const struct exploration_task *task, bool quiet)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	/* what a run gives back the next one takes */
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	if (quiet && !freopen("/dev/null", "w", stderr))
		_exit(2);
	stay_on_one_cpu();
	run(task);
	exploration_finish(EXPLORE_GOOD);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void note_crash(struct explore_result *result, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	result->verdict = EXPLORE_CRASHED;
	snprintf(result->text, sizeof(result->text), "ended with %s %d",
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void in_child(const struct explore_case *test,
		     void (*run)(const struct exploration_task *task),
		     const struct exploration_task *task, struct explore_result *result)
{
	struct explore_result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double begin = seconds_now();
	int status = 0;
	pid_t child;

	assert_true(shared != MAP_FAILED);
	exploration_begin(test, shared);
	fflush(NULL);
	child = fork();
	if (child == 0)
		child_main(run, task, explore_is_quiet);
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	note_crash(shared, status);
	shared->seconds = seconds_now() - begin;
	*result = *shared;
	munmap(shared, sizeof(*shared));
}

static void add_outcome(uint64_t *outcomes, unsigned *count, uint64_t outcome)
{
	for (unsigned i = 0; i < *count; i++)
		if (outcomes[i] == outcome)
			return;
	assert_true(*count < EXPLORE_OUTCOMES_MAX);
	outcomes[(*count)++] = outcome;
}

/* All orders of what stands behind the first places. */
static void run_orders(const struct explore_case *test, unsigned *order, unsigned first,
		       unsigned actors, uint64_t *outcomes, unsigned *count,
		       struct explore_result *result)
{
	struct exploration_task task = {.order = order};

	if (first == actors) {
		in_child(test, exploration_run_order, &task, result);
		if (result->verdict == EXPLORE_GOOD)
			add_outcome(outcomes, count, result->outcome);
		return;
	}
	for (unsigned i = first; i < actors; i++) {
		unsigned kept = order[first];

		order[first] = order[i];
		order[i] = kept;
		run_orders(test, order, first + 1, actors, outcomes, count, result);
		if (result->verdict != EXPLORE_GOOD)
			return;
		order[i] = order[first];
		order[first] = kept;
	}
}

unsigned explore_in_order(const struct explore_case *test, uint64_t outcomes[EXPLORE_OUTCOMES_MAX],
			  struct explore_result *result)
{
	unsigned order[EXPLORE_ACTORS_MAX], actors = 0, count = 0;

	while (actors < EXPLORE_ACTORS_MAX && test->actors[actors].run) {
		order[actors] = actors;
		actors++;
	}
	run_orders(test, order, 0, actors, outcomes, &count, result);
	return count;
}

void explore_all(const struct explore_case *test, unsigned preemptions, uint64_t schedules_max,
		 struct explore_result *result)
{
	struct exploration_task task = {.preemptions = preemptions, .schedules = schedules_max};

	in_child(test, depth_first_run, &task, result);
}

void explore_random(const struct explore_case *test, uint64_t seed, uint64_t schedules,
		    unsigned depth, struct explore_result *result)
{
	struct exploration_task task = {.seed = seed, .schedules = schedules, .depth = depth};

	in_child(test, exploration_run_random, &task, result);
}

void explore_replay(const struct explore_case *test, const char *schedule, bool verbose,
		    struct explore_result *result)
{
	struct exploration_task task = {.schedule = schedule, .verbose = verbose};

	in_child(test, exploration_run_replay, &task, result);
}
