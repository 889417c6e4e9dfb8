/* SPDX-License-Identifier: MIT */
/*
 * Invalidations, with an IOTLB that is full of other things: descriptors executed one after the
 * other, without a wait; and waits alone, with a reader on the other core.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/memory.h"
#include "bench/requests.h"

#define PASIDS     1000u
#define FIRST      16u /* of them */
#define IOTLB      131072u
#define IOTLB_ROOM 2u

/* Descriptors of one repetition: at most what the queue takes. */
#define PAGES_AT_ONCE  512u
#define PASIDS_AT_ONCE 250u
#define WAITS          500u

struct cached {
	struct silicon silicon;
	uint32_t pasids, pages; /* of each PASID */
	uint32_t *order;        /* of PASIDs */
	uint32_t at;
};

static uint64_t gpa_of(const struct cached *c, uint32_t index, uint32_t page)
{
	return ((uint64_t)index * c->pages + page) * VSVA_PAGE_SIZE;
}

static uint64_t va_of(uint32_t page)
{
	return SILICON_VA + (uint64_t)page * VSVA_PAGE_SIZE;
}

static int fill_pasid(struct bench_run *run, struct cached *c, uint32_t index)
{
	for (uint32_t page = 0; page < c->pages; page++)
		if (!silicon_leads(&c->silicon, FIRST + index, va_of(page), gpa_of(c, index, page)))
			return bench_fail(run, -EIO, "a page does not lead where it should");
	return 0;
}

static int fill_all(struct bench_run *run, struct cached *c)
{
	int err = 0;

	for (uint32_t i = 0; i < c->pasids && !err; i++)
		err = silicon_map(&c->silicon, FIRST + i, SILICON_VA, gpa_of(c, i, 0), c->pages);
	for (uint32_t i = 0; i < c->pasids && !err; i++)
		err = fill_pasid(run, c, i);
	return err;
}

/* Of as many PASIDs as there are pages for. */
static int open_cached(struct bench_run *run)
{
	uint32_t entries = (uint32_t)run->figure->parameter;
	struct cached *c = calloc(1, sizeof(*c));
	struct silicon_options options = {.policy = UNIT_CACHE_LRU, .iotlb_entries = IOTLB};
	int err;

	run->state = c;
	if (!c)
		return -ENOMEM;
	c->pasids = entries < PASIDS ? entries : PASIDS;
	c->pages = (entries + c->pasids - 1) / c->pasids;
	if (IOTLB_ROOM * entries > IOTLB)
		options.iotlb_entries = IOTLB_ROOM * entries;
	/* data, and four tables for each PASID */
	options.memory = c->pasids * (c->pages + 8 + c->pages / 512) * (uint64_t)VSVA_PAGE_SIZE;
	c->order = bench_shuffled(c->pasids);
	err = silicon_open(&options, &c->silicon);
	if (!err && !c->order)
		err = -ENOMEM;
	return err ? err : fill_all(run, c);
}

static void close_cached(struct bench_run *run)
{
	struct cached *c = run->state;

	if (!c)
		return;
	silicon_close(&c->silicon);
	free(c->order);
	free(c);
}

static uint64_t entries_of(const struct cached *c)
{
	struct unit_cache_stats stats;

	unit_get_stats(c->silicon.unit, &stats);
	return stats.iotlb_entries;
}

/* The next PASIDs in the order */
static uint32_t next_index(struct cached *c)
{
	uint32_t index = c->order[c->at];

	c->at = c->at + 1 < c->pasids ? c->at + 1 : 0;
	return index;
}

/* Executes what is in the queue; each descriptor must have removed that many entries. A few may
 * have been pushed out by others before: a set of the cache overflows now and then. */
static int run_and_count(struct bench_run *run, struct cached *c, uint32_t descriptors,
			 uint32_t entries, double *ns)
{
	uint64_t before = entries_of(c), removed;
	double begin = bench_now_ns();

	silicon_run(&c->silicon);
	*ns = (bench_now_ns() - begin) / descriptors;
	removed = before - entries_of(c);
	if (removed > (uint64_t)descriptors * entries ||
	    removed * 10 < (uint64_t)descriptors * entries * 9)
		return bench_fail(run, -EIO, "%llu entries went, not %llu",
				  (unsigned long long)removed,
				  (unsigned long long)descriptors * entries);
	return 0;
}

