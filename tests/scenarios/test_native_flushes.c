// SPDX-License-Identifier: MIT
/* Defects of native SVA between the driver and the unit: what a notification flushes, and page
 * requests of a process that has gone. */
#include "replay.h"

#include "host/sva.h"

#define PAGE  UINT64_C(4096)
#define AREA  UINT64_C(0x7f1200000000)
#define PAGES 32u
#define RW    (VSVA_PROT_READ | VSVA_PROT_WRITE)

/* The device belongs to the host, and to one of its processes. */
struct process {
	struct vsva_mm *mm;
	struct vsva_sva *bond;
	uint32_t pasid;
};

static struct vsva_domain *host_begin(struct replay *r)
{
	struct vsva_domain *domain;

	assert_int_equal(vsva_domain_detach(r->s.domain, r->s.dev), 0);
	assert_int_equal(vsva_domain_alloc(r->s.iommu, NULL, 0, 0, &domain), 0);
	assert_int_equal(vsva_domain_attach(domain, r->s.dev), 0);
	return domain;
}

static void host_end(struct replay *r, struct vsva_domain *domain)
{
	silicon_run(&r->s);
	assert_int_equal(vsva_domain_detach(domain, r->s.dev), 0);
	assert_int_equal(vsva_domain_free(domain), 0);
}

static struct process process_begin(struct replay *r)
{
	struct process process;

	assert_int_equal(vsva_mm_create(r->s.iommu, 0, &process.mm), 0);
	assert_int_equal(vsva_mm_map(process.mm, uva(AREA), PAGES * PAGE, RW, NULL), 0);
	assert_int_equal(vsva_sva_bind(r->s.dev, process.mm, 0, NULL, NULL, &process.bond), 0);
	process.pasid = vsva_sva_pasid(process.bond).v;
	return process;
}

static void process_end(struct process *process)
{
	assert_int_equal(vsva_sva_unbind(process->bond), 0);
	vsva_mm_put(process->mm);
}

static uint64_t at(unsigned page)
{
	return AREA + page * PAGE;
}

/* Each page has its number in it, and whatever can be cached of it is. */
static void fill(struct replay *r, struct process *process)
{
	for (unsigned page = 0; page < PAGES; page++) {
		uint64_t value = 1000 + page;

		assert_int_equal(vsva_mm_write(process->mm, uva(at(page)), &value, 8), 0);
		assert_true(replay_reads(r, process->pasid, at(page), value));
	}
}

/* Flush ranges that are not aligned to their size */

static unsigned cover(unsigned pages)
{
	unsigned order = 0;

	while (1u << order < pages)
		order++;
	return order;
}

static bool is_page_flush(const struct vtd_desc *desc)
{
	return vtd_desc_type(desc) == VTD_DESC_PASID_IOTLB &&
	       vtd_desc_pasid_iotlb_G(desc) == VTD_PASID_IOTLB_PAGE;
}

/* One descriptor of the next power of two, wherever the range begins: the unit ignores the low bits
 * of the address. */
static void one_for_all(struct replay *r, struct vtd_desc *desc)
{
	uint64_t span = PAGE << cover(10);

	if (!is_page_flush(desc))
		return;
	if (r->sabotaged++) {
		silicon_drop(desc);
		return;
	}
	vtd_desc_pasid_iotlb_set_AM(desc, cover(10));
	vtd_desc_pasid_iotlb_set_ADDR(desc, at(13) & ~(span - 1));
}

static bool unmap_across_a_boundary(struct replay *r)
{
	struct vsva_domain *domain = host_begin(r);
	struct process process = process_begin(r);
	bool held = true;

	fill(r, &process);
	replay_arm(r);
	assert_int_equal(vsva_mm_unmap(process.mm, uva(at(13)), 10 * PAGE), 0);
	replay_disarm(r);
	for (unsigned page = 0; page < PAGES; page++)
		if (page >= 13 && page < 23)
			held &= replay_reads_nothing(r, process.pasid, at(page));
		else
			held &= replay_reads(r, process.pasid, at(page), 1000 + page);
	process_end(&process);
	host_end(r, domain);
	return held;
}

static void test_unaligned_flush_range_leaves_nothing(void **state)
{
	(void)state;
	replay_survives(unmap_across_a_boundary, NULL);
}

static void test_unaligned_flush_range_in_one_descriptor_is_seen(void **state)
{
	(void)state;
	replay_is_seen(unmap_across_a_boundary, one_for_all, false, NULL);
}

/* Granularity of a notification: what is unmapped and nothing else */

static uint64_t walks(struct replay *r)
{
	struct unit_cache_stats stats;

	unit_get_stats(r->s.unit, &stats);
	return stats.walks;
}

