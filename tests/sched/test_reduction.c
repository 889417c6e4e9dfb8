// SPDX-License-Identifier: MIT
/*
 * Small programs by lot: whatever comes of one under a bound of preemptions when every schedule is
 * run must also come of it when only those are run that lead somewhere new.
 */
#include "explore.h"

#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "base/worker.h"

#define OBJECTS       2u
#define LOCKS         2u
#define STEPS_MAX     5u
#define THREADS       3u
#define OUTCOMES_MAX  4096u
#define SCHEDULES_MAX 3000u /* of programs that have more than that only some are compared */

enum step_kind {
	READ,
	WRITE,
	LOCK,
	UNLOCK,
	SECTION,      /* reads one */
	LONG_SECTION, /* reads both, the other first */
	SYNCHRONIZE,
	WAIT,
	KICK,
	STEP_KINDS
};

struct step {
	enum step_kind kind;
	unsigned object;
};

static struct program {
	struct step steps[THREADS][STEPS_MAX];
	unsigned count[THREADS];
} program;

static struct {
	struct lock locks[LOCKS];
	uint64_t values[OBJECTS], seen[THREADS];
	struct worker_pool *pool;
	struct worker *worker;
} world;

/* In memory that the explorations share. */
static struct outcomes {
	unsigned count;
	uint64_t values[OUTCOMES_MAX];
} * outcomes;

static const char *const object_names[OBJECTS] = {"x", "y"};
static const char *const lock_names[LOCKS] = {"l", "m"};

