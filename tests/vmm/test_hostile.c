/* SPDX-License-Identifier: MIT */
/*
 * A hostile guest beside a good one. Whatever it does: no crash, a bounded amount of work for each
 * kick, few messages, and the good guest's copies are right. In the end everything has been
 * returned.
 *
 *   test_vmm_hostile [--steps N] [--seed N]
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "base/seams.h"
#include "hostile.h"
#include "vsva/limits.h"
#include "vtd/descriptors.h"
#include "world.h"

#define COPY_LEN           20480u
#define STEPS_PER_COPY     400u
#define THREAD_STEPS_SHARE 50u /* of the steps, with threads */
/* One run: descriptors, and the work of 4096 reads; a last descriptor may flush all that is bound.
 * */
#define MAX_DESCRIPTORS VSVA_LIMIT_DESCRIPTORS_PER_RUN
#define MAX_BINDS       (2 * VSVA_LIMIT_SHADOW_READS_PER_RUN / 16)
#define MAX_FLUSHES     (2 * VSVA_LIMIT_SHADOW_READS_PER_RUN)

static uint64_t step_count = 100000, first_seed = 1;

struct per_step {
	uint64_t descriptors, binds, flushes;
};

struct scene {
	struct ledger *ledger;
	struct vsva_machine *machine;
	struct vsva_device *bad_devices[HOSTILE_DEVICES];
	struct vsva_device *dsa, *engine;
	struct vsva_guest *guest;
	struct vsva_guest_device *gdsa, *gengine;
	struct vsva_process *process;
	struct hostile bad;
	struct per_step now; /* atomic */
	uint64_t lines;      /* atomic */
	uint64_t copies;
	size_t pages;
	uint64_t seed;
	bool stop; /* atomic */
	bool done;
};

