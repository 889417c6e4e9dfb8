/* SPDX-License-Identifier: MIT */
/* The space of PASIDs, with so many out. */
#include <errno.h>
#include <stdlib.h>

#include "base/worker.h"
#include "bench/clock.h"
#include "bench/memory.h"
#include "bench/method.h"
#include "host/ioasid.h"

#define BITS 20u

/* Operations of one sample */
#define ALLOCS 1000u
#define FINDS  4000u
#define PAIRS  1000u

/* So many are in a cache of the CPU while they are in use. */
#define IDS_IN_CACHE 65536u

struct ids {
	struct worker_pool *pool;
	struct vsva_ioasid_space *space;
	struct vsva_ioasid_set *set;
	uint32_t count;
	hpasid_t *
		ids; /* in the order in which they are used: what is fetched from memory is vsva's */
	uint32_t at;
};

static hpasid_t *next_id(struct ids *ids)
{
	hpasid_t *id = &ids->ids[ids->at];

	ids->at = ids->at + 1 < ids->count ? ids->at + 1 : 0;
	return id;
}

static int alloc(struct ids *ids, hpasid_t *id)
{
	return vsva_ioasid_alloc(ids->set, 1, VSVA_PASID_MAX, NULL, id);
}

static int fill(struct ids *ids)
{
	uint32_t *order = bench_shuffled(ids->count);
	int err = order ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < ids->count && !err; i++)
		err = alloc(ids, &ids->ids[order[i]]);
	free(order);
	return err;
}

/* All numbers but a few, where a million is asked for: there are no more. */
static uint32_t count_of(const struct bench_figure *figure)
{
	uint32_t most = VSVA_PASID_MAX - 2 * ALLOCS;

	return figure->parameter < most ? (uint32_t)figure->parameter : most;
}

static int open_ids(struct bench_run *run)
{
	struct ids *ids = calloc(1, sizeof(*ids));

	run->state = ids;
	if (!ids)
		return -ENOMEM;
	ids->count = count_of(run->figure);
	ids->ids = malloc(ids->count * sizeof(*ids->ids));
	ids->pool = worker_pool_create(WORKERS_MANUAL, 0);
	ids->space = ids->pool ? ioasid_space_create(BITS, ids->pool, NULL) : NULL;
	if (!ids->ids || !ids->space)
		return -ENOMEM;
	if (vsva_ioasid_set_alloc(ids->space, ids, VSVA_PASID_MAX - 1, &ids->set))
		return -ENOMEM;
	return fill(ids);
}

static void close_ids(struct bench_run *run)
{
	struct ids *ids = run->state;

	if (!ids)
		return;
	if (ids->set) {
		vsva_ioasid_set_free(ids->set);
		worker_pool_run_idle(ids->pool, UINT64_MAX);
	}
	ioasid_space_destroy(ids->space);
	if (ids->pool)
		worker_pool_destroy(ids->pool);
	free(ids->ids);
	free(ids);
}

/* On top of those that are out; they go back untimed. */
static int measure_alloc(struct bench_run *run, struct bench_sample *out)
{
	struct ids *ids = run->state;
	hpasid_t more[ALLOCS];
	double begin = bench_now_ns();
	uint32_t done = 0;
	int err = 0;

	while (done < ALLOCS && !err) {
		err = alloc(ids, &more[done]);
		done += !err;
	}
	out->value = (bench_now_ns() - begin) / ALLOCS;
	while (done--)
		vsva_ioasid_free(ids->set, more[done]);
	if (vsva_ioasid_set_count(ids->set) != ids->count)
		return bench_fail(run, -EIO, "not all ids went back");
	return err;
}

static int measure_find(struct bench_run *run, struct bench_sample *out)
{
	struct ids *ids = run->state;
	uint32_t lost = 0;
	double begin = bench_now_ns();

	for (unsigned i = 0; i < FINDS; i++)
		lost += vsva_ioasid_find(ids->space, ids->set, *next_id(ids), NULL) != 0;
	out->value = (bench_now_ns() - begin) / FINDS;
	return lost ? bench_fail(run, -EIO, "%u ids were not found", lost) : 0;
}

/* What was measured for comparison has taken the caches meanwhile. A million ids are in none anyway. */
static int look_at_all(struct ids *ids)
{
	uint32_t lost = 0;

	for (uint32_t i = 0; i < ids->count && ids->count <= IDS_IN_CACHE; i++)
		lost += vsva_ioasid_find(ids->space, ids->set, ids->ids[i], NULL) != 0;
	return lost ? -EIO : 0;
}

/* Frees one of those that are out, and allocates another. */
static int measure_pair(struct bench_run *run, struct bench_sample *out)
{
	struct ids *ids = run->state;
	int err = look_at_all(ids);
	double begin = bench_now_ns();

	for (unsigned i = 0; i < PAIRS && !err; i++) {
		hpasid_t *id = next_id(ids);

		err = vsva_ioasid_free(ids->set, *id);
		if (!err)
			err = alloc(ids, id);
	}
	out->value = (bench_now_ns() - begin) / PAIRS;
	if (!err && vsva_ioasid_set_count(ids->set) != ids->count)
		return bench_fail(run, -EIO, "ids went astray");
	return err;
}

const struct bench_method bench_ioasid_alloc = {open_ids, measure_alloc, close_ids};
const struct bench_method bench_ioasid_find = {open_ids, measure_find, close_ids};
const struct bench_method bench_ioasid_pair = {open_ids, measure_pair, close_ids};
