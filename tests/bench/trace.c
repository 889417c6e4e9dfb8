/* SPDX-License-Identifier: MIT */
/*
 * What events cost a DMA whose translations are cached: the same copies with the ring off and on, in turn,
 * on one processor. Prints nanoseconds a copy, and the ratio with the quarters of the rounds around it;
 * not a test, `meson test --benchmark trace` runs it. For trace_off: `off` only times copies with the ring
 * off, a round for each line of input that names a way by its number; `count N` makes N copies of 4 KiB
 * for callgrind to count.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/engine.h"
#include "bench/world.h"

#define ROUNDS   301u
#define ROUND_KB 2048u /* copied in a round, but no more copies than: */
#define COPIES   256u

struct way {
	const char *name;
	uint32_t len; /* of one copy */
	bool use_ats;
};

static const struct way ways[] = {
	{"4 KiB, unit's cache", 4 << 10, false},     {"4 KiB, device TLB", 4 << 10, true},
	{"64 KiB, unit's cache", 64 << 10, false},   {"64 KiB, device TLB", 64 << 10, true},
	{"128 KiB, unit's cache", 128 << 10, false}, {"128 KiB, device TLB", 128 << 10, true},
	{"1 MiB, unit's cache", 1 << 20, false},     {"1 MiB, device TLB", 1 << 20, true},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static bool copy(const struct bench_world *world, const struct way *way)
{
	struct bench_job job = {
		.operation = TEST_ENGINE_COPY,
		.source = gva(world->small[0].v),
		.destination = gva(world->small[1].v),
		.len = way->len,
		.pasid = vsva_process_pasid(world->process),
		.page_requests = way->use_ats,
	};

	return bench_engine_run(vsva_guest_device_assigned(world->guest_engine), &job);
}

/* Nanoseconds of one copy. */
static double time_copies(const struct bench_world *world, const struct way *way)
{
	unsigned copies = (ROUND_KB << 10) / way->len;
	double begin = bench_now_ns();

	if (copies > COPIES)
		copies = COPIES;
	for (unsigned i = 0; i < copies; i++)
		if (!copy(world, way))
			abort();
	return (bench_now_ns() - begin) / copies;
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The value below which so many quarters of them are. Sorts them. */
static double quartile(double *values, unsigned quarters)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[(ROUNDS - 1) * quarters / 4];
}

static double time_on(struct bench_world *world, const struct way *way)
{
	double ns;

	if (vsva_machine_trace_start(world->machine, 0))
		abort();
	ns = time_copies(world, way);
	vsva_machine_trace_stop(world->machine);
	return ns;
}

/* Which of both is first changes from round to round. */
static void compare_on(struct bench_world *world, const struct way *way)
{
	static double off[ROUNDS], on[ROUNDS], ratio[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i % 2)
			on[i] = time_on(world, way);
		off[i] = time_copies(world, way);
		if (i % 2 == 0)
			on[i] = time_on(world, way);
		ratio[i] = on[i] / off[i];
	}
	printf("%-24s off %9.1f ns  on %9.1f ns  ratio %.4f (%.4f .. %.4f)\n", way->name,
	       quartile(off, 2), quartile(on, 2), quartile(ratio, 2), quartile(ratio, 1),
	       quartile(ratio, 3));
}

/* What the other program did meanwhile is out of the caches before the round begins. */
static void answer_rounds(const struct bench_world *world)
{
	size_t way;

	for (size_t i = 0; i < WAYS; i++)
		printf("%s\n", ways[i].name);
	printf("\n");
	while (fflush(stdout) == 0 && scanf("%zu", &way) == 1 && way < WAYS) {
		time_copies(world, &ways[way]);
		printf("%.1f\n", time_copies(world, &ways[way]));
	}
}

__attribute__((noinline)) void count_copies(const struct bench_world *world, unsigned count);
void count_copies(const struct bench_world *world, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!copy(world, &ways[0]))
			abort();
}

static void run(struct bench_world *world, int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "count"))
		count_copies(world, (unsigned)strtoul(argv[2], NULL, 10));
	else if (argc == 2 && !strcmp(argv[1], "off"))
		answer_rounds(world);
	else
		for (size_t i = 0; i < WAYS; i++)
			compare_on(world, &ways[i]);
}

int main(int argc, char **argv)
{
	struct bench_world_options options = {.policy = VSVA_CACHE_LRU};
	struct bench_world world;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) || bench_world_create(&options, &world))
		return 1;
	run(&world, argc, argv);
	bench_world_destroy(&world);
	return 0;
}
