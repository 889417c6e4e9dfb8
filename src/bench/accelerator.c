/* SPDX-License-Identifier: MIT */
/*
 * Memory moves by the accelerator with a guest process' pointers, against memcpy of the same bytes
 * at the same distances: the same working set, in memory of the same kind. Descriptors lie ready in
 * memory; submission, execution and completion are measured.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/memory.h"
#include "bench/method.h"
#include "vsva/dsa.h"
#include "vsva/guest.h"

#define MIB UINT64_C(1024) * 1024

/* Source and destination each */
#define AREA_LEN (32 * MIB)
#define GUEST    (192 * MIB)

#define BATCH_MOVES 32u
#define MOVE_LEN    4096u
#define BATCHES     32u /* of one repetition */
#define LARGE_LEN   (1 * MIB)
#define LARGES      16u

/* A batch in the process' memory: its descriptors, and a record for each */
#define BATCH_LEN (2 * (uint64_t)VSVA_PAGE_SIZE)

struct accelerator {
	struct vsva_machine *machine;
	struct vsva_device *dsa;
	struct vsva_guest *guest;
	struct vsva_guest_device *device;
	struct vsva_process *process;
	gva_t source, destination, batches, record;
	unsigned char *from, *to; /* of our own */
	uint32_t *order;          /* pages of an area */
	uint32_t at;
};

#define AREA_PAGES ((uint32_t)(AREA_LEN / MOVE_LEN))

static gva_t plus(gva_t address, uint64_t len)
{
	return gva(address.v + len);
}

/* Preparation */

static int map(struct accelerator *a, uint64_t len, gva_t *out)
{
	return vsva_process_mmap(a->process, gva(0), len, true, false, out);
}

/* Touched, so that no page request is measured. */
static int fill(struct accelerator *a, gva_t area, unsigned char seed)
{
	unsigned char page[MOVE_LEN];
	int err = 0;

	for (uint64_t at = 0; at < AREA_LEN && !err; at += sizeof(page)) {
		memset(page, (int)(seed + at / sizeof(page)), sizeof(page));
		err = vsva_process_write(a->process, plus(area, at), page, sizeof(page));
	}
	return err;
}

static struct vsva_dsa_descriptor move_of(const struct accelerator *a, uint64_t from, uint64_t to,
					  uint32_t len)
{
	return (struct vsva_dsa_descriptor){
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | VSVA_DSA_BLOCK_ON_FAULT |
				VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION,
		.completion = a->record.v,
		.source = a->source.v + from,
		.destination = a->destination.v + to,
		.size = len,
	};
}

/* Source page i of the order goes to the page half an area further in it. */
static uint64_t from_of(const struct accelerator *a, uint32_t index)
{
	return (uint64_t)a->order[index % AREA_PAGES] * MOVE_LEN;
}

static uint64_t to_of(const struct accelerator *a, uint32_t index)
{
	return from_of(a, index + AREA_PAGES / 2);
}

static int write_batch(struct accelerator *a, uint32_t batch, uint32_t first)
{
	struct vsva_dsa_descriptor moves[BATCH_MOVES];
	gva_t list = plus(a->batches, batch * BATCH_LEN);

	for (uint32_t i = 0; i < BATCH_MOVES; i++) {
		moves[i] = move_of(a, from_of(a, first + i), to_of(a, first + i), MOVE_LEN);
		moves[i].flags_opcode &=
			~(uint32_t)(VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION);
		moves[i].completion = 0;
	}
	return vsva_process_write(a->process, list, moves, sizeof(moves));
}

/* Execution */

static bool execute(struct accelerator *a, const struct vsva_dsa_descriptor *descriptor)
{
	static const struct vsva_dsa_completion none;

	return !vsva_process_write(a->process, a->record, &none, sizeof(none)) &&
	       !vsva_process_submit(a->process, a->device, descriptor, false) &&
	       vsva_process_wait(a->process, a->record, NULL) == VSVA_DSA_SUCCESS;
}

static bool execute_batch(struct accelerator *a, uint32_t batch)
{
	struct vsva_dsa_descriptor descriptor = {
		.flags_opcode = (uint32_t)VSVA_DSA_BATCH << 24 | VSVA_DSA_COMPLETION_VALID |
				VSVA_DSA_REQUEST_COMPLETION,
		.completion = a->record.v,
		.source = a->batches.v + batch * BATCH_LEN,
		.size = BATCH_MOVES,
	};

	return execute(a, &descriptor);
}

static int run_batches(struct accelerator *a, uint32_t first, double *ns)
{
	double begin;
	int err = 0;

	for (uint32_t i = 0; i < BATCHES && !err; i++)
		err = write_batch(a, i, first + i * BATCH_MOVES);
	begin = bench_now_ns();
	for (uint32_t i = 0; i < BATCHES && !err; i++)
		err = execute_batch(a, i) ? 0 : -EIO;
	*ns = bench_now_ns() - begin;
	return err;
}

static int run_larges(struct accelerator *a, double *ns)
{
	double begin = bench_now_ns();
	int err = 0;

	for (uint32_t i = 0; i < LARGES && !err; i++) {
		struct vsva_dsa_descriptor move = move_of(a, 0, 0, LARGE_LEN);

		err = execute(a, &move) ? 0 : -EIO;
	}
	*ns = bench_now_ns() - begin;
	return err;
}