static void add(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void observe(void *arg, const struct vsva_event *event)
{
	struct scene *scene = arg;

	ledger_observe(scene->ledger, event);
	if (event->kind == VSVA_EV_VIOMMU_DESCRIPTOR)
		add(&scene->now.descriptors);
	else if (event->kind == VSVA_EV_BIND || event->kind == VSVA_EV_UNBIND)
		add(&scene->now.binds);
	else if (event->kind == VSVA_EV_INVALIDATE)
		add(&scene->now.flushes);
}

static void count_line(void *arg, enum log_level level, const char *line)
{
	struct scene *scene = arg;

	(void)level;
	(void)line;
	add(&scene->lines);
}

static struct vsva_device *make_device(struct scene *scene, enum vsva_device_kind kind)
{
	struct vsva_device_options options = {.kind = kind};
	struct vsva_device *device;

	assert_int_equal(vsva_device_create(scene->machine, &options, &device), 0);
	return device;
}

static void begin(struct scene *scene, uint64_t seed, bool threads)
{
	struct vsva_machine_options options = {
		.cache_policy = (enum vsva_cache_policy)(seed % 4),
		.seed = seed,
		.threads = threads,
		.observer = observe,
		.observer_arg = scene,
	};

	memset(scene, 0, sizeof(*scene));
	scene->ledger = watch_begin();
	scene->seed = seed;
	log_set_sink(count_line, scene);
	if (!threads)
		clock_set_manual(1000000000);
	assert_int_equal(vsva_machine_create(&options, &scene->machine), 0);
	scene->bad_devices[0] = make_device(scene, VSVA_DEVICE_DSA);
	scene->bad_devices[1] = make_device(scene, VSVA_DEVICE_TEST_ENGINE);
	scene->dsa = make_device(scene, VSVA_DEVICE_DSA);
	scene->pages = physmem_pages_in_use(machine_seams(scene->machine)->physmem);
	assert_int_equal(vsva_guest_create(scene->machine, NULL, &scene->guest), 0);
	assert_int_equal(vsva_guest_add_device(scene->guest, scene->dsa, rid(0x30), &scene->gdsa),
			 0);
	assert_int_equal(vsva_process_create(scene->guest, &scene->process), 0);
	assert_int_equal(vsva_process_bind(scene->process, scene->gdsa), 0);
	assert_true(hostile_create(&scene->bad, scene->machine, scene->bad_devices, seed, threads));
}

/* What the bad guest got done says whether it was bad at all. */
static void say(const struct scene *scene)
{
	struct vsva_vm_stats stats;

	vsva_vm_get_stats(scene->bad.vm, &stats);
	print_message(
		"# seed %llu: %llu descriptors, %llu binds, %llu unbinds, %llu refused, %llu "
		"invalidations, %llu page requests, %llu responses, %llu faults; %llu good copies; "
		"%llu lines\n",
		(unsigned long long)scene->seed, (unsigned long long)stats.descriptors,
		(unsigned long long)stats.binds, (unsigned long long)stats.unbinds,
		(unsigned long long)stats.refused_binds, (unsigned long long)stats.invalidations,
		(unsigned long long)stats.page_requests, (unsigned long long)stats.page_responses,
		(unsigned long long)stats.faults, (unsigned long long)scene->copies,
		(unsigned long long)scene->lines);
}

static void end(struct scene *scene)
{
	struct vsva_iommu_stats stats;

	say(scene);
	hostile_destroy(&scene->bad);
	vsva_guest_destroy(scene->guest);
	vsva_iommu_get_stats(vsva_machine_iommu(scene->machine), &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(stats.domains_now, 0);
	assert_int_equal(stats.requests_pending_now, 0);
	assert_int_equal(vsva_ioasid_space_available(
				 vsva_iommu_ioasid_space(vsva_machine_iommu(scene->machine))),
			 VSVA_PASID_MAX);
	rcu_barrier();
	assert_int_equal(physmem_pages_in_use(machine_seams(scene->machine)->physmem),
			 scene->pages);
	vsva_machine_destroy(scene->machine);
	watch_end(scene->ledger);
	log_set_sink(NULL, NULL);
	clock_set_real();
}

/* Both queues in turn, into memory that has to be faulted in. */
static void good_copy(struct scene *scene)
{
	uint8_t pattern = (uint8_t)(scene->copies * 5 + scene->seed);
	struct world_copy copy = {.len = COPY_LEN, .shared = scene->copies % 2};

	copy.from = world_buffer(scene->process, COPY_LEN, pattern);
	copy.to = world_empty(scene->process, COPY_LEN);
	assert_int_equal(world_copy(scene->process, scene->gdsa, &copy), VSVA_DSA_SUCCESS);
	assert_true(world_holds(scene->process, copy.to, COPY_LEN, pattern));
	assert_int_equal(vsva_process_munmap(scene->process, copy.from, COPY_LEN), 0);
	assert_int_equal(vsva_process_munmap(scene->process, copy.to, COPY_LEN), 0);
	scene->copies++;
}

/* The process dies and another takes its place. */
static void good_process_changes(struct scene *scene)
{
	vsva_process_exit(scene->process);
	assert_int_equal(vsva_process_create(scene->guest, &scene->process), 0);
	assert_int_equal(vsva_process_bind(scene->process, scene->gdsa), 0);
}

/* One piece of a worker, watched. */
static bool watched_step(struct scene *scene)
{
	bool ran;

	scene->now = (struct per_step){0};
	ran = vsva_machine_step(scene->machine);
	assert_true(scene->now.descriptors <= MAX_DESCRIPTORS);
	assert_true(scene->now.binds <= MAX_BINDS);
	assert_true(scene->now.flushes <= MAX_FLUSHES);
	return ran;
}

static void play(struct scene *scene, uint64_t steps)
{
	for (uint64_t i = 0; i < steps; i++) {
		hostile_step(&scene->bad);
		for (uint64_t n = i % 5; n && watched_step(scene); n--)
			;
		if (i % STEPS_PER_COPY == 0)
			good_copy(scene);
		if (i % (STEPS_PER_COPY * 16) == STEPS_PER_COPY * 15)
			good_process_changes(scene);
	}
}

static void report_where(struct scene *scene)
{
	if (!scene->done)
		fprintf(stderr, "# failed with --seed %llu at step %llu\n",
			(unsigned long long)scene->seed, (unsigned long long)scene->bad.steps);
}

static struct scene scene;

static int teardown(void **state)
{
	(void)state;
	report_where(&scene);
	log_set_sink(NULL, NULL);
	clock_set_real();
	return 0;
}

/* Per place ten lines in a burst; the clock stands still. */
#define MAX_LINES 1500u
#define ROUNDS    4u /* one for each cache policy */

static void test_good_guest_beside_a_hostile_one(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct vsva_vm_stats stats;
		size_t before;

		rcu_barrier();
		before = base_bytes_in_use();
		begin(&scene, first_seed + round, false);
		play(&scene, step_count / ROUNDS);
		assert_true(scene.lines < MAX_LINES);
		vsva_vm_get_stats(scene.bad.vm, &stats);
		assert_true(stats.binds && stats.invalidations && stats.page_requests &&
			    stats.faults);
		end(&scene);
		rcu_barrier();
		assert_int_equal(base_bytes_in_use(), before);
		scene.done = true;
	}
}

/* Threads */

static void *hammer(void *arg)
{
	struct scene *s = arg;

	for (uint64_t i = 0; i < step_count / THREAD_STEPS_SHARE; i++)
		hostile_step(&s->bad);
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_good_guest_beside_a_hostile_one_with_threads(void **state)
{
	pthread_t thread;

	(void)state;
	begin(&scene, first_seed + 100, true);
	assert_int_equal(pthread_create(&thread, NULL, hammer, &scene), 0);
	while (!__atomic_load_n(&scene.stop, __ATOMIC_ACQUIRE)) {
		good_copy(&scene);
		if (scene.copies % 32 == 31)
			good_process_changes(&scene);
	}
	pthread_join(thread, NULL);
	good_copy(&scene);
	end(&scene);
	scene.done = true;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_good_guest_beside_a_hostile_one, teardown),
		cmocka_unit_test_teardown(test_good_guest_beside_a_hostile_one_with_threads,
					  teardown),
	};

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--steps"))
			step_count = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			first_seed = strtoull(argv[i + 1], NULL, 0);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
