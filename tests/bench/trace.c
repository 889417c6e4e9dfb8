/* SPDX-License-Identifier: MIT */
/*
 * What the ring costs a DMA whose translations are cached: the same copies with the ring off and on, in
 * turn, on one processor. Prints nanoseconds a page and the ratio; not a test, `meson test --benchmark`
 * runs it.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/engine.h"
#include "bench/world.h"

#define ROUNDS 301u
#define COPIES 64u

struct way {
	const char *name;
	uint32_t len; /* of one copy */
	bool use_ats;
};

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
	double begin = bench_now_ns();

	for (unsigned i = 0; i < COPIES; i++)
		if (!copy(world, way))
			abort();
	return (bench_now_ns() - begin) / COPIES;
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static void measure(struct bench_world *world, const struct way *way)
{
	static double off[ROUNDS], on[ROUNDS], ratio[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		vsva_machine_trace_stop(world->machine);
		off[i] = time_copies(world, way);
		if (vsva_machine_trace_start(world->machine, 0))
			abort();
		on[i] = time_copies(world, way);
		ratio[i] = on[i] / off[i];
	}
	printf("%-32s off %9.1f ns  on %9.1f ns  ratio %.4f\n", way->name, median(off), median(on),
	       median(ratio));
}

int main(void)
{
	static const struct way ways[] = {
		{"4 KiB copied, unit's cache", 4096, false},
		{"4 KiB copied, device TLB", 4096, true},
		{"128 KiB copied, unit's cache", 128 << 10, false},
		{"128 KiB copied, device TLB", 128 << 10, true},
	};
	struct bench_world_options options = {.policy = VSVA_CACHE_LRU};
	struct bench_world world;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) || bench_world_create(&options, &world))
		return 1;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		measure(&world, &ways[i]);
	bench_world_destroy(&world);
	return 0;
}
