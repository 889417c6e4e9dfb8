// SPDX-License-Identifier: MIT
#include "exploration.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"

struct exploration it;

void exploration_begin(const struct explore_case *test, struct explore_result *shared)
{
	it.test = test;
	it.result = shared;
}

/* A small quarantine keeps runs small and fast; what is freed in a run stays in it for the run. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:malloc_context_size=12";
}

/* Findings */

void exploration_finish(enum explore_verdict verdict)
{
	it.result->verdict = verdict;
	_exit(0);
}

void explore_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(it.result->text, sizeof(it.result->text), format, args);
	va_end(args);
	exploration_finish(EXPLORE_FAILED);
}

void exploration_stuck(const char *report)
{
	snprintf(it.result->text, sizeof(it.result->text), "%s", report);
	exploration_finish(EXPLORE_STUCK);
}

static void on_stuck(void *arg, const char *report)
{
	(void)arg;
	exploration_stuck(report);
}

/* Seams */

static void on_operation(void *arg, unsigned thread, const struct sched_operation *operation)
{
	(void)arg;
	if (it.mode == DEPTH_FIRST)
		depth_first_operation(thread, operation);
	if (it.is_verbose)
		fprintf(stderr, "%5u %s: %s %s %#" PRIx64 "\n", it.decision,
			sched_thread_name(thread),
			operation->access == SEAM_WRITE ? "write" : "read", operation->name,
			operation->key);
}

static void on_blocked(void *arg, unsigned thread, const struct sched_operation *operation)
{
	(void)arg;
	if (it.mode == DEPTH_FIRST)
		depth_first_blocked(thread, operation);
}

static uint64_t locate(void *arg, const void *pointer)
{
	(void)arg;
	return it.test->locate(it.world, pointer);
}

/* Choosing */

static void note_choice(unsigned choice)
{
	char *schedule = it.result->schedule;
	size_t len = it.schedule_len;

	it.result->fingerprint = sched_fingerprint();
	if (!choice)
		return;
	it.schedule_len += (size_t)snprintf(schedule + len, EXPLORE_SCHEDULE_LEN - len, "%s%u.%u",
					    len ? "-" : "", it.decision, choice);
	if (it.schedule_len >= EXPLORE_SCHEDULE_LEN)
		exploration_stuck("more decisions than can be written down");
}

static unsigned highest(const struct sched_decision *decision)
{
	unsigned best = 0;

	for (unsigned i = 1; i < decision->count; i++)
		if (it.priorities[decision->threads[i]] > it.priorities[decision->threads[best]])
			best = i;
	return best;
}

/* At a change the thread that would go on becomes the last of all. */
static unsigned choose_random(const struct sched_decision *decision)
{
	for (unsigned i = 0; i + 1 < it.depth; i++)
		if (it.changes[i] == it.decision)
			it.priorities[decision->threads[highest(decision)]] = i;
	return highest(decision);
}

static unsigned choose_again(const struct sched_decision *decision)
{
	unsigned choice = it.decision < it.prefix ? it.frames[it.decision].choice : 0;

	if (choice >= decision->count) {
		snprintf(it.result->text, sizeof(it.result->text),
			 "decision %u has no choice %u any more", it.decision, choice);
		exploration_finish(EXPLORE_DIVERGED);
	}
	return choice;
}

static unsigned choose(void *arg, const struct sched_decision *decision)
{
	unsigned choice;

	(void)arg;
	if (it.mode == DEPTH_FIRST)
		choice = depth_first_choose(decision);
	else if (it.mode == RANDOM)
		choice = choose_random(decision);
	else
		choice = choose_again(decision);
	note_choice(choice);
	it.decision++;
	return choice;
}

/* One schedule */

static void *actor_run(void *arg)
{
	const struct explore_actor *actor = arg;

	actor->run(it.world);
	return NULL;
}

static void check_outcome(const struct explore_case *test)
{
	if (!test->outcome)
		return;
	it.result->outcome = test->outcome(it.world);
	for (unsigned i = 0; i < test->outcome_count; i++)
		if (test->outcomes[i] == it.result->outcome)
			return;
	if (test->outcomes)
		explore_fail("the outcome is that of no order of the actors");
}

static void finish_world(const struct explore_case *test)
{
	if (test->check)
		test->check(it.world);
	check_outcome(test);
	test->teardown(it.world);
}

