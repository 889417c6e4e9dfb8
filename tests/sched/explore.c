// SPDX-License-Identifier: MIT
#include "explore.h"

#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/check.h"
#include "base/random.h"
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

/* Of the child process. */
static struct exploration {
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

bool explore_is_quiet;

/* A small quarantine keeps runs small and fast; what is freed in a run stays in it for the run. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:malloc_context_size=12";
}

/* Findings */

__attribute__((noreturn)) static void finish(enum explore_verdict verdict)
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
	finish(EXPLORE_FAILED);
}

static void on_stuck(void *arg, const char *report)
{
	(void)arg;
	snprintf(it.result->text, sizeof(it.result->text), "%s", report);
	finish(EXPLORE_STUCK);
}

/* Nothing new comes of this schedule any more. */
static void note_known(void)
{
	if (it.is_known || it.test->revisits)
		return;
	it.is_known = true;
	it.result->known++;
}

/* Is the section that began with one of the decisions idle after all? */
static void watch_section(unsigned thread, const struct sched_operation *operation)
{
	unsigned section = it.sections[thread];

	if (!section || sched_thread_begins_section(thread))
		return;
	if (!sched_thread_is_reading(thread))
		it.sections[thread] = 0;
	else if (reduction_would_be_met(&it.reduction, thread, operation))
		it.frames[section - 1].is_idle_section = false;
}

static void on_operation(void *arg, unsigned thread, const struct sched_operation *operation)
{
	(void)arg;
	if (it.mode == DEPTH_FIRST) {
		if (reduction_sleeps(&it.reduction, thread))
			note_known();
		watch_section(thread, operation);
		reduction_operation(&it.reduction, thread, operation);
	}
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
		reduction_blocked(&it.reduction, thread, operation);
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
		on_stuck(NULL, "more decisions than can be written down");
}

/* Who sleeps belongs to the state: what it may do is explored elsewhere. */
static bool is_new(const struct sched_decision *decision)
{
	uint64_t key = decision->signature ^ (decision->can_go_on ? decision->threads[0] + 1 : 0) ^
		       (uint64_t)it.reduction.sleepers << 32;

	return visited_add(&it.visited, key, it.bound - it.preemptions);
}

/* The choices that lead somewhere new, as far as it is known. */
static uint32_t choices_allowed(const struct sched_decision *decision)
{
	uint32_t allowed = (uint32_t)((UINT64_C(1) << decision->count) - 1);

	if (decision->can_go_on && it.preemptions == it.bound)
		allowed = 1;
	if (it.test->revisits)
		return allowed;
	if (decision->can_go_on && !reduction_is_met(&it.reduction, decision->threads[0]))
		allowed = 1;
	for (unsigned i = 0; i < decision->count; i++)
		if (reduction_sleeps(&it.reduction, decision->threads[i]))
			allowed &= ~(1u << i);
	return (allowed & (allowed - 1)) && !is_new(decision) ? 0 : allowed;
}

static unsigned lowest(uint32_t set)
{
	return (unsigned)__builtin_ctz(set);
}

/* A decision behind the prefix: the first choice, and the others later. */
static unsigned choose_first(const struct sched_decision *decision)
{
	struct frame frame = {.can_go_on = decision->can_go_on, .count = decision->count};

	if (it.is_known)
		return 0;
	frame.allowed = choices_allowed(decision);
	if (!frame.allowed) {
		note_known();
		return 0;
	}
	memcpy(frame.threads, decision->threads, decision->count * sizeof(frame.threads[0]));
	if (it.decision >= FRAMES_MAX)
		on_stuck(NULL, "more decisions than can be repeated");
	CHECK(it.decision == it.frame_count);
	frame.choice = lowest(frame.allowed);
	frame.is_idle_section =
		frame.can_go_on && !frame.choice && sched_thread_begins_section(frame.threads[0]);
	it.frames[it.frame_count++] = frame;
	return frame.choice;
}

/* What was chosen here before is done with, until somebody meets it. */
static void let_others_sleep(const struct frame *frame)
{
	if (it.test->revisits)
		return;
	for (unsigned i = 0; i < frame->choice; i++)
		if (i == 0 && frame->can_go_on)
			reduction_sleep(&it.reduction, frame->threads[0], NULL);
		else if (frame->segments[i])
			reduction_sleep(&it.reduction, frame->threads[i], frame->segments[i]);
}

static void record_segment(struct frame *frame)
{
	struct reduction_segment **segment = &frame->segments[frame->choice];
	bool goes_on = frame->can_go_on && frame->choice == 0;

	if (goes_on || *segment || !(frame->allowed & (frame->allowed - 1)))
		return;
	*segment = calloc(1, sizeof(**segment));
	CHECK(*segment);
	reduction_record(&it.reduction, frame->threads[frame->choice], *segment);
}

static unsigned choose_depth_first(const struct sched_decision *decision)
{
	struct frame *frame = &it.frames[it.decision];
	unsigned choice = it.decision < it.prefix ? frame->choice : choose_first(decision);

	reduction_recorded(&it.reduction,
			   decision->can_go_on ? decision->threads[0] : SCHED_THREADS_MAX);
	if (it.is_known)
		return choice;
	CHECK(frame->count == decision->count &&
	      frame->threads[choice] == decision->threads[choice]);
	if (choice && decision->can_go_on)
		it.preemptions++;
	if (sched_thread_begins_section(decision->threads[choice]))
		it.sections[decision->threads[choice]] =
			frame->is_idle_section ? it.decision + 1 : 0;
	let_others_sleep(frame);
	record_segment(frame);
	return choice;
}

