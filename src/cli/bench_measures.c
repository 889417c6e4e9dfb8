/* SPDX-License-Identifier: MIT */
/*
 * What is measured. The test engine moves at most a page or 64 KiB of a larger one with one
 * translation. So a copy in small pages makes 16 times as many translations as one of the same
 * bytes in huge pages: the difference of their times is what translations cost, with the device's
 * part of it and without the copy.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/engine.h"
#include "vsva/dsa.h"

#define FAILED (-1.0)

/* A span that fits into every cache, and how often it is copied. */
#define SPAN   (UINT64_C(128) << 10)
#define ROUNDS 64u
#define WINDOW (UINT64_C(64) << 10)
/* Translations that small pages make more than huge ones. */
#define TRANSLATIONS (ROUNDS * 2 * (SPAN / VSVA_PAGE_SIZE - SPAN / WINDOW))

/* Test engine */

static bool engine_copy(struct bench_world *world, const gva_t *areas, bool use_ats)
{
	struct vsva_assigned *engine = vsva_guest_device_assigned(world->guest_engine);
	struct engine_command command = {
		.operation = ENGINE_COPY,
		.source = areas[0].v,
		.destination = areas[1].v,
		.len = (uint32_t)SPAN,
		.has_pasid = true,
		.pasid = vsva_process_pasid(world->process),
		.use_ats = use_ats,
	};
	struct engine_result result;

	return !engine_start(engine, &command) && !engine_wait(engine, &result) &&
	       result.status == ENGINE_DONE;
}

/* Nanoseconds of all rounds. */
static double time_engine(struct bench_world *world, const gva_t *areas, bool use_ats)
{
	double begin = bench_now_ns();

	for (unsigned round = 0; round < ROUNDS; round++)
		if (!engine_copy(world, areas, use_ats))
			return FAILED;
	return bench_now_ns() - begin;
}

static double time_translation(struct bench_world *world, bool use_ats)
{
	double small = time_engine(world, world->small, use_ats);
	double huge = time_engine(world, world->huge, use_ats);

	if (small < 0 || huge < 0)
		return FAILED;
	return small > huge ? (small - huge) / (double)TRANSLATIONS : 0;
}

static double cached_translation(struct bench_context *context)
{
	return time_translation(&context->cached, false);
}

static double device_tlb_translation(struct bench_context *context)
{
	return time_translation(&context->cached, true);
}

static double cold_translation(struct bench_context *context)
{
	return time_translation(&context->cold, false);
}

/* Accelerator */

static bool dsa_copy(struct bench_world *world, const gva_t *areas)
{
	static const struct vsva_dsa_completion none;
	struct vsva_dsa_descriptor descriptor = {
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | VSVA_DSA_BLOCK_ON_FAULT |
				VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION,
		.completion = world->record.v,
		.source = areas[0].v,
		.destination = areas[1].v,
		.size = (uint32_t)BENCH_LEN,
	};

	return !vsva_process_write(world->process, world->record, &none, sizeof(none)) &&
	       !vsva_process_submit(world->process, world->guest_dsa, &descriptor, false) &&
	       vsva_process_wait(world->process, world->record, NULL) == VSVA_DSA_SUCCESS;
}

static double gigabytes_per_second(double ns)
{
	return ns > 0 ? (double)BENCH_LEN / ns : FAILED;
}

static double time_dsa(struct bench_world *world, const gva_t *areas)
{
	double begin = bench_now_ns();

	return dsa_copy(world, areas) ? gigabytes_per_second(bench_now_ns() - begin) : FAILED;
}

static double copy_small_pages(struct bench_context *context)
{
	return time_dsa(&context->cached, context->cached.small);
}

static double copy_huge_pages(struct bench_context *context)
{
	return time_dsa(&context->cached, context->cached.huge);
}

static double copy_cold(struct bench_context *context)
{
	return time_dsa(&context->cold, context->cold.small);
}

/* Page requests: the destination is new each time. */
static double page_request(struct bench_context *context)
{
	struct bench_world *world = &context->cached;
	gva_t areas[2] = {world->small[0]};
	double begin, end;
	bool ok;

	if (vsva_process_mmap(world->process, gva(0), BENCH_LEN, true, false, &areas[1]))
		return FAILED;
	begin = bench_now_ns();
	ok = dsa_copy(world, areas);
	end = bench_now_ns();
	if (vsva_process_munmap(world->process, areas[1], BENCH_LEN) || !ok)
		return FAILED;
	return (end - begin) / (double)(BENCH_LEN / VSVA_PAGE_SIZE);
}

/* Binding */

#define BINDS 200u

static double bind_unbind(struct bench_context *context)
{
	struct bench_world *world = &context->cached;
	struct vsva_process *process;
	double begin;
	bool ok = !vsva_process_create(world->guest, &process);

	if (!ok)
		return FAILED;
	begin = bench_now_ns();
	for (unsigned i = 0; i < BINDS && ok; i++)
		ok = !vsva_process_bind(process, world->guest_engine) &&
		     !vsva_process_unbind(process, world->guest_engine);
	begin = BINDS / ((bench_now_ns() - begin) / 1e9);
	vsva_process_exit(process);
	return ok ? begin : FAILED;
}

/* Calibration: this computer, without us */

static double plain_memcpy(struct bench_context *context)
{
	double begin = bench_now_ns();

	memcpy(context->memory[1], context->memory[0], BENCH_LEN);
	__asm__ volatile("" : : "r"(context->memory[1]) : "memory");
	return gigabytes_per_second(bench_now_ns() - begin);
}

#define PAIRS 100000u

static double mutex_pair(struct bench_context *context)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	double begin = bench_now_ns();

	(void)context;
	for (unsigned i = 0; i < PAIRS; i++) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
	return (bench_now_ns() - begin) / PAIRS;
}

const struct bench_measure bench_measures[] = {
	{"translation_cached", "ns", "unit's IOTLB hits, per 4 KiB, with the device's part",
	 cached_translation},
	{"translation_device_tlb", "ns", "device TLB hits (ATS), per 4 KiB",
	 device_tlb_translation},
	{"translation_cold", "ns", "nested walk without any cache, per 4 KiB", cold_translation},
	{"copy_small_pages", "GB/s", "accelerator, 2 MiB in 4 KiB pages, translations cached",
	 copy_small_pages},
	{"copy_huge_pages", "GB/s", "accelerator, 2 MiB in 2 MiB pages", copy_huge_pages},
	{"copy_cold", "GB/s", "accelerator, 4 KiB pages, every translation walked", copy_cold},
	{"page_request", "ns", "page made present on request, and its copy", page_request},
	{"bind_unbind", "1/s", "guest, vIOMMU, host and unit, bind and unbind", bind_unbind},
	{"memcpy", "GB/s", "calibration: memcpy of 2 MiB", plain_memcpy},
	{"mutex_pair", "ns", "calibration: lock and unlock", mutex_pair},
};
const size_t bench_measure_count = sizeof(bench_measures) / sizeof(bench_measures[0]);
