/* SPDX-License-Identifier: MIT */
/* The built-in guest, on a machine of one thread: everything that a hop wakes is run inside the call
 * that waits for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/engine.h"
#include "bench/method.h"
#include "bench/world.h"

/* Of one repetition */
#define BINDS 100u
#define PAGES ((uint32_t)(BENCH_LEN / VSVA_PAGE_SIZE))

static int open_guest(struct bench_run *run)
{
	static const struct bench_world_options options = {.policy = VSVA_CACHE_LRU};
	struct bench_world *world = calloc(1, sizeof(*world));

	run->state = world;
	return world ? bench_world_create(&options, world) : -ENOMEM;
}

static void close_guest(struct bench_run *run)
{
	if (run->state)
		bench_world_destroy(run->state);
	free(run->state);
}

/* Bind and unbind through the guest's queue, the virtual unit and the host */

static int bind_some(struct bench_world *world, struct vsva_process *process, double *ns)
{
	double begin = bench_now_ns();
	int err = 0;

	for (unsigned i = 0; i < BINDS && !err; i++) {
		err = vsva_process_bind(process, world->guest_engine);
		if (!err)
			err = vsva_process_unbind(process, world->guest_engine);
	}
	*ns = (bench_now_ns() - begin) / BINDS;
	return err;
}

static int measure_binds(struct bench_run *run, struct bench_sample *out)
{
	struct bench_world *world = run->state;
	struct vsva_unit_stats before, after;
	struct vsva_process *process;
	int err = vsva_process_create(world->guest, &process);

	if (err)
		return err;
	vsva_machine_unit_stats(world->machine, &before);
	err = bind_some(world, process, &out->value);
	vsva_machine_unit_stats(world->machine, &after);
	vsva_process_exit(process);
	if (!err && after.waits - before.waits < BINDS)
		return bench_fail(run, -EIO, "the host did not unbind as often as the guest");
	return err;
}

const struct bench_method bench_guest_bind = {open_guest, measure_binds, close_guest};

/* Page requests: a store of eight bytes into each of many pages that are not there */

static int store_into_all(struct bench_world *world, gva_t area)
{
	struct bench_job job = {
		.operation = TEST_ENGINE_FILL_MEMORY,
		.fill = UINT64_C(0x0123456789abcdef),
		.len = 8,
		.pasid = vsva_process_pasid(world->process),
		.page_requests = true,
	};

	for (uint32_t page = 0; page < PAGES; page++) {
		job.destination = gva(area.v + page * (uint64_t)VSVA_PAGE_SIZE);
		if (!bench_engine_run(vsva_guest_device_assigned(world->guest_engine), &job))
			return -EIO;
	}
	return 0;
}

static int check_last(struct bench_run *run, gva_t area)
{
	struct bench_world *world = run->state;
	uint64_t word = 0;
	int err = vsva_process_read(world->process, gva(area.v + BENCH_LEN - VSVA_PAGE_SIZE), &word,
				    sizeof(word));

	if (!err && word != UINT64_C(0x0123456789abcdef))
		return bench_fail(run, -EIO, "the page does not have the data");
	return err;
}

static int measure_page_requests(struct bench_run *run, struct bench_sample *out)
{
	struct bench_world *world = run->state;
	struct vsva_guest_stats before, after;
	double begin;
	gva_t area;
	int err = vsva_process_mmap(world->process, gva(0), BENCH_LEN, true, false, &area);

	if (err)
		return err;
	vsva_guest_get_stats(world->guest, &before);
	begin = bench_now_ns();
	err = store_into_all(world, area);
	out->value = (bench_now_ns() - begin) / PAGES;
	vsva_guest_get_stats(world->guest, &after);
	if (!err)
		err = check_last(run, area);
	vsva_process_munmap(world->process, area, BENCH_LEN);
	if (!err && after.page_faults_resolved - before.page_faults_resolved != PAGES)
		return bench_fail(run, -EIO, "%llu page faults for %u pages",
				  (unsigned long long)(after.page_faults_resolved -
						       before.page_faults_resolved),
				  PAGES);
	return err;
}

const struct bench_method bench_page_request = {open_guest, measure_page_requests, close_guest};