/* A page of each */
static int measure_pages(struct bench_run *run, struct bench_sample *out)
{
	struct cached *c = run->state;
	uint32_t count = c->pasids < PAGES_AT_ONCE ? c->pasids : PAGES_AT_ONCE, start = c->at;
	int err;

	for (uint32_t i = 0; i < count; i++) {
		struct vtd_desc desc =
			silicon_page_descriptor(FIRST + next_index(c), va_of(i % c->pages));

		silicon_put(&c->silicon, &desc);
	}
	err = run_and_count(run, c, count, 1, &out->value);
	c->at = start;
	for (uint32_t i = 0; i < count && !err; i++)
		err = fill_pasid(run, c, next_index(c));
	return err;
}

static int measure_pasids(struct bench_run *run, struct bench_sample *out)
{
	struct cached *c = run->state;
	uint32_t count = c->pasids < PASIDS_AT_ONCE ? c->pasids : PASIDS_AT_ONCE, start = c->at;
	int err;

	for (uint32_t i = 0; i < count; i++) {
		struct vtd_desc desc = silicon_pasid_descriptor(FIRST + next_index(c));

		silicon_put(&c->silicon, &desc);
	}
	err = run_and_count(run, c, count, c->pages, &out->value);
	c->at = start;
	for (uint32_t i = 0; i < count && !err; i++)
		err = fill_pasid(run, c, next_index(c));
	return err;
}

const struct bench_method bench_invalidate_page = {open_cached, measure_pages, close_cached};
const struct bench_method bench_invalidate_pasid = {open_cached, measure_pasids, close_cached};

/* Waits. The descriptor before invalidates something, so that there is something to wait for; its
 * execution is not part of the time. */

#define WAIT_PAGES 64u
#define WAIT_TRIES 1000u

static void request_one(void *arg)
{
	struct requests *r = arg;
	struct unit_request request = {
		.rid = silicon_rid(1), .pasid = 1, .addr = va_of(r->at), .access = UNIT_READ};
	struct unit_translation t;

	unit_translate(r->silicon.unit, &request, &t);
	r->at = (r->at + 1) % r->pages;
}

static int open_wait(struct bench_run *run)
{
	static const struct silicon_options options = {.policy = UNIT_CACHE_LRU};
	struct requests *r = calloc(1, sizeof(*r));
	int err;

	run->state = r;
	if (!r)
		return -ENOMEM;
	err = requests_open(run, &options, WAIT_PAGES, r);
	if (!err)
		err = bench_reader_start(run->reader, request_one, r);
	return err == -ENOTSUP ? bench_fail(run, err, "there is no other core") : err;
}

static void close_wait(struct bench_run *run)
{
	bench_reader_stop(run->reader);
	if (run->state)
		requests_close(run->state);
	free(run->state);
}

static double time_wait(struct silicon *s, uint32_t data)
{
	struct vtd_desc before = silicon_page_descriptor(2, SILICON_VA);
	struct vtd_desc wait = silicon_wait_descriptor(s, data);
	double begin;

	silicon_put(s, &before);
	silicon_run(s);
	silicon_put(s, &wait);
	begin = bench_now_ns();
	silicon_run(s);
	return bench_now_ns() - begin;
}

static bool time_waits(struct bench_run *run, struct bench_latencies *all)
{
	struct requests *r = run->state;
	bool completed = true;

	for (uint32_t i = 1; i <= WAITS; i++) {
		bench_latencies_add(all, time_wait(&r->silicon, i));
		completed &= __atomic_load_n(r->silicon.status, __ATOMIC_ACQUIRE) == i;
	}
	return completed;
}

/* The median of many: now and then the other core does something else than our reader. Where it did
 * nothing else all the time, once more. */
static int measure_wait(struct bench_run *run, struct bench_sample *out)
{
	struct bench_latencies all = {0};
	uint64_t pieces;
	bool completed;
	unsigned tries = 0;

	do {
		pieces = bench_reader_pieces(run->reader);
		all.count = 0;
		completed = time_waits(run, &all);
	} while (bench_reader_pieces(run->reader) == pieces && ++tries < WAIT_TRIES);
	for (size_t i = 0; i < all.count; i++)
		bench_latencies_add(run->latencies, all.values[i]);
	out->value = bench_distribution_of(&all).median;
	bench_latencies_fini(&all);
	if (!completed)
		return bench_fail(run, -EIO, "a wait did not complete");
	return tries < WAIT_TRIES ? 0 : bench_fail(run, -EIO, "the reader did not run");
}

const struct bench_method bench_wait = {open_wait, measure_wait, close_wait};