static void whole_pasid(struct replay *r, struct vtd_desc *desc)
{
	if (!is_page_flush(desc))
		return;
	r->sabotaged++;
	vtd_desc_pasid_iotlb_set_G(desc, VTD_PASID_IOTLB_PASID);
	vtd_desc_pasid_iotlb_set_AM(desc, 0);
	vtd_desc_pasid_iotlb_set_ADDR(desc, 0);
}

static void half_of_it(struct replay *r, struct vtd_desc *desc)
{
	if (!is_page_flush(desc) || !vtd_desc_pasid_iotlb_AM(desc))
		return;
	r->sabotaged++;
	vtd_desc_pasid_iotlb_set_AM(desc, vtd_desc_pasid_iotlb_AM(desc) - 1);
}

/* The pages around keep what is cached of them, those within do not. */
static bool unmap_between_neighbours(struct replay *r)
{
	struct vsva_domain *domain = host_begin(r);
	struct process process = process_begin(r);
	bool held = true;
	uint64_t before;

	fill(r, &process);
	replay_arm(r);
	assert_int_equal(vsva_mm_unmap(process.mm, uva(at(8)), 6 * PAGE), 0);
	replay_disarm(r);
	before = walks(r);
	held &= replay_reads(r, process.pasid, at(7), 1007);
	held &= replay_reads(r, process.pasid, at(14), 1014);
	held &= walks(r) == before;
	for (unsigned page = 8; page < 14; page++)
		held &= replay_reads_nothing(r, process.pasid, at(page));
	process_end(&process);
	host_end(r, domain);
	return held;
}

/* A cache that keeps all that it may, so that too much shows as well as too little. */
static void granularity(replay_saboteur *saboteur, bool expected)
{
	struct replay r = {.saboteur = saboteur};

	silicon_create(&r.s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
	assert_int_equal(unmap_between_neighbours(&r), expected);
	assert_int_equal(r.sabotaged > 0, saboteur != NULL);
	silicon_destroy(&r.s);
}

static void test_granularity_of_mm_notification(void **state)
{
	(void)state;
	granularity(NULL, true);
	/* negative controls: too much, too little */
	granularity(whole_pasid, false);
	granularity(half_of_it, false);
}

/* 66ac4db36f4c, native: no drain when a PASID stops, and the next process gets the requests of the
 * last. */

static void ask(struct replay *r, uint32_t pasid)
{
	struct dma_context context = {.pasid = pasid, .use_ats = true};

	assert_true(endpoint_page_request(&r->s.endpoint, &context, AREA, UNIT_WRITE) >= 0);
}

static void hide_queue(void *arg, uint32_t offset, uint64_t *value)
{
	struct replay *r = arg;

	if (offset == VTD_REG_PQT)
		assert_int_equal(unit_mmio_read(r->s.unit, VTD_REG_PQH, 8, value), 0);
}

static bool next_process_is_not_asked(struct replay *r)
{
	struct vsva_domain *domain = host_begin(r);
	struct process last = process_begin(r), next;
	uint32_t pasid = last.pasid;
	bool held;

	ask(r, pasid);
	if (r->is_negative)
		r->s.tap = (struct silicon_tap){.read = hide_queue, .arg = r};
	process_end(&last);
	silicon_run(&r->s);
	replay_disarm(r);
	next = process_begin(r);
	assert_int_equal(next.pasid, pasid);
	silicon_run(&r->s);
	held = vsva_mm_page_count(next.mm) == 0 && r->s.answers == 1 && r->s.last_code == 1;
	process_end(&next);
	host_end(r, domain);
	return held;
}

static void test_66ac4db36f4c_drain_when_a_native_pasid_stops(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct replay r = {.is_negative = i};

		silicon_create(&r.s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
		assert_int_equal(next_process_is_not_asked(&r), !r.is_negative);
		silicon_destroy(&r.s);
	}
}

/* Page requests are resolved, once each, however the device and the process go on. */
static bool requests_are_resolved(struct replay *r)
{
	struct vsva_domain *domain = host_begin(r);
	struct process process = process_begin(r);
	bool held;

	ask(r, process.pasid);
	silicon_run(&r->s);
	held = vsva_mm_page_count(process.mm) == 1 && r->s.answers == 1 && r->s.last_code == 0;
	/* never reported to the handler that the device has */
	held &= r->s.requests == 0;
	process_end(&process);
	host_end(r, domain);
	return held;
}

static void test_native_page_requests_are_not_reported(void **state)
{
	struct replay r = {.ats = true};

	(void)state;
	silicon_create(&r.s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
	assert_true(requests_are_resolved(&r));
	silicon_destroy(&r.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unaligned_flush_range_leaves_nothing),
		cmocka_unit_test(test_unaligned_flush_range_in_one_descriptor_is_seen),
		cmocka_unit_test(test_granularity_of_mm_notification),
		cmocka_unit_test(test_66ac4db36f4c_drain_when_a_native_pasid_stops),
		cmocka_unit_test(test_native_page_requests_are_not_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
