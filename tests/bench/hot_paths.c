/* SPDX-License-Identifier: MIT */
/*
 * The hottest paths, each in a function of its own, so that callgrind can count their instructions:
 * hot_paths NAME COUNT prepares, and does the thing COUNT times. Two runs with different counts tell
 * what one costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "base/trace_often.h"
#include "bench/engine.h"
#include "bench/owner.h"
#include "bench/silicon.h"
#include "bench/world.h"
#include "vsva/device.h"

#define PASID     1u
#define PAGES     512u /* mapped and translated once */
#define HOT_PAGES 64u  /* and then again and again */
#define HOT       __attribute__((noinline))

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct silicon silicon;

static uint64_t va_of(unsigned i)
{
	return SILICON_VA + i % PAGES * (uint64_t)VSVA_PAGE_SIZE;
}

/* Twice: what sets A bits and fills caches is not what is counted. iotlb_entries 0: as many as usual. */
static void open_silicon(enum unit_cache_policy policy, uint32_t iotlb_entries)
{
	const struct silicon_options options = {
		.policy = policy, .iotlb_entries = iotlb_entries, .memory = UINT64_C(2) << 20};

	MUST(!silicon_open(&options, &silicon));
	MUST(!silicon_map(&silicon, PASID, SILICON_VA, 0, PAGES));
	for (unsigned i = 0; i < 2 * PAGES; i++)
		MUST(silicon_leads(&silicon, PASID, va_of(i), i % PAGES * VSVA_PAGE_SIZE));
}

HOT void hot_translations(unsigned count);
void hot_translations(unsigned count)
{
	struct unit_request request = {.rid = silicon_rid(0), .pasid = PASID, .access = UNIT_READ};
	struct unit_translation t = {.response = VTD_RESP_NONE};

	for (unsigned i = 0; i < count && t.response == VTD_RESP_NONE; i++) {
		request.addr = va_of(i % HOT_PAGES);
		unit_translate(silicon.unit, &request, &t);
	}
	MUST(t.response == VTD_RESP_NONE);
}

static void translate(enum unit_cache_policy policy, uint32_t iotlb_entries, unsigned count)
{
	open_silicon(policy, iotlb_entries);
	rcu_read_lock();
	hot_translations(count);
	rcu_read_unlock();
	silicon_close(&silicon);
}

static void iotlb_hit(unsigned count)
{
	translate(UNIT_CACHE_LRU, 0, count);
}

static void walk(unsigned count)
{
	translate(UNIT_CACHE_NEVER, 0, count);
}

/* An IOTLB that is too small for anything, and paging-structure caches. */
static void walk_cached(unsigned count)
{
	translate(UNIT_CACHE_LRU, 1, count);
}

HOT void hot_copies(unsigned count);
void hot_copies(unsigned count)
{
	const struct dma_context context = {.pasid = PASID, .use_ats = true};
	unsigned char buffer[64];
	bool ok = true;
	size_t done;

	for (unsigned i = 0; i < count && ok; i++)
		ok = endpoint_read(silicon_endpoint(&silicon, 0), &context, va_of(i % HOT_PAGES),
				   buffer, sizeof(buffer), &done) == DMA_OK;
	MUST(ok);
}

static void device_tlb_dma(unsigned count)
{
	open_silicon(UNIT_CACHE_LRU, 0);
	rcu_read_lock();
	hot_copies(2 * HOT_PAGES); /* fills it: the same whatever the count */
	hot_copies(count);
	rcu_read_unlock();
	silicon_close(&silicon);
}

HOT void hot_run(void);
void hot_run(void)
{
	silicon_run(&silicon);
}

static void invalidate_page(unsigned count)
{
	struct unit_cache_stats before, after;

	open_silicon(UNIT_CACHE_LRU, 0);
	unit_get_stats(silicon.unit, &before);
	for (unsigned i = 0; i < count; i++) {
		struct vtd_desc desc = silicon_page_descriptor(PASID, va_of(i));

		silicon_put(&silicon, &desc);
	}
	hot_run();
	unit_get_stats(silicon.unit, &after);
	MUST(after.descriptors - before.descriptors == count);
	MUST(count <= PAGES && before.iotlb_entries - after.iotlb_entries == count);
	silicon_close(&silicon);
}

HOT void hot_binds(const struct owner *owner, hpasid_t id, unsigned count);
void hot_binds(const struct owner *owner, hpasid_t id, unsigned count)
{
	int err = 0;

	for (unsigned i = 0; i < count && !err; i++) {
		err = owner_bind(owner, id, 0);
		if (!err)
			err = vsva_container_unbind_gpasid(owner->device, id);
	}
	MUST(!err);
}