/* memcpy's turn */

static double copy_batches(const struct accelerator *a, uint32_t first)
{
	double begin = bench_now_ns();

	for (uint32_t i = 0; i < BATCHES * BATCH_MOVES; i++)
		memcpy(a->to + to_of(a, first + i), a->from + from_of(a, first + i), MOVE_LEN);
	__asm__ volatile("" ::: "memory");
	return bench_now_ns() - begin;
}

static double copy_larges(const struct accelerator *a)
{
	double begin = bench_now_ns();

	for (uint32_t i = 0; i < LARGES; i++) {
		memcpy(a->to, a->from, LARGE_LEN);
		__asm__ volatile("" ::: "memory");
	}
	return bench_now_ns() - begin;
}

/* Were the last bytes moved? */
static int check_page(struct bench_run *run, uint64_t from, uint64_t to)
{
	struct accelerator *a = run->state;
	unsigned char one[MOVE_LEN], other[MOVE_LEN];
	int err = vsva_process_read(a->process, plus(a->source, from), one, sizeof(one));

	if (!err)
		err = vsva_process_read(a->process, plus(a->destination, to), other, sizeof(other));
	if (!err && memcmp(one, other, sizeof(one)) != 0)
		return bench_fail(run, -EIO, "the data were not moved");
	return err;
}

/* GB/s */
static void rates_of(struct bench_sample *out, uint64_t len, double ours, double theirs)
{
	out->value = (double)len / ours;
	out->beside = (double)len / theirs;
}

static int measure_batches(struct bench_run *run, struct bench_sample *out)
{
	struct accelerator *a = run->state;
	uint32_t first = a->at, last = first + BATCHES * BATCH_MOVES - 1;
	double ours, theirs;
	int err = run_batches(a, first, &ours);

	if (err)
		return bench_fail(run, err, "a batch failed");
	theirs = copy_batches(a, first);
	a->at = (last + 1) % AREA_PAGES;
	rates_of(out, BATCHES * BATCH_MOVES * (uint64_t)MOVE_LEN, ours, theirs);
	return check_page(run, from_of(a, last), to_of(a, last));
}

static int measure_larges(struct bench_run *run, struct bench_sample *out)
{
	struct accelerator *a = run->state;
	double ours, before = copy_larges(a);
	int err = run_larges(a, &ours);

	if (err)
		return bench_fail(run, err, "a move failed");
	rates_of(out, LARGES * LARGE_LEN, ours, (before + copy_larges(a)) / 2);
	return check_page(run, LARGE_LEN - MOVE_LEN, LARGE_LEN - MOVE_LEN);
}

/* Life */

static int make_guest(struct accelerator *a)
{
	static const struct vsva_machine_options machine = {.cache_policy = VSVA_CACHE_LRU};
	static const struct vsva_device_options device = {.kind = VSVA_DEVICE_DSA};
	struct vsva_guest_options guest = {.name = "bench", .memory = GUEST};
	int err = vsva_machine_create(&machine, &a->machine);

	if (!err)
		err = vsva_guest_create(a->machine, &guest, &a->guest);
	if (!err)
		err = vsva_device_create(a->machine, &device, &a->dsa);
	if (!err)
		err = vsva_guest_add_device(a->guest, a->dsa, rid(0x18), &a->device);
	if (!err)
		err = vsva_process_create(a->guest, &a->process);
	return err ? err : vsva_process_bind(a->process, a->device);
}

static int make_memory(struct accelerator *a)
{
	int err = map(a, AREA_LEN, &a->source);

	a->from = bench_memory_alloc_plain(AREA_LEN);
	a->to = bench_memory_alloc_plain(AREA_LEN);
	a->order = bench_shuffled(AREA_PAGES);
	if (!a->from || !a->to || !a->order)
		return -ENOMEM;
	memset(a->from, 1, AREA_LEN);
	memset(a->to, 2, AREA_LEN);
	if (!err)
		err = map(a, AREA_LEN, &a->destination);
	if (!err)
		err = map(a, BATCHES * BATCH_LEN, &a->batches);
	if (!err)
		err = map(a, VSVA_PAGE_SIZE, &a->record);
	if (!err)
		err = fill(a, a->source, 3);
	return err ? err : fill(a, a->destination, 5);
}

static int open_accelerator(struct bench_run *run)
{
	struct accelerator *a = calloc(1, sizeof(*a));
	int err;

	run->state = a;
	if (!a)
		return -ENOMEM;
	err = make_guest(a);
	return err ? err : make_memory(a);
}

static void close_accelerator(struct bench_run *run)
{
	struct accelerator *a = run->state;

	if (!a)
		return;
	vsva_guest_destroy(a->guest);
	if (a->machine)
		vsva_machine_destroy(a->machine);
	bench_memory_free(a->from, AREA_LEN);
	bench_memory_free(a->to, AREA_LEN);
	free(a->order);
	free(a);
}

const struct bench_method bench_dsa_batch = {open_accelerator, measure_batches, close_accelerator};
const struct bench_method bench_dsa_move = {open_accelerator, measure_larges, close_accelerator};
