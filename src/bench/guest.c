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

/* Of one sample: less than a millisecond, or a busy computer spoils each */
#define BINDS 20u
#define PAGES 64u

#define AREA_LEN (PAGES * (uint64_t)VSVA_PAGE_SIZE)

/* The memory of a virtual machine is there before anything is measured. Else half of a page request is
 * a page fault of this computer's kernel, at the first use of the frame that the guest maps. */
static int touch_memory(struct vsva_vm *vm)
{
	uint64_t word = 0;
	int err = 0;

	for (uint64_t at = 0; at < BENCH_MEMORY && !err; at += VSVA_PAGE_SIZE) {
		err = vsva_vm_read(vm, gpa(at), &word, sizeof(word));
		if (!err)
			err = vsva_vm_write(vm, gpa(at), &word, sizeof(word));
	}
	return err;
}

static int open_world(struct bench_run *run, bool use_vcmd)
{
	struct bench_world_options options = {.policy = VSVA_CACHE_LRU, .use_vcmd = use_vcmd};
	struct bench_world *world = calloc(1, sizeof(*world));
	int err;

	run->state = world;
	err = world ? bench_world_create(&options, world) : -ENOMEM;
	return err ? err : touch_memory(vsva_guest_vm(world->guest));
}

static int open_guest(struct bench_run *run)
{
	return open_world(run, false);
}

static int open_binding_guest(struct bench_run *run)
{
	return open_world(run, run->figure->parameter == BENCH_GUEST_BIND_VCMD);
}

static void close_guest(struct bench_run *run)
{
	if (run->state)
		bench_world_destroy(run->state);
	free(run->state);
}

/* Bind and unbind through the guest's queue, the virtual unit and the host */

/* A process has its PASID from the first bind on. */
static int give_pasid(struct bench_world *world, struct vsva_process *process)
{
	int err = vsva_process_bind(process, world->guest_engine);

	return err ? err : vsva_process_unbind(process, world->guest_engine);
}

static int bind_some(struct bench_run *run, struct vsva_process *process, double *ns)
{
	struct bench_world *world = run->state;
	double begin = bench_now_ns(), last = begin, now = begin;
	int err = 0;

	for (unsigned i = 0; i < BINDS && !err; i++, last = now) {
		err = vsva_process_bind(process, world->guest_engine);
		if (!err)
			err = vsva_process_unbind(process, world->guest_engine);
		now = bench_now_ns();
		bench_latencies_add(run->latencies, now - last);
	}
	*ns = (now - begin) / BINDS;
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
	err = give_pasid(world, process);
	vsva_machine_unit_stats(world->machine, &before);
	if (!err)
		err = bind_some(run, process, &out->value);
	vsva_machine_unit_stats(world->machine, &after);
	vsva_process_exit(process);
	if (!err && after.waits - before.waits < BINDS)
		return bench_fail(run, -EIO, "the host did not unbind as often as the guest");
	return err;
}

const struct bench_method bench_guest_bind = {open_binding_guest, measure_binds, close_guest};

/* Page requests: a store of eight bytes into each of many pages that are not there */

static int store_into_all(struct bench_run *run, gva_t area)
{
	struct bench_world *world = run->state;
	struct vsva_assigned *engine = vsva_guest_device_assigned(world->guest_engine);
	double last = bench_now_ns(), now;
	struct bench_job job = {
		.operation = TEST_ENGINE_FILL_MEMORY,
		.fill = UINT64_C(0x0123456789abcdef),
		.len = 8,
		.pasid = vsva_process_pasid(world->process),
		.page_requests = true,
	};

	for (uint32_t page = 0; page < PAGES; page++) {
		job.destination = gva(area.v + page * (uint64_t)VSVA_PAGE_SIZE);
		if (!bench_engine_run(engine, &job))
			return -EIO;
		now = bench_now_ns();
		bench_latencies_add(run->latencies, now - last);
		last = now;
	}
	return 0;
}

static int check_last(struct bench_run *run, gva_t area)
{
	struct bench_world *world = run->state;
	uint64_t word = 0;
	int err = vsva_process_read(world->process, gva(area.v + AREA_LEN - VSVA_PAGE_SIZE), &word,
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
	int err = vsva_process_mmap(world->process, gva(0), AREA_LEN, true, false, &area);

	if (err)
		return err;
	vsva_guest_get_stats(world->guest, &before);
	begin = bench_now_ns();
	err = store_into_all(run, area);
	out->value = (bench_now_ns() - begin) / PAGES;
	vsva_guest_get_stats(world->guest, &after);
	if (!err)
		err = check_last(run, area);
	vsva_process_munmap(world->process, area, AREA_LEN);
	if (!err && after.page_faults_resolved - before.page_faults_resolved != PAGES)
		return bench_fail(run, -EIO, "%llu page faults for %u pages",
				  (unsigned long long)(after.page_faults_resolved -
						       before.page_faults_resolved),
				  PAGES);
	return err;
}

const struct bench_method bench_page_request = {open_guest, measure_page_requests, close_guest};