static void frame_pop(void)
{
	struct frame *frame = &it.frames[--it.frame_count];

	for (unsigned i = 0; i < frame->count; i++)
		free(frame->segments[i]);
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
		finish(EXPLORE_DIVERGED);
	}
	return choice;
}

static unsigned choose(void *arg, const struct sched_decision *decision)
{
	unsigned choice;

	(void)arg;
	if (it.mode == DEPTH_FIRST)
		choice = choose_depth_first(decision);
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

static void run_one(void)
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

/* Depth first */

static unsigned preemptions_before(unsigned end)
{
	unsigned count = 0;

	for (unsigned i = 0; i < end; i++)
		count += it.frames[i].choice && it.frames[i].can_go_on;
	return count;
}

/* The next choice of a decision that the bound still has room for; 0: none. */
static uint32_t next_choice(const struct frame *frame, unsigned used)
{
	uint32_t later = frame->allowed & ~((2u << frame->choice) - 1);

	if (!later || (frame->can_go_on && (used >= it.bound)))
		return 0;
	return lowest(later);
}

/* The deepest decision that can still be made otherwise is. false: there is none. */
static bool backtrack(void)
{
	unsigned used = preemptions_before(it.frame_count);

	for (; it.frame_count > 0; frame_pop()) {
		struct frame *frame = &it.frames[it.frame_count - 1];
		uint32_t choice;

		used -= frame->choice && frame->can_go_on;
		choice = next_choice(frame, used);
		if (choice) {
			frame->choice = choice;
			it.prefix = it.frame_count;
			return true;
		}
	}
	return false;
}

/* false: schedules_max were run, and there are more. */
static bool run_tree(uint64_t schedules_max)
{
	it.prefix = 0;
	it.reduction.has_grown = false;
	visited_clear(&it.visited);
	do {
		if (it.result->schedules >= schedules_max)
			return false;
		run_one();
	} while (backtrack());
	return true;
}

/* Again, as long as runs show that what was left out may matter. */
static void run_bound(unsigned bound, uint64_t schedules_max)
{
	bool goes_on = true;

	it.bound = it.result->preemptions = bound;
	it.result->rounds = 0;
	it.result->is_complete = false;
	do {
		it.result->schedules = it.result->known = 0;
		it.result->rounds++;
		goes_on = run_tree(schedules_max ? schedules_max : UINT64_MAX);
	} while (goes_on && it.reduction.has_grown && !it.test->revisits);
	it.result->is_complete = goes_on;
}

struct task {
	unsigned preemptions;
	uint64_t schedules;
	uint64_t seed;
	unsigned depth;
	const char *schedule;
	bool verbose;
	const unsigned *order;
};

static void run_depth_first(const struct task *task)
{
	it.mode = DEPTH_FIRST;
	for (unsigned bound = 0; bound <= task->preemptions; bound++)
		run_bound(bound, task->schedules);
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

static void run_random(const struct task *task)
{
	it.mode = RANDOM;
	it.depth = task->depth;
	CHECK(it.depth <= PCT_DEPTH_MAX);
	rng_seed(&it.rng, task->seed);
	while (it.result->schedules < task->schedules) {
		draw_priorities();
		run_one();
	}
}

/* In order */

static void run_order(const struct task *task)
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

static void run_replay(const struct task *task)
{
	uint64_t fingerprint = 0;
	bool has_fingerprint;

	it.mode = REPLAY;
	if (!parse(task->schedule, &fingerprint, &has_fingerprint)) {
		snprintf(it.result->text, sizeof(it.result->text), "this is no schedule: %s",
			 task->schedule);
		finish(EXPLORE_DIVERGED);
	}
	it.is_verbose = task->verbose;
	run_one();
	it.result->is_complete = true;
	if (has_fingerprint && fingerprint != it.result->fingerprint)
		finish(EXPLORE_DIVERGED);
}

/* Child processes */

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
static void child_main(void (*run)(const struct task *task), const struct task *task, bool quiet)
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
	finish(EXPLORE_GOOD);
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

static void in_child(const struct explore_case *test, void (*run)(const struct task *task),
		     const struct task *task, struct explore_result *result)
{
	struct explore_result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double begin = seconds_now();
	int status = 0;
	pid_t child;

	assert_true(shared != MAP_FAILED);
	it.test = test;
	it.result = shared;
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
	struct task task = {.order = order};

	if (first == actors) {
		in_child(test, run_order, &task, result);
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
	struct task task = {.preemptions = preemptions, .schedules = schedules_max};

	in_child(test, run_depth_first, &task, result);
}

void explore_random(const struct explore_case *test, uint64_t seed, uint64_t schedules,
		    unsigned depth, struct explore_result *result)
{
	struct task task = {.seed = seed, .schedules = schedules, .depth = depth};

	in_child(test, run_random, &task, result);
}

void explore_replay(const struct explore_case *test, const char *schedule, bool verbose,
		    struct explore_result *result)
{
	struct task task = {.schedule = schedule, .verbose = verbose};

	in_child(test, run_replay, &task, result);
}
