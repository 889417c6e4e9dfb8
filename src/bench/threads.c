/* SPDX-License-Identifier: MIT */
/*
 * Two cores: translations beside invalidations, and translations beside translations. Rates, because
 * both cores work for the same time; each is compared with the rate of the same core alone, taken
 * just before and after.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/rcu.h"
#include "bench/clock.h"
#include "bench/memory.h"
#include "bench/requests.h"

#define PASID 1u
#define PAGES 1024u
#define IOTLB 65536u

/* How long a rate is taken. */
#define SPAN_NS 5e6

/* Between two invalidations: 10,000 in a second */
#define INVALIDATION_NS 1e5
/* Fewer than this part of those that should have been is not what is to be measured. */
#define INVALIDATIONS_LEAST 0.9
#define TRIES               100u
#define FEW                 20u

/* What a core does: pieces, one after the other. Each in cache lines of its own. */
struct work {
	void (*piece)(void *arg);
	struct unit *unit;
	const uint32_t *order;
	uint32_t at;
	struct unit_request request;
	uint64_t sum;
	uint64_t *array; /* private */
} __attribute__((aligned(256)));

struct two {
	struct requests requests;
	struct work translating[2], private[2];
};

static void translate_one(void *arg)
{
	struct work *w = arg;
	struct unit_translation t;

	w->request.addr = SILICON_VA + (uint64_t)w->order[w->at] * VSVA_PAGE_SIZE;
	w->at = (w->at + 1) % PAGES;
	unit_translate(w->unit, &w->request, &t);
	w->sum += t.hpa.v;
}

/* About as long as a translation, and nobody else's. */
static void add_some(void *arg)
{
	struct work *w = arg;

	for (unsigned i = 0; i < 8; i++) {
		w->at = (w->at * 5 + 1) % PAGES;
		w->sum += w->array[w->at]++;
	}
}

/* Rates: pieces in a nanosecond */

static double rate_here(struct work *work)
{
	double begin = bench_now_ns(), now;
	uint64_t pieces = 0;

	rcu_read_lock();
	do {
		for (unsigned i = 0; i < 64; i++) {
			work->piece(work);
			rcu_quiescent();
		}
		pieces += 64;
		now = bench_now_ns();
	} while (now - begin < SPAN_NS);
	rcu_read_unlock();
	return (double)pieces / (now - begin);
}

static double rate_there(const struct bench_reader *reader)
{
	double begin = bench_now_ns(), now;
	uint64_t pieces = bench_reader_pieces(reader);

	do
		now = bench_now_ns();
	while (now - begin < SPAN_NS);
	return (double)(bench_reader_pieces(reader) - pieces) / (now - begin);
}

struct rates {
	double alone[2], together[2];
};

static int take_rates(struct bench_run *run, struct work *work, struct rates *out)
{
	uint64_t pieces;
	double begin;
	int err;

	out->alone[0] = rate_here(&work[0]);
	err = bench_reader_start(run->reader, work[1].piece, &work[1]);
	if (err)
		return err;
	out->alone[1] = rate_there(run->reader);
	begin = bench_now_ns();
	pieces = bench_reader_pieces(run->reader);
	out->together[0] = rate_here(&work[0]);
	out->together[1] =
		(double)(bench_reader_pieces(run->reader) - pieces) / (bench_now_ns() - begin);
	bench_reader_stop(run->reader);
	out->alone[0] = (out->alone[0] + rate_here(&work[0])) / 2;
	return 0;
}

/* How often the work of one core two cores do. */
static double scaling_of(const struct rates *rates)
{
	return 2 * (rates->together[0] + rates->together[1]) / (rates->alone[0] + rates->alone[1]);
}

/* Life */

static int make_work(struct two *two, unsigned core, rid_t source)
{
	uint64_t *array = calloc(PAGES, sizeof(*array));

	two->translating[core] = (struct work){
		.piece = translate_one,
		.unit = two->requests.silicon.unit,
		.order = two->requests.order,
		.at = core * PAGES / 2,
		.request = {.rid = source, .pasid = PASID, .access = UNIT_READ},
	};
	two->private[core] = (struct work){.piece = add_some, .array = array};
	return array ? 0 : -ENOMEM;
}

