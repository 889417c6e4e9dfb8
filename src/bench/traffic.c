/* SPDX-License-Identifier: MIT */
#include "bench/traffic.h"

#include <string.h>

#include "bench/engine.h"

#define LEN (UINT64_C(256) << 10)

const uint64_t bench_traffic_translations = 2 * (LEN / VSVA_PAGE_SIZE);

static void fill(uint64_t *words, uint64_t number)
{
	for (uint64_t i = 0; i < LEN / sizeof(*words); i++)
		words[i] = (number << 32 | i) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool copy(struct bench_world *world)
{
	const struct bench_job job = {
		.operation = TEST_ENGINE_COPY,
		.source = world->small[0],
		.destination = world->small[1],
		.len = (uint32_t)LEN,
		.pasid = vsva_process_pasid(world->process),
	};

	return bench_engine_run(vsva_guest_device_assigned(world->guest_engine), &job);
}

/* New data each time, so that a copy that did not happen is seen. */
static bool copy_and_compare(struct bench_world *world, uint64_t number)
{
	static _Thread_local uint64_t is[LEN / sizeof(uint64_t)], should_be[LEN / sizeof(uint64_t)];

	fill(should_be, number);
	return !vsva_process_write(world->process, world->small[0], should_be, LEN) &&
	       copy(world) && !vsva_process_read(world->process, world->small[1], is, LEN) &&
	       !memcmp(is, should_be, LEN);
}

static void *run(void *arg)
{
	struct bench_traffic *traffic = arg;

	while (!__atomic_load_n(&traffic->is_stopping, __ATOMIC_ACQUIRE)) {
		bool is_right = copy_and_compare(traffic->world, traffic->copies + 1);

		__atomic_fetch_add(&traffic->copies, 1, __ATOMIC_RELEASE);
		if (!is_right)
			__atomic_fetch_add(&traffic->wrong, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

int bench_traffic_start(struct bench_traffic *traffic, struct bench_world *world)
{
	*traffic = (struct bench_traffic){.world = world};
	return -pthread_create(&traffic->thread, NULL, run, traffic);
}

uint64_t bench_traffic_copies(const struct bench_traffic *traffic)
{
	return __atomic_load_n(&traffic->copies, __ATOMIC_ACQUIRE);
}

uint64_t bench_traffic_wrong(const struct bench_traffic *traffic)
{
	return __atomic_load_n(&traffic->wrong, __ATOMIC_ACQUIRE);
}

void bench_traffic_stop(struct bench_traffic *traffic)
{
	__atomic_store_n(&traffic->is_stopping, true, __ATOMIC_RELEASE);
	pthread_join(traffic->thread, NULL);
}