static void bind_unbind(unsigned count)
{
	static const struct vsva_machine_options options = {.cache_policy = VSVA_CACHE_LRU};
	static const struct vsva_device_options engine = {.kind = VSVA_DEVICE_TEST_ENGINE};
	struct vsva_machine *machine;
	struct vsva_device *device;
	struct owner owner;
	hpasid_t id;

	MUST(!vsva_machine_create(&options, &machine));
	MUST(!vsva_device_create(machine, &engine, &device));
	MUST(!owner_open(vsva_machine_iommu(machine), vsva_device_dev(device), VSVA_FREE_RECLAIMS,
			 1, &owner));
	MUST(!owner_alloc(&owner, &id, 1));
	hot_binds(&owner, id, count);
	MUST(!vsva_container_close(owner.container));
	vsva_machine_destroy(machine);
}

HOT void hot_events(const struct trace *trace, unsigned count);
void hot_events(const struct trace *trace, unsigned count)
{
	struct ring_access access = {.len = VSVA_PAGE_SIZE, .pasid = hpasid(PASID), .windows = 1};

	for (unsigned i = 0; i < count; i++) {
		trace_hop(trace, VSVA_EV_SUBMIT, rid(8), hpasid(PASID), 1, 0);
		for (unsigned write = 0; write < 2 && trace_is_on(trace); write++) {
			access.write = write;
			access.addr = va_of(i + write * HOT_PAGES);
			trace_emit_access(trace, &access, access.len);
		}
		trace_hop(trace, VSVA_EV_COMPLETE, rid(8), hpasid(PASID), 1, 0);
	}
}

/* What a short copy tells. */
static void copy_events(unsigned count)
{
	struct trace trace = {.ring = ring_create(0)};
	struct vsva_trace_reader *reader;
	struct vsva_record record;
	uint64_t lost;

	MUST(trace.ring && (reader = ring_reader_create(trace.ring, false)));
	hot_events(&trace, count);
	while (!vsva_trace_read(reader, &record, 1, &lost))
		;
	MUST(record.event.kind == VSVA_EV_SUBMIT && lost == 0);
	vsva_trace_reader_destroy(reader);
	ring_put(trace.ring);
}

static void copy_events_off(unsigned count)
{
	const struct trace trace = {0};

	hot_events(&trace, count);
}

/* The built-in guest, on a machine without threads */

static struct bench_world world;

static void open_world(bool use_vcmd)
{
	const struct bench_world_options options = {.policy = VSVA_CACHE_LRU, .use_vcmd = use_vcmd};

	MUST(!bench_world_create(&options, &world));
}

HOT void hot_guest_binds(struct vsva_process *process, unsigned count);
void hot_guest_binds(struct vsva_process *process, unsigned count)
{
	int err = 0;

	for (unsigned i = 0; i < count && !err; i++) {
		err = vsva_process_bind(process, world.guest_engine);
		if (!err)
			err = vsva_process_unbind(process, world.guest_engine);
	}
	MUST(!err);
}

static void bind_in_guest(unsigned count, bool use_vcmd)
{
	struct vsva_process *process;

	open_world(use_vcmd);
	MUST(!vsva_process_create(world.guest, &process));
	hot_guest_binds(process, count);
	vsva_process_exit(process);
	bench_world_destroy(&world);
}

static void guest_bind(unsigned count)
{
	bind_in_guest(count, true);
}

static void guest_bind_own(unsigned count)
{
	bind_in_guest(count, false);
}

HOT void hot_page_requests(gva_t area, unsigned count);
void hot_page_requests(gva_t area, unsigned count)
{
	struct vsva_assigned *engine = vsva_guest_device_assigned(world.guest_engine);
	struct bench_job job = {
		.operation = TEST_ENGINE_FILL_MEMORY,
		.len = 8,
		.pasid = vsva_process_pasid(world.process),
		.page_requests = true,
	};

	for (unsigned i = 0; i < count; i++) {
		job.destination = gva(area.v + i * (uint64_t)VSVA_PAGE_SIZE);
		MUST(bench_engine_run(engine, &job));
	}
}

static void page_request(unsigned count)
{
	struct vsva_guest_stats stats;
	gva_t area;

	open_world(false);
	MUST(!vsva_process_mmap(world.process, gva(0), count * (uint64_t)VSVA_PAGE_SIZE, true,
				false, &area));
	hot_page_requests(area, count);
	vsva_guest_get_stats(world.guest, &stats);
	MUST(stats.page_faults_resolved == count);
	bench_world_destroy(&world);
}

static const struct {
	const char *name;
	void (*run)(unsigned count);
} paths[] = {
	{"iotlb_hit", iotlb_hit},
	{"device_tlb_dma", device_tlb_dma},
	{"walk", walk},
	{"walk_cached", walk_cached},
	{"invalidate_page", invalidate_page},
	{"bind_unbind", bind_unbind},
	{"copy_events", copy_events},
	{"copy_events_off", copy_events_off},
	{"guest_bind", guest_bind},
	{"guest_bind_own", guest_bind_own},
	{"page_request", page_request},
};

int main(int argc, char **argv)
{
	MUST(argc == 3);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!strcmp(paths[i].name, argv[1])) {
			paths[i].run((unsigned)strtoul(argv[2], NULL, 10));
			return 0;
		}
	fprintf(stderr, "no path '%s'\n", argv[1]);
	return 2;
}