/* parameter: devices */
static int open_two(struct bench_run *run)
{
	static const struct silicon_options options = {.policy = UNIT_CACHE_LRU,
						       .iotlb_entries = IOTLB};
	struct two *two = aligned_alloc(256, sizeof(*two));
	int err;

	run->state = two;
	if (!two)
		return -ENOMEM;
	*two = (struct two){.private = {{0}}};
	err = requests_open(run, &options, PAGES, &two->requests);
	for (unsigned i = 0; i < 2 && !err; i++)
		err = make_work(two, i, silicon_rid(run->figure->parameter == 2 ? i : 0));
	if (!err && !run->reader->has_thread)
		err = bench_fail(run, -ENOTSUP, "there is no other core");
	return err;
}

static void close_two(struct bench_run *run)
{
	struct two *two = run->state;

	bench_reader_stop(run->reader);
	if (!two)
		return;
	free(two->private[0].array);
	free(two->private[1].array);
	requests_close(&two->requests);
	free(two);
}

static int measure_two(struct bench_run *run, struct bench_sample *out)
{
	struct two *two = run->state;
	struct rates ours, theirs;
	struct unit_cache_stats stats;
	int err;

	unit_get_stats(two->requests.silicon.unit, &stats);
	err = take_rates(run, two->translating, &ours);
	stats = requests_counted(&two->requests, &stats);
	if (!err)
		err = take_rates(run, two->private, &theirs);
	if (err)
		return err;
	out->value = scaling_of(&ours);
	out->beside = scaling_of(&theirs);
	if (stats.iotlb_misses * 50 > stats.iotlb_hits)
		return bench_fail(run, -EIO, "%llu requests missed the IOTLB",
				  (unsigned long long)stats.iotlb_misses);
	return 0;
}

const struct bench_method bench_two_cores = {open_two, measure_two, close_two};

/* Beside invalidations of the pages that are in use, each with its wait */

static void invalidate_one(struct silicon *s, uint32_t number)
{
	uint64_t va = SILICON_VA + number % PAGES * (uint64_t)VSVA_PAGE_SIZE;
	struct vtd_desc page = silicon_page_descriptor(PASID, va);
	struct vtd_desc wait = silicon_wait_descriptor(s, number);

	silicon_put(s, &page);
	silicon_put(s, &wait);
	silicon_run(s);
}

static double rate_beside(const struct bench_reader *reader, struct silicon *s, uint32_t *done)
{
	double begin = bench_now_ns(), now = begin;
	uint64_t pieces = bench_reader_pieces(reader);

	for (*done = 0; now - begin < SPAN_NS; now = bench_now_ns())
		if (now - begin >= *done * INVALIDATION_NS)
			invalidate_one(s, ++*done);
	return (double)(bench_reader_pieces(reader) - pieces) / (now - begin);
}

/* Too few: because they take too long, or because the cores are busy with something else? */
static int judge_few(struct bench_run *run, struct silicon *s, uint32_t done)
{
	double begin, per_second = done / SPAN_NS * 1e9;

	bench_reader_stop(run->reader);
	begin = bench_now_ns();
	for (uint32_t i = 1; i <= FEW; i++)
		invalidate_one(s, i);
	if ((bench_now_ns() - begin) / FEW < INVALIDATION_NS / 2)
		return bench_fail(run, -ENOTSUP, "the cores are too busy with something else");
	return bench_fail(run, -EIO, "only %.0f invalidations in a second", per_second);
}

/* Where this thread was kept from it, once more. */
static int invalidate_all(struct bench_run *run, struct two *two, double *rate)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		*rate = rate_beside(run->reader, &two->requests.silicon, &done);
		if (done >= SPAN_NS / INVALIDATION_NS * INVALIDATIONS_LEAST)
			return 0;
	}
	return judge_few(run, &two->requests.silicon, done);
}

static int measure_beside(struct bench_run *run, struct bench_sample *out)
{
	struct two *two = run->state;
	double before;
	int err = bench_reader_start(run->reader, translate_one, &two->translating[1]);

	if (err)
		return err;
	before = rate_there(run->reader);
	err = invalidate_all(run, two, &out->value);
	if (err)
		return err;
	out->value *= 1e3; /* millions in a second */
	out->beside = 1e3 * (before + rate_there(run->reader)) / 2;
	bench_reader_stop(run->reader);
	return 0;
}

const struct bench_method bench_beside_invalidations = {open_two, measure_beside, close_two};
