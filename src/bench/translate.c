/* SPDX-License-Identifier: MIT */
/* Translations: hits, walks, and a working set that fits nowhere. */
#include <errno.h>
#include <stdlib.h>

#include "bench/requests.h"

#define PASID 1u

/* Requests of one repetition, at least. */
#define REQUESTS 16384u

/* An IOTLB so large that its sets do not overflow, and requests in a thousand that may miss where
 * some do all the same. */
#define ROOM             4u
#define LEAST            65536u
#define MISSES_PER_MILLE 20u

/* More tables than the first cache of this computer holds, and fewer than the second. */
#define WALK_PAGES 8192u

static int open_requests(struct bench_run *run, const struct silicon_options *options,
			 uint32_t pages)
{
	struct requests *r = calloc(1, sizeof(*r));

	run->state = r;
	return r ? requests_open(run, options, pages, r) : -ENOMEM;
}

static void close_requests(struct bench_run *run)
{
	if (run->state)
		requests_close(run->state);
	free(run->state);
}

static uint32_t requests_of(const struct requests *r)
{
	return r->pages > REQUESTS ? r->pages : REQUESTS;
}

/* counted: what the unit counted meanwhile, for the caller to see whether it was what it is to be. */
static int time_counted(struct bench_run *run, uint32_t pasid, double *ns,
			struct unit_cache_stats *counted)
{
	struct requests *r = run->state;
	int err;

	unit_get_stats(r->silicon.unit, counted);
	err = requests_time(run, r, 0, pasid, requests_of(r), ns);
	*counted = requests_counted(r, counted);
	return err;
}

/* Hits */

static int open_hits(struct bench_run *run)
{
	uint32_t pages = (uint32_t)run->figure->parameter;
	struct silicon_options options = {.policy = UNIT_CACHE_LRU,
					  .iotlb_entries =
						  ROOM * pages > LEAST ? ROOM * pages : LEAST};

	return open_requests(run, &options, pages);
}

static int open_hits_no_pasid(struct bench_run *run)
{
	int err = open_hits(run);

	return err ? err : requests_check(run, run->state, REQUESTS_NO_PASID);
}

static int time_hits(struct bench_run *run, uint32_t pasid, double *ns)
{
	uint32_t count = requests_of(run->state);
	struct unit_cache_stats stats;
	int err = time_counted(run, pasid, ns, &stats);

	if (err)
		return err;
	if (stats.iotlb_hits + stats.iotlb_misses != count ||
	    stats.iotlb_misses * 1000 > (uint64_t)count * MISSES_PER_MILLE)
		return bench_fail(run, -EIO, "%llu of %u requests missed the IOTLB",
				  (unsigned long long)stats.iotlb_misses, count);
	return 0;
}

static int measure_hits(struct bench_run *run, struct bench_sample *out)
{
	return time_hits(run, PASID, &out->value);
}

static int measure_hits_no_pasid(struct bench_run *run, struct bench_sample *out)
{
	double again;
	int err = time_hits(run, PASID, &out->beside);

	if (!err)
		err = time_hits(run, REQUESTS_NO_PASID, &out->value);
	if (!err)
		err = time_hits(run, PASID, &again);
	if (!err)
		out->beside = (out->beside + again) / 2;
	return err;
}

const struct bench_method bench_iotlb_hit = {open_hits, measure_hits, close_requests};
const struct bench_method bench_iotlb_hit_no_pasid = {open_hits_no_pasid, measure_hits_no_pasid,
						      close_requests};

/* Walks: an IOTLB of the least size, requests in turn, so that none is there any more. */

static int open_walks(struct bench_run *run)
{
	bool has_caches = run->figure->parameter == BENCH_WALK_PAGING_CACHES;
	struct silicon_options options = {.policy = has_caches ? UNIT_CACHE_LRU : UNIT_CACHE_NEVER,
					  .iotlb_entries = 1};

	return open_requests(run, &options, WALK_PAGES);
}

static int measure_walks(struct bench_run *run, struct bench_sample *out)
{
	uint32_t count = requests_of(run->state);
	struct unit_cache_stats stats;
	int err = time_counted(run, PASID, &out->value, &stats);

	if (err)
		return err;
	if (stats.walks != count)
		return bench_fail(run, -EIO, "%llu walks for %u requests",
				  (unsigned long long)stats.walks, count);
	return 0;
}

const struct bench_method bench_walk = {open_walks, measure_walks, close_requests};

/* Many pages */

static int open_random(struct bench_run *run)
{
	/* as many as a machine's unit has */
	static const struct silicon_options options = {.policy = UNIT_CACHE_LRU,
						       .iotlb_entries = LEAST};

	return open_requests(run, &options, (uint32_t)run->figure->parameter);
}

static int measure_random(struct bench_run *run, struct bench_sample *out)
{
	uint32_t count = requests_of(run->state);
	struct unit_cache_stats stats;
	int err = time_counted(run, PASID, &out->value, &stats);

	if (err)
		return err;
	if (stats.iotlb_hits + stats.iotlb_misses != count || stats.walks != stats.iotlb_misses)
		return bench_fail(run, -EIO, "%llu hits, %llu misses, %llu walks of %u requests",
				  (unsigned long long)stats.iotlb_hits,
				  (unsigned long long)stats.iotlb_misses,
				  (unsigned long long)stats.walks, count);
	return 0;
}

const struct bench_method bench_random_pages = {open_random, measure_random, close_requests};

/* What the IOTLB itself takes, for each of its entries */

static int open_weight(struct bench_run *run)
{
	struct silicon_options options = {.policy = UNIT_CACHE_LRU,
					  .iotlb_entries = (uint32_t)run->figure->parameter};

	return open_requests(run, &options, 1);
}

static int measure_iotlb_weight(struct bench_run *run, struct bench_sample *out)
{
	struct requests *r = run->state;
	struct unit_cache_stats stats;

	unit_get_stats(r->silicon.unit, &stats);
	out->value = (double)stats.iotlb_bytes / 1024;
	out->beside = 4096;
	return 0;
}

const struct bench_method bench_iotlb_weight = {open_weight, measure_iotlb_weight, close_requests};
