/* SPDX-License-Identifier: MIT */
#include "bench/requests.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rcu.h"
#include "bench/clock.h"
#include "bench/memory.h"

#define PASID 1u

static uint64_t page_at(uint32_t page)
{
	return SILICON_VA + (uint64_t)page * VSVA_PAGE_SIZE;
}

int requests_check(struct bench_run *run, struct requests *r, uint32_t pasid)
{
	for (uint32_t page = 0; page < r->pages; page++)
		if (!silicon_leads(&r->silicon, pasid, page_at(page),
				   (uint64_t)page * VSVA_PAGE_SIZE))
			return bench_fail(run, -EIO, "page %u does not lead where it should", page);
	return 0;
}

int requests_open(struct bench_run *run, const struct silicon_options *options, uint32_t pages,
		  struct requests *r)
{
	struct silicon_options with_memory = *options;
	int err;

	r->pages = pages;
	r->at = 0;
	r->order = bench_shuffled(pages);
	/* data, tables of two first stages, and a little */
	with_memory.memory = ((uint64_t)pages + 2 * (pages / 512 + 8)) * VSVA_PAGE_SIZE;
	err = silicon_open(&with_memory, &r->silicon);
	if (!err && !r->order)
		err = -ENOMEM;
	if (!err)
		err = silicon_map(&r->silicon, PASID, SILICON_VA, 0, pages);
	if (!err)
		err = silicon_map(&r->silicon, 0, SILICON_VA, 0, pages);
	return err ? err : requests_check(run, r, PASID);
}

void requests_close(struct requests *r)
{
	silicon_close(&r->silicon);
	free(r->order);
}

int requests_time(struct bench_run *run, struct requests *r, unsigned device, uint32_t pasid,
		  uint32_t count, double *ns)
{
	struct unit_request request = {
		.rid = silicon_rid(device), .pasid = pasid, .access = UNIT_READ};
	uint32_t at = r->at, pages = r->pages, refused = 0;
	struct unit *unit = r->silicon.unit;
	struct unit_translation t;
	double begin, end;

	rcu_read_lock();
	begin = bench_now_ns();
	for (uint32_t i = 0; i < count; i++) {
		request.addr = SILICON_VA + (uint64_t)r->order[at] * VSVA_PAGE_SIZE;
		at = at + 1 < pages ? at + 1 : 0;
		unit_translate(unit, &request, &t);
		refused += t.response != VTD_RESP_NONE;
	}
	end = bench_now_ns();
	rcu_read_unlock();
	r->at = at;
	*ns = (end - begin) / count;
	return refused ? bench_fail(run, -EIO, "%u requests were refused", refused) : 0;
}

struct unit_cache_stats requests_counted(const struct requests *r, struct unit_cache_stats *before)
{
	struct unit_cache_stats now, since;

	unit_get_stats(r->silicon.unit, &now);
	since = now;
	since.iotlb_hits -= before->iotlb_hits;
	since.iotlb_misses -= before->iotlb_misses;
	since.walks -= before->walks;
	since.descriptors -= before->descriptors;
	since.waits -= before->waits;
	*before = now;
	return since;
}