/* One actor after the other. */
static void sequence(void *arg)
{
	const unsigned *order = arg;

	it.world = it.test->setup(it.test->seed);
	for (unsigned i = 0; i < EXPLORE_ACTORS_MAX && it.test->actors[i].run; i++) {
		sched_settle();
		it.test->actors[order[i]].run(it.world);
	}
	sched_settle();
	finish_world(it.test);
}

static void body(void *arg)
{
	const struct explore_case *test = it.test;
	struct sched_thread *threads[EXPLORE_ACTORS_MAX] = {NULL};

	(void)arg;
	it.world = test->setup(test->seed);
	sched_settle();
	for (unsigned i = 0; i < EXPLORE_ACTORS_MAX && test->actors[i].run; i++)
		threads[i] = sched_start(test->actors[i].name, actor_run,
					 (void *)(uintptr_t)&test->actors[i]);
	sched_set_choosing(true);
	for (unsigned i = 0; i < EXPLORE_ACTORS_MAX && threads[i]; i++)
		sched_join(threads[i]);
	sched_set_choosing(false);
	finish_world(test);
}

void exploration_run_one(void)
{
	const struct explore_case *test = it.test;
	struct sched_config config = {
		.points = test->points ? test->points : EXPLORE_POINTS_ALL,
		.choose = choose,
		.stuck = on_stuck,
		.done = on_operation,
		.blocked = on_blocked,
		.locate = test->locate ? locate : NULL,
		.background = test->background,
		.is_lazy = test->is_lazy,
		.is_coarse = test->is_coarse,
		.sabotage = test->sabotage,
	};

	it.decision = 0;
	it.preemptions = 0;
	it.is_known = false;
	memset(it.sections, 0, sizeof(it.sections));
	it.frame_count = it.prefix;
	reduction_begin_run(&it.reduction);
	it.result->schedule[0] = '\0';
	it.schedule_len = 0;
	it.result->fingerprint = 0;
	it.result->schedules++;
	sched_run(&config, body, NULL);
	if (it.decision > it.result->decisions)
		it.result->decisions = it.decision;
}

/* Random */

static void draw_priorities(void)
{
	uint64_t length = it.result->decisions ? it.result->decisions : 100;

	for (unsigned i = 0; i < SCHED_THREADS_MAX; i++)
		it.priorities[i] = PCT_DEPTH_MAX + rng_below(&it.rng, UINT64_C(1) << 40);
	for (unsigned i = 0; i + 1 < it.depth; i++)
		it.changes[i] = (unsigned)rng_below(&it.rng, length);
}

void exploration_run_random(const struct exploration_task *task)
{
	it.mode = RANDOM;
	it.depth = task->depth;
	CHECK(it.depth <= PCT_DEPTH_MAX);
	rng_seed(&it.rng, task->seed);
	while (it.result->schedules < task->schedules) {
		draw_priorities();
		exploration_run_one();
	}
}

/* In order */

void exploration_run_order(const struct exploration_task *task)
{
	struct sched_config config = {.stuck = on_stuck, .background = it.test->background};

	sched_run(&config, sequence, (void *)(uintptr_t)task->order);
}

/* Replay */

/* "12.1-40.2#…", with or without a case in front. */
static bool parse(const char *schedule, uint64_t *fingerprint, bool *has_fingerprint)
{
	const char *at = strrchr(schedule, ':');
	unsigned number, choice;
	int len;

	at = at ? at + 1 : schedule;
	it.prefix = 0;
	while (sscanf(at, "%u.%u%n", &number, &choice, &len) == 2 && number < FRAMES_MAX) {
		while (it.prefix <= number)
			it.frames[it.prefix++] = (struct frame){0};
		it.frames[number].choice = choice;
		at += len;
		at += *at == '-';
	}
	*has_fingerprint = sscanf(at, "#%" SCNx64 "%n", fingerprint, &len) == 1;
	if (*has_fingerprint)
		at += len;
	return *at == '\0';
}

void exploration_run_replay(const struct exploration_task *task)
{
	uint64_t fingerprint = 0;
	bool has_fingerprint;

	it.mode = REPLAY;
	if (!parse(task->schedule, &fingerprint, &has_fingerprint)) {
		snprintf(it.result->text, sizeof(it.result->text), "this is no schedule: %s",
			 task->schedule);
		exploration_finish(EXPLORE_DIVERGED);
	}
	it.is_verbose = task->verbose;
	exploration_run_one();
	it.result->is_complete = true;
	if (has_fingerprint && fingerprint != it.result->fingerprint)
		exploration_finish(EXPLORE_DIVERGED);
}
