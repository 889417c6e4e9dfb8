/* SPDX-License-Identifier: MIT */
/* A device's part: hits in its own TLB, and copies out of guest memory by an endpoint. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "bench/clock.h"
#include "bench/memory.h"
#include "bench/requests.h"
#include "hw/device/device_tlb.h"

#define PASID 1u
#define IOTLB 65536u

#define BUFFER_LEN (UINT64_C(2) << 20)
#define PAGES      ((uint32_t)(BUFFER_LEN / VSVA_PAGE_SIZE))

/* Look-ups, and bytes that are copied, of one repetition. */
#define LOOK_UPS     16384u
#define COPIED_BYTES (UINT64_C(32) << 20)
#define COPIES_MAX   8192u

/* Copies of less than a page go round so many pages. */
#define SMALL_PAGES 16u

struct dma {
	struct requests requests;
	unsigned char *buffer;
	struct dma_context context;
};

static void fill_memory(unsigned char *memory, size_t len)
{
	for (size_t i = 0; i < len; i++)
		memory[i] = (unsigned char)(i ^ i >> 8 ^ i >> 16);
}

static int open_dma(struct bench_run *run)
{
	static const struct silicon_options options = {.policy = UNIT_CACHE_LRU,
						       .iotlb_entries = IOTLB};
	struct dma *dma = calloc(1, sizeof(*dma));
	int err;

	run->state = dma;
	if (!dma)
		return -ENOMEM;
	dma->context = (struct dma_context){
		.pasid = PASID, .use_ats = (run->figure->parameter & BENCH_DMA_ATS) != 0};
	err = requests_open(run, &options, PAGES, &dma->requests);
	dma->buffer = bench_memory_alloc(BUFFER_LEN);
	if (!err && !dma->buffer)
		err = -ENOMEM;
	if (!err)
		fill_memory(dma->requests.silicon.memory, BUFFER_LEN);
	return err;
}

static void close_dma(struct bench_run *run)
{
	struct dma *dma = run->state;

	if (!dma)
		return;
	bench_memory_free(dma->buffer, BUFFER_LEN);
	requests_close(&dma->requests);
	free(dma);
}

/* Copies */

static uint64_t offset_of(uint64_t len, unsigned copy)
{
	return len < VSVA_PAGE_SIZE ? copy % SMALL_PAGES * (uint64_t)VSVA_PAGE_SIZE : 0;
}

static unsigned copies_of(uint64_t len)
{
	uint64_t copies = COPIED_BYTES / len;

	return copies < COPIES_MAX ? (unsigned)copies : COPIES_MAX;
}

/* In bursts, as a device's engine makes its accesses. */
static int copy_all(struct dma *dma, uint64_t len, double *ns)
{
	struct endpoint *endpoint = silicon_endpoint(&dma->requests.silicon, 0);
	unsigned copies = copies_of(len), failed = 0;
	double begin;
	size_t done;

	rcu_read_lock();
	/* Hot, as what it is compared with. */
	failed += endpoint_read(endpoint, &dma->context, SILICON_VA, dma->buffer, len, &done) !=
		  DMA_OK;
	begin = bench_now_ns();
	for (unsigned i = 0; i < copies; i++)
		failed += endpoint_read(endpoint, &dma->context, SILICON_VA + offset_of(len, i),
					dma->buffer, len, &done) != DMA_OK;
	*ns = (bench_now_ns() - begin) / copies;
	rcu_read_unlock();
	return failed ? -EIO : 0;
}

/* Were the translations found where the figure says: in the IOTLB, or in the device's own? Some may
 * be pushed out by others. */
static int check_hits(struct bench_run *run, const struct unit_cache_stats *since, uint64_t len)
{
	uint64_t pages = copies_of(len) * (1 + len / VSVA_PAGE_SIZE);
	uint64_t asked = since->iotlb_hits + since->iotlb_misses;

	if (since->walks * 50 > pages)
		return bench_fail(run, -EIO, "%llu pages were not cached",
				  (unsigned long long)since->walks);
	if ((run->figure->parameter & BENCH_DMA_ATS) ? asked * 50 > pages : asked < copies_of(len))
		return bench_fail(run, -EIO, "the unit was asked %llu times for %llu pages",
				  (unsigned long long)asked, (unsigned long long)pages);
	return 0;
}

static int measure_dma(struct bench_run *run, struct bench_sample *out)
{
	struct dma *dma = run->state;
	uint64_t len = run->figure->parameter & ~BENCH_DMA_ATS;
	const unsigned char *last =
		dma->requests.silicon.memory + offset_of(len, copies_of(len) - 1);
	struct unit_cache_stats stats;
	int err;

	memset(dma->buffer, 0xaa, len);
	unit_get_stats(dma->requests.silicon.unit, &stats);
	err = copy_all(dma, len, &out->value);
	if (err)
		return bench_fail(run, err, "a copy did not end well");
	if (memcmp(dma->buffer, last, len) != 0)
		return bench_fail(run, -EIO, "the data are not those of the guest");
	stats = requests_counted(&dma->requests, &stats);
	return check_hits(run, &stats, len);
}

const struct bench_method bench_dma = {open_dma, measure_dma, close_dma};

/* Hits in the device TLB: the look-up, and the unit's word that the function may use what it found.
 */

static int open_device_tlb(struct bench_run *run)
{
	int err = open_dma(run);
	struct dma *dma = run->state;
	struct dma_window window;

	if (err)
		return err;
	dma->context.use_ats = true;
	rcu_read_lock();
	for (uint64_t page = 0; page < run->figure->parameter && !err; page++)
		if (endpoint_window(silicon_endpoint(&dma->requests.silicon, 0), &dma->context,
				    SILICON_VA + page * VSVA_PAGE_SIZE, 1, UNIT_READ,
				    &window) != DMA_OK)
			err = -EIO;
	rcu_read_unlock();
	return err ? bench_fail(run, err, "a page cannot be reached by ATS") : 0;
}

static bool look_up(struct endpoint *endpoint, uint64_t addr)
{
	struct device_tlb_tag tag = {.pasid = PASID, .addr = addr};
	struct device_tlb_entry entry = device_tlb_lookup(endpoint->tlb, tag, VSVA_PROT_READ);

	return entry.page_lg2 &&
	       unit_ats_allows_translated(endpoint->unit, endpoint->rid, entry.hpa, UNIT_READ);
}

static int measure_device_tlb(struct bench_run *run, struct bench_sample *out)
{
	struct dma *dma = run->state;
	struct endpoint *endpoint = silicon_endpoint(&dma->requests.silicon, 0);
	uint32_t pages = (uint32_t)run->figure->parameter, at = 0, misses = 0;
	double begin;

	rcu_read_lock();
	begin = bench_now_ns();
	for (unsigned i = 0; i < LOOK_UPS; i++) {
		misses += !look_up(endpoint, SILICON_VA + at * (uint64_t)VSVA_PAGE_SIZE);
		at = at + 1 < pages ? at + 1 : 0;
	}
	out->value = (bench_now_ns() - begin) / LOOK_UPS;
	rcu_read_unlock();
	return misses ? bench_fail(run, -EIO, "%u of %u look-ups missed", misses, LOOK_UPS) : 0;
}

const struct bench_method bench_device_tlb_hit = {open_device_tlb, measure_device_tlb, close_dma};