static uint64_t mix(uint64_t a, uint64_t b)
{
	return (a * 31 + b + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void read_object(unsigned thread, unsigned object)
{
	SEAM_FLAG_READ(object_names[object]);
	world.seen[thread] = mix(world.seen[thread], world.values[object]);
}

static void write_object(unsigned thread, unsigned object)
{
	SEAM_FLAG_WRITE(object_names[object]);
	world.values[object] = mix(world.values[object], thread);
}

static bool is_written(void *arg)
{
	const uint64_t *value = arg;

	SEAM_FLAG_READ(object_names[value - world.values]);
	return *value != 0;
}

static void wait_for(unsigned thread, unsigned object)
{
	bool is_there = worker_pool_wait_until(world.pool, is_written, &world.values[object], 10);

	world.seen[thread] = mix(world.seen[thread], is_there);
}

static void section(unsigned thread, unsigned object)
{
	rcu_read_lock();
	read_object(thread, object);
	rcu_read_unlock();
}

static void long_section(unsigned thread, unsigned object)
{
	rcu_read_lock();
	read_object(thread, !object);
	read_object(thread, object);
	rcu_read_unlock();
}

static void run_step(unsigned thread, const struct step *step)
{
	switch (step->kind) {
	case READ:
		read_object(thread, step->object);
		break;
	case WRITE:
		write_object(thread, step->object);
		break;
	case LOCK:
		lock_take(&world.locks[step->object]);
		break;
	case UNLOCK:
		lock_drop(&world.locks[step->object]);
		break;
	case SECTION:
		section(thread, step->object);
		break;
	case LONG_SECTION:
		long_section(thread, step->object);
		break;
	case SYNCHRONIZE:
		rcu_synchronize();
		break;
	case WAIT:
		wait_for(thread, step->object);
		break;
	case KICK:
		worker_kick(world.worker);
		break;
	case STEP_KINDS:
		break;
	}
}

static void run_thread(unsigned thread)
{
	for (unsigned i = 0; i < program.count[thread]; i++)
		run_step(thread, &program.steps[thread][i]);
}

static void run_first(void *arg)
{
	(void)arg;
	run_thread(0);
}

static void run_second(void *arg)
{
	(void)arg;
	run_thread(1);
}

static void run_third(void *arg)
{
	(void)arg;
	run_thread(2);
}

static bool work(void *arg)
{
	(void)arg;
	write_object(THREADS, 0);
	return false;
}

static void *setup(uint64_t seed)
{
	(void)seed;
	memset(&world, 0, sizeof(world));
	lock_init(&world.locks[0], LOCK_RANK_IOMMU, lock_names[0]);
	lock_init(&world.locks[1], LOCK_RANK_QI, lock_names[1]);
	world.pool = worker_pool_create(WORKERS_THREADS, 0);
	world.worker = worker_create(world.pool, "worker", work, NULL);
	return &world;
}

static void teardown(void *arg)
{
	(void)arg;
	worker_destroy(world.worker);
	worker_pool_destroy(world.pool);
	for (unsigned i = 0; i < LOCKS; i++)
		lock_destroy(&world.locks[i]);
}

static bool is_known(uint64_t value)
{
	for (unsigned i = 0; i < outcomes->count; i++)
		if (outcomes->values[i] == value)
			return true;
	return false;
}

static void remember(void *arg)
{
	uint64_t value = 0;

	(void)arg;
	for (unsigned i = 0; i < OBJECTS; i++)
		value = mix(value, world.values[i]);
	for (unsigned i = 0; i < THREADS; i++)
		value = mix(value, world.seen[i]);
	if (is_known(value))
		return;
	EXPLORE_CHECK(outcomes->count < OUTCOMES_MAX);
	outcomes->values[outcomes->count++] = value;
}

static unsigned programs = 40;
static uint64_t seed = 1;

/* Programs */

/* What may come next: at most one lock, and under it nothing that would be checked as a mistake. */
static struct step draw_step(struct rng *rng, bool *has_lock, unsigned *lock)
{
	static const enum step_kind kinds[] = {READ, READ, WRITE,      WRITE,   WRITE,
					       LOCK, LOCK, UNLOCK,     SECTION, LONG_SECTION,
					       WAIT, KICK, SYNCHRONIZE};
	struct step step = {kinds[rng_below(rng, ARRAY_LEN(kinds))],
			    (unsigned)rng_below(rng, OBJECTS)};

	if (step.kind == LOCK && *has_lock)
		step.kind = UNLOCK;
	if (step.kind == UNLOCK && !*has_lock)
		step.kind = LOCK;
	if (step.kind == LOCK)
		*lock = step.object %= LOCKS;
	if (step.kind == UNLOCK)
		step.object = *lock;
	if (step.kind == LOCK || step.kind == UNLOCK)
		*has_lock = step.kind == LOCK;
	return step;
}

static void draw_program(struct rng *rng)
{
	for (unsigned i = 0; i < THREADS; i++) {
		unsigned steps = 1 + (unsigned)rng_below(rng, STEPS_MAX - 1), lock = 0;
		bool has_lock = false;

		for (unsigned j = 0; j < steps; j++)
			program.steps[i][j] = draw_step(rng, &has_lock, &lock);
		if (has_lock)
			program.steps[i][steps++] = (struct step){UNLOCK, lock};
		program.count[i] = steps;
	}
}

static void print_program(void)
{
	static const char *const names[] = {"read",        "write",   "lock",
					    "unlock",      "section", "long-section",
					    "synchronize", "wait",    "kick"};

	for (unsigned i = 0; i < THREADS; i++) {
		print_message("# thread %u:", i);
		for (unsigned j = 0; j < program.count[i]; j++)
			print_message(" %s %u", names[program.steps[i][j].kind],
				      program.steps[i][j].object);
		print_message("\n");
	}
}

static struct explore_result run(struct explore_case *test, unsigned preemptions, bool revisits)
{
	struct explore_result result;

	test->revisits = revisits;
	outcomes->count = 0;
	explore_all(test, preemptions, SCHEDULES_MAX, &result);
	if (result.verdict != EXPLORE_GOOD) {
		print_program();
		fail_msg("%s", result.text);
	}
	return result;
}

static struct tally {
	unsigned compared;
	uint64_t schedules, all_schedules, outcomes;
} tally;

static void compare(struct explore_case *test, unsigned preemptions)
{
	static struct outcomes of_all;
	struct explore_result all = run(test, preemptions, true), few;

	if (!all.is_complete)
		return;
	of_all = *outcomes;
	few = run(test, preemptions, false);
	if (!few.is_complete || outcomes->count != of_all.count) {
		print_program();
		fail_msg("%u preemptions: %u outcomes, not %u", preemptions, outcomes->count,
			 of_all.count);
	}
	tally.compared++;
	tally.schedules += few.schedules;
	tally.all_schedules += all.schedules;
	tally.outcomes += of_all.count;
}

static void test_reduction_loses_no_outcome(void **state)
{
	struct explore_case test = {
		.name = "program",
		.setup = setup,
		.actors = {{"first", run_first}, {"second", run_second}, {"third", run_third}},
		.check = remember,
		.teardown = teardown,
	};
	struct rng rng;

	(void)state;
	outcomes = mmap(NULL, sizeof(*outcomes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	assert_true(outcomes != MAP_FAILED);
	rng_seed(&rng, seed);
	for (unsigned i = 0; i < programs; i++) {
		test.is_coarse = i % 2;
		draw_program(&rng);
		for (unsigned preemptions = 0; preemptions <= 2; preemptions++)
			compare(&test, preemptions);
	}
	print_message("# %u comparisons, %u outcomes: %u schedules instead of %u\n", tally.compared,
		      (unsigned)tally.outcomes, (unsigned)tally.schedules,
		      (unsigned)tally.all_schedules);
	assert_true(tally.compared > programs && tally.schedules * 4 < tally.all_schedules);
	munmap(outcomes, sizeof(*outcomes));
}

/* test_reduction [PROGRAMS [SEED]] */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reduction_loses_no_outcome),
	};

	if (argc > 1)
		programs = (unsigned)atoi(argv[1]);
	if (argc > 2)
		seed = (uint64_t)atoi(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
