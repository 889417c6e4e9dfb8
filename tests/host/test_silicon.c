// SPDX-License-Identifier: MIT
/* Defects replanted on the real unit, each under every cache policy: whatever the driver forgets to
 * flush shows here. */
#include "silicon.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "host/prq.h"
#include "vtd/registers.h"

#define VA UINT64_C(0x7f1234567000)

typedef void scenario(struct silicon *s, bool ats);

static void run_once(scenario *run, enum unit_cache_policy policy, bool ats, bool pri)
{
	struct silicon s;

	silicon_create(&s, policy, WORKERS_MANUAL, pri);
	run(&s, ats);
	assert_int_equal(s.unexpected_faults, 0);
	silicon_destroy(&s);
}

/* Without page requests nothing is drained, and a drain flushes too: it would hide a flush that was
 * forgotten. */
static void run_scenario(scenario *run)
{
	static const enum unit_cache_policy policies[] = {
		UNIT_CACHE_LRU, UNIT_CACHE_NEVER, UNIT_CACHE_RANDOM, UNIT_CACHE_ADVERSARIAL};

	for (unsigned i = 0; i < 4; i++) {
		for (unsigned ats = 0; ats < 2; ats++) {
			run_once(run, policies[i], ats != 0, false);
			run_once(run, policies[i], ats != 0, true);
		}
	}
}

static void put(struct silicon *s, uint64_t page, uint64_t value)
{
	*(uint64_t *)(void *)(s->memory + page) = value;
}

/* Reads often, so that whatever can be cached is. */
static void reads(struct silicon *s, uint32_t pasid, uint64_t addr, bool ats, uint64_t value)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t found = 0;

		assert_int_equal(silicon_read(s, pasid, addr, ats, &found), DMA_OK);
		assert_int_equal(found, value);
	}
}

static void reads_nothing(struct silicon *s, uint32_t pasid, uint64_t addr, bool ats)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t found = 0;

		assert_int_not_equal(silicon_read(s, pasid, addr, ats, &found), DMA_OK);
		assert_int_not_equal(silicon_write(s, pasid, addr, ats, 66), DMA_OK);
	}
	silicon_run(s);
}

struct space {
	uint64_t root, page;
};

static struct space make_space(struct silicon *s, uint64_t value)
{
	struct space space = {silicon_first_stage(s), silicon_page(s)};

	silicon_map(s, space.root, VA, space.page, true);
	put(s, space.page, value);
	return space;
}

/* 8798d36: a PASID is used nested, released, and used again by another. */
static void pasid_reuse(struct silicon *s, bool ats)
{
	struct space a = make_space(s, 111), b = make_space(s, 222);
	hpasid_t pasid = silicon_pasid(s);

	reads_nothing(s, pasid.v, VA, ats);
	assert_int_equal(silicon_bind(s, pasid, a.root), 0);
	reads(s, pasid.v, VA, ats, 111);
	assert_int_equal(silicon_unbind(s, pasid), 0);
	reads_nothing(s, pasid.v, VA, ats);
	assert_int_equal(silicon_bind(s, pasid, b.root), 0);
	reads(s, pasid.v, VA, ats, 222);
	assert_int_equal(silicon_unbind(s, pasid), 0);
	reads_nothing(s, pasid.v, VA, ats);
}

static void test_pasid_reuse_sees_no_old_translation(void **state)
{
	(void)state;
	run_scenario(pasid_reuse);
}

/* f1e1610950ea: unmap in the parent reaches what is cached of the children. CVE-2026-31735: inside
 * a large page. */
static void parent_unmap(struct silicon *s, bool ats)
{
	struct space a = make_space(s, 111);
	hpasid_t pasid = silicon_pasid(s);
	uint64_t other = silicon_page(s);

	put(s, other, 333);
	silicon_map(s, a.root, VA + 4096, other, true);
	assert_int_equal(silicon_bind(s, pasid, a.root), 0);
	reads(s, pasid.v, VA, ats, 111);
	reads(s, pasid.v, VA + 4096, ats, 333);
	reads(s, VSVA_PASID_INVALID, a.page, ats, 111);
	assert_int_equal(vsva_domain_unmap(s->domain, gpa(a.page), 4096, NULL), 0);
	reads_nothing(s, pasid.v, VA, ats);
	reads_nothing(s, VSVA_PASID_INVALID, a.page, ats);
	reads(s, pasid.v, VA + 4096, ats, 333);
	reads(s, VSVA_PASID_INVALID, other, ats, 333);
	/* the same guest address with other memory behind it */
	assert_int_equal(vsva_domain_map(s->domain, gpa(a.page), hpa(s->base.v + other), 4096, 3),
			 0);
	reads(s, pasid.v, VA, ats, 333);
	s->unexpected_faults = 0; /* second-stage faults are what this is about */
}

static void test_parent_unmap_reaches_children(void **state)
{
	(void)state;
	run_scenario(parent_unmap);
}

/* CVE-2025-71202: the pages of removed tables serve others at once; no structure cache may still
 * lead there. */
static void table_reuse(struct silicon *s, bool ats)
{
	hpa_t pages[32];
	void *memory;

	for (unsigned round = 0; round < 8; round++) {
		uint64_t far = (UINT64_C(1) << 40) + round * (UINT64_C(1) << 31);

		put(s, 0, 1000 + round);
		assert_int_equal(vsva_domain_map(s->domain, gpa(far), s->base, 4096, 3), 0);
		reads(s, VSVA_PASID_INVALID, far, ats, 1000 + round);
		assert_int_equal(vsva_domain_unmap(s->domain, gpa(far), 4096, NULL), 0);
		for (unsigned i = 0; i < 32; i++) {
			assert_int_equal(physmem_alloc_pages(s->physmem, 0, &pages[i], &memory), 0);
			memset(memory, 0xff, 4096);
		}
		reads_nothing(s, VSVA_PASID_INVALID, far, ats);
		for (unsigned i = 0; i < 32; i++)
			physmem_free_pages(s->physmem, pages[i], 0);
	}
	s->unexpected_faults = 0;
}

static void test_second_stage_table_reuse(void **state)
{
	(void)state;
	run_scenario(table_reuse);
}

/* Replacement of the RID entry: old or new or none, and after the call only the new. */
static void rid_replacement(struct silicon *s, bool ats)
{
	static const struct vsva_rid_config second_stage = {.kind = VSVA_RID_SECOND_STAGE};
	static const struct vsva_rid_config blocked = {.kind = VSVA_RID_BLOCKED};
	struct vsva_rid_config nested = {.kind = VSVA_RID_NESTED, .addr_width = 48};
	uint64_t root = silicon_first_stage(s), a = silicon_page(s), b = silicon_page(s);

	put(s, a, 111);
	put(s, b, 222);
	silicon_map(s, root, a, b, true); /* IOVA a leads to b */
	nested.gpgd = gpa(root);
	reads(s, VSVA_PASID_INVALID, a, ats, 111);
	assert_int_equal(vsva_attach_rid(s->domain, s->dev, &nested), 0);
	reads(s, VSVA_PASID_INVALID, a, ats, 222);
	assert_int_equal(vsva_attach_rid(s->domain, s->dev, &second_stage), 0);
	reads(s, VSVA_PASID_INVALID, a, ats, 111);
	assert_int_equal(vsva_attach_rid(s->domain, s->dev, &blocked), 0);
	reads_nothing(s, VSVA_PASID_INVALID, a, ats);
	assert_int_equal(vsva_attach_rid(s->domain, s->dev, &nested), 0);
	reads(s, VSVA_PASID_INVALID, a, ats, 222);
}

static void test_rid_replacement(void **state)
{
	(void)state;
	run_scenario(rid_replacement);
}

/* The guest's own flush, passed on: exactly what it asked for is enough. */
static void guest_flush(struct silicon *s, bool ats)
{
	struct space a = make_space(s, 111);
	hpasid_t pasid = silicon_pasid(s);
	uint64_t other = silicon_page(s);
	struct vsva_flush flush = {.pasid = pasid, .addr = VA, .leaf = true};

	put(s, other, 333);
	assert_int_equal(silicon_bind(s, pasid, a.root), 0);
	reads(s, pasid.v, VA, ats, 111);
	silicon_map(s, a.root, VA, other, true);
	assert_int_equal(vsva_flush_iotlb(s->dev, &flush), 0);
	assert_int_equal(vsva_flush_device_tlb(s->dev, &flush, false), 0);
	reads(s, pasid.v, VA, ats, 333);
	silicon_unmap(s, a.root, VA);
	flush.all = true;
	assert_int_equal(vsva_flush_iotlb(s->dev, &flush), 0);
	assert_int_equal(vsva_flush_device_tlb(s->dev, &flush, false), 0);
	reads_nothing(s, pasid.v, VA, ats);
}

static void test_guest_flush_is_passed_on(void **state)
{
	(void)state;
	run_scenario(guest_flush);
}

/* Detach and attach again: everything that was bound is gone. */
static void detach(struct silicon *s, bool ats)
{
	struct space a = make_space(s, 111);
	hpasid_t pasid = silicon_pasid(s);

	assert_int_equal(silicon_bind(s, pasid, a.root), 0);
	reads(s, pasid.v, VA, ats, 111);
	reads(s, VSVA_PASID_INVALID, a.page, ats, 111);
	assert_int_equal(vsva_domain_detach(s->domain, s->dev), 0);
	reads_nothing(s, pasid.v, VA, ats);
	reads_nothing(s, VSVA_PASID_INVALID, a.page, ats);
	assert_int_equal(vsva_domain_attach(s->domain, s->dev), 0);
	reads_nothing(s, pasid.v, VA, ats);
	reads(s, VSVA_PASID_INVALID, a.page, ats, 111);
	assert_int_equal(silicon_bind(s, pasid, a.root), 0);
	reads(s, pasid.v, VA, ats, 111);
	s->unexpected_faults = 0; /* blocked at the context entry */
}

static void test_detach_leaves_nothing(void **state)
{
	(void)state;
	run_scenario(detach);
}

/* A page request travels to the owner and back; unbinding answers what is pending. */
static void page_request(struct silicon *s, bool ats)
{
	struct space a = make_space(s, 111);
	hpasid_t pasid = silicon_pasid(s);
	struct dma_context context = {.pasid = pasid.v, .use_ats = ats};

	assert_int_equal(silicon_bind(s, pasid, a.root), 0);
	if (!s->config.description.pri)
		return;
	s->answer_requests = true;
	assert_true(endpoint_page_request(&s->endpoint, &context, VA, UNIT_WRITE) >= 0);
	silicon_run(s);
	assert_int_equal(s->requests, 1);
	assert_int_equal(s->answers, 1);
	assert_int_equal(s->last_code, 0);
	s->answer_requests = false;
	assert_true(endpoint_page_request(&s->endpoint, &context, VA, UNIT_WRITE) >= 0);
	silicon_run(s);
	/* one with its owner, one in the queue */
	assert_true(endpoint_page_request(&s->endpoint, &context, VA, UNIT_WRITE) >= 0);
	assert_int_equal(silicon_unbind(s, pasid), 0);
	assert_int_equal(s->answers, 3);
	assert_int_equal(s->last_code, 1);
	endpoint_stop_marker(&s->endpoint, pasid.v);
	silicon_run(s);
	assert_int_equal(s->answers, 3);
	assert_int_equal(s->endpoint.outstanding, 0);
}

static void test_page_request_round_trip(void **state)
{
	(void)state;
	run_scenario(page_request);
}

/* The device does not answer: it is blocked, also for what it may still have cached. */
static void silent_device(struct silicon *s, bool ats)
{
	struct space a = make_space(s, 111);
	hpasid_t pasid = silicon_pasid(s);

	assert_int_equal(silicon_bind(s, pasid, a.root), 0);
	reads(s, pasid.v, VA, ats, 111);
	reads(s, VSVA_PASID_INVALID, a.page, ats, 111);
	endpoint_set_gone(&s->endpoint, true);
	assert_int_equal(silicon_unbind(s, pasid), -ETIMEDOUT);
	endpoint_set_gone(&s->endpoint, false);
	reads_nothing(s, pasid.v, VA, ats);
	reads_nothing(s, VSVA_PASID_INVALID, a.page, ats);
	assert_int_equal(silicon_bind(s, pasid, a.root), -ENODEV);
	s->unexpected_faults = 0; /* blocked at the context entry */
}

static void test_silent_device_is_isolated(void **state)
{
	(void)state;
	run_scenario(silent_device);
}

/* Requests with a PASID of a device that has never bound one. */
static void unbound(struct silicon *s, bool ats)
{
	for (uint32_t pasid = 1; pasid < 0x100000; pasid = pasid * 3 + 1)
		reads_nothing(s, pasid, VA, ats);
}

static void test_unbound_pasids_fault(void **state)
{
	(void)state;
	run_scenario(unbound);
}

/* Threads */

struct race {
	struct silicon *s;
	hpasid_t pasid;
	bool ats;
	bool stop;                   /* atomic */
	uint64_t reads, hits, wrong; /* of the reader; read after it has ended */
};

static void *reader(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
		uint64_t value = 0;

		race->reads++;
		if (silicon_read(race->s, race->pasid.v, VA, race->ats, &value) != DMA_OK)
			continue;
		race->hits++;
		race->wrong += value != 111 && value != 222;
	}
	return NULL;
}

static void start(struct race *race, pthread_t *thread)
{
	assert_int_equal(pthread_create(thread, NULL, reader, race), 0);
}

static void stop(struct race *race, pthread_t thread)
{
	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

/*
 * CVE-2026-45894: the unit fetches a PASID-table entry of 64 bytes in pieces while software takes
 * it down and writes another. No access may end anywhere but in one of both address spaces, and no
 * fault may say that an entry was malformed.
 */
static void race_binds(enum unit_cache_policy policy, bool ats)
{
	struct silicon s;
	struct race race = {.s = &s, .ats = ats};
	struct space a, b;
	pthread_t thread;

	silicon_create(&s, policy, WORKERS_THREADS, true);
	a = make_space(&s, 111);
	b = make_space(&s, 222);
	race.pasid = silicon_pasid(&s);
	assert_int_equal(silicon_bind(&s, race.pasid, a.root), 0);
	start(&race, &thread);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(silicon_unbind(&s, race.pasid), 0);
		/* nobody uses it now: poison what was bound */
		put(&s, i & 1 ? b.page : a.page, 0xdead);
		assert_int_equal(silicon_bind(&s, race.pasid, i & 1 ? a.root : b.root), 0);
		put(&s, i & 1 ? b.page : a.page, i & 1 ? 222 : 111);
	}
	stop(&race, thread);
	assert_int_equal(race.wrong, 0);
	assert_int_equal(s.unexpected_faults, 0);
	silicon_destroy(&s);
}

static void test_race_of_dma_with_rebind(void **state)
{
	(void)state;
	for (unsigned ats = 0; ats < 2; ats++) {
		race_binds(UNIT_CACHE_LRU, ats != 0);
		race_binds(UNIT_CACHE_ADVERSARIAL, ats != 0);
		race_binds(UNIT_CACHE_NEVER, ats != 0);
	}
}

/* An unmap that has returned: nothing is written to the page any more, and it can serve others. */
static void test_race_of_dma_with_unmap(void **state)
{
	struct silicon s;
	struct race race = {.s = &s, .ats = true};
	struct space a;
	pthread_t thread;

	(void)state;
	silicon_create(&s, UNIT_CACHE_ADVERSARIAL, WORKERS_THREADS, true);
	a = make_space(&s, 111);
	race.pasid = silicon_pasid(&s);
	assert_int_equal(silicon_bind(&s, race.pasid, a.root), 0);
	start(&race, &thread);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(vsva_domain_unmap(s.domain, gpa(a.page), 4096, NULL), 0);
		put(&s, a.page, 0xdead);
		put(&s, a.page, 111);
		assert_int_equal(
			vsva_domain_map(s.domain, gpa(a.page), hpa(s.base.v + a.page), 4096, 3), 0);
	}
	stop(&race, thread);
	assert_int_equal(race.wrong, 0);
	silicon_destroy(&s);
}

/* A handler that is slow, and whether it was inside when an unbind returned. */
struct slow_handler {
	bool is_inside, is_returned, has_left; /* atomic */
	bool was_told_late;
};

static int slow_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct slow_handler *slow = arg;

	(void)dev;
	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0;
	__atomic_store_n(&slow->is_inside, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 200 && !slow->was_told_late; i++) {
		sched_yield();
		slow->was_told_late = __atomic_load_n(&slow->is_returned, __ATOMIC_ACQUIRE);
	}
	__atomic_store_n(&slow->has_left, true, __ATOMIC_RELEASE);
	return 0;
}

/* A guest that has unbound flushes its work for the PASID once: what its unit tells it after that is
 * work for a process that is gone. Linux: refcount underflow in iopf_free_group, seen when a driver
 * was unbound with 16 page requests pending. */
static void test_unbind_waits_for_reports(void **state)
{
	struct slow_handler slow = {false, false, false, false};
	struct dma_context context = {.use_ats = true};
	struct silicon s;
	struct space a;
	hpasid_t pasid;

	(void)state;
	silicon_create(&s, UNIT_CACHE_LRU, WORKERS_THREADS, true);
	a = make_space(&s, 111);
	pasid = silicon_pasid(&s);
	context.pasid = pasid.v;
	assert_int_equal(silicon_bind(&s, pasid, a.root), 0);
	assert_int_equal(vsva_dev_unregister_fault_handler(s.dev), 0);
	assert_int_equal(vsva_dev_register_fault_handler(s.dev, slow_fault, NULL, &slow), 0);
	assert_true(endpoint_page_request(&s.endpoint, &context, VA, UNIT_READ) >= 0);
	while (!__atomic_load_n(&slow.is_inside, __ATOMIC_ACQUIRE))
		sched_yield();
	assert_int_equal(silicon_unbind(&s, pasid), 0);
	__atomic_store_n(&slow.is_returned, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&slow.has_left, __ATOMIC_ACQUIRE))
		sched_yield();
	assert_false(slow.was_told_late);
	assert_int_equal(__atomic_load_n(&s.answers, __ATOMIC_ACQUIRE), 1);
	silicon_destroy(&s);
}

struct request_race {
	struct silicon *s;
	hpasid_t pasid;
	bool stop;
	unsigned sent;
};

static void *requester(void *arg)
{
	struct request_race *race = arg;
	struct dma_context context = {.pasid = race->pasid.v, .use_ats = true};

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE))
		if (endpoint_page_request(&race->s->endpoint, &context, VA, UNIT_READ) >= 0)
			race->sent++;
	return NULL;
}

static bool all_answered(void *arg)
{
	struct request_race *race = arg;

	return __atomic_load_n(&race->s->answers, __ATOMIC_ACQUIRE) == race->sent;
}

/* Every request is answered exactly once, however binds, unbinds and the owner's answers fall. */
static void test_race_of_page_requests_with_unbind(void **state)
{
	struct silicon s;
	struct request_race race = {.s = &s};
	struct space a;
	pthread_t thread;

	(void)state;
	silicon_create(&s, UNIT_CACHE_LRU, WORKERS_THREADS, true);
	s.answer_requests = true;
	a = make_space(&s, 111);
	race.pasid = silicon_pasid(&s);
	assert_int_equal(silicon_bind(&s, race.pasid, a.root), 0);
	assert_int_equal(pthread_create(&thread, NULL, requester, &race), 0);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(silicon_unbind(&s, race.pasid), 0);
		assert_int_equal(silicon_bind(&s, race.pasid, a.root), 0);
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_true(worker_pool_wait_until(s.pool, all_answered, &race, 5000));
	silicon_destroy(&s);
	assert_int_equal(s.answers, race.sent);
}

/* Everything at once: each call may fail for a reason that its contract names, and nothing is left
 * behind. */

struct crowd {
	struct silicon *s;
	struct space space;
	hpasid_t pasids[4];
	bool stop; /* atomic */
};

static bool is_running(struct crowd *crowd)
{
	return !__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE);
}

/* CHECK, because an assertion of cmocka belongs to its own thread. */
static void expect_one_of(int err, int a, int b)
{
	CHECK(err == 0 || err == a || err == b);
}

static void *binder(void *arg)
{
	struct crowd *crowd = arg;

	for (unsigned i = 0; is_running(crowd); i++) {
		expect_one_of(silicon_bind(crowd->s, crowd->pasids[i % 4], crowd->space.root),
			      -ENODEV, -EBUSY);
		expect_one_of(silicon_unbind(crowd->s, crowd->pasids[(i / 2) % 4]), 0, 0);
	}
	return NULL;
}

static void *invalidator(void *arg)
{
	struct crowd *crowd = arg;

	for (unsigned i = 0; is_running(crowd); i++) {
		hpasid_t pasid = crowd->pasids[i % 4];
		struct vsva_flush flush = {.pasid = pasid, .addr = VA};
		struct vsva_cache_invalidate_info info = {
			.argsz = sizeof(info), .version = 1, .cache = VSVA_CACHE_INV_IOTLB};

		info.granularity = (uint8_t)(i % 2);
		info.granu.pasid_info.flags = VSVA_INV_FLAG_PASID;
		info.granu.pasid_info.pasid = pasid.v;
		if (info.granularity == VSVA_INV_DOMAIN)
			memset(&info.granu, 0, sizeof(info.granu));
		expect_one_of(vsva_cache_invalidate(crowd->s->domain, crowd->s->dev, &info),
			      -ENODEV, 0);
		expect_one_of(vsva_flush_iotlb(crowd->s->dev, &flush), -ENODEV, 0);
		expect_one_of(vsva_flush_device_tlb(crowd->s->dev, &flush, i % 8 == 0), -ENODEV, 0);
		vsva_drain_page_requests(crowd->s->dev);
	}
	return NULL;
}

static void *mapper(void *arg)
{
	struct crowd *crowd = arg;
	struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = gpa(crowd->space.root), .addr_width = 48};
	static const struct vsva_rid_config second_stage = {.kind = VSVA_RID_SECOND_STAGE};
	gpa_t far = gpa(UINT64_C(1) << 40);

	for (unsigned i = 0; is_running(crowd); i++) {
		hpa_t out;

		expect_one_of(vsva_domain_map(crowd->s->domain, far, crowd->s->base, GUEST_LEN, 3),
			      0, 0);
		CHECK(vsva_domain_iova_to_phys(crowd->s->domain, far, &out) == 0);
		expect_one_of(vsva_attach_rid(crowd->s->domain, crowd->s->dev,
					      i & 1 ? &nested : &second_stage),
			      -ENODEV, 0);
		expect_one_of(vsva_domain_unmap(crowd->s->domain, far, GUEST_LEN, NULL), 0, 0);
	}
	return NULL;
}

static void *accessor(void *arg)
{
	struct crowd *crowd = arg;

	for (unsigned i = 0; is_running(crowd); i++) {
		struct dma_context context = {.pasid = crowd->pasids[i % 4].v, .use_ats = true};
		uint64_t value;

		silicon_read(crowd->s, crowd->pasids[i % 4].v, VA, i & 1, &value);
		silicon_read(crowd->s, VSVA_PASID_INVALID, UINT64_C(1) << 40, i & 1, &value);
		if (i % 16 == 0)
			endpoint_page_request(&crowd->s->endpoint, &context, VA, UNIT_READ);
	}
	return NULL;
}

static void test_race_of_everything(void **state)
{
	static void *(*const parts[])(void *arg) = {binder, invalidator, mapper, accessor};
	struct silicon s;
	struct crowd crowd = {.s = &s};
	pthread_t threads[4];

	(void)state;
	silicon_create(&s, UNIT_CACHE_ADVERSARIAL, WORKERS_THREADS, true);
	s.answer_requests = true;
	crowd.space = make_space(&s, 111);
	for (unsigned i = 0; i < 4; i++)
		crowd.pasids[i] = silicon_pasid(&s);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, parts[i], &crowd), 0);
	for (unsigned i = 0; i < 40; i++) {
		usleep(2000);
		assert_int_equal(vsva_domain_detach(s.domain, s.dev), 0);
		assert_int_equal(vsva_domain_attach(s.domain, s.dev), 0);
	}
	__atomic_store_n(&crowd.stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	silicon_destroy(&s);
}

/* Head and tail that were read before the unit was reset must not be written after it: the unit would
 * take what is left in the ring for requests. */
struct reset_watch {
	struct silicon s;
	bool is_resetting;
	unsigned looked, looked_in_reset;
};

static void watch_queue(void *arg, uint32_t offset, uint64_t *value)
{
	struct reset_watch *watch = arg;

	(void)value;
	if (offset != VTD_REG_PRS && offset != VTD_REG_PQT)
		return;
	if (watch->is_resetting)
		watch->looked_in_reset++;
	else
		watch->looked++;
}

static void reset_unit(void *arg)
{
	struct reset_watch *watch = arg;

	watch->is_resetting = true;
	prq_run(watch->s.iommu);
	unit_reset(watch->s.unit);
	prq_run(watch->s.iommu);
	watch->is_resetting = false;
}

static void test_unit_reset_stops_the_page_request_queue(void **state)
{
	struct reset_watch *watch = calloc(1, sizeof(*watch));

	(void)state;
	silicon_create(&watch->s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
	watch->s.tap = (struct silicon_tap){.read = watch_queue, .arg = watch};
	prq_run(watch->s.iommu);
	assert_true(watch->looked > 0); /* otherwise it looks */
	watch->looked = 0;
	assert_int_equal(vsva_iommu_reset(watch->s.iommu, reset_unit, watch), 0);
	assert_int_equal(watch->looked_in_reset, 0);
	silicon_run(&watch->s);
	assert_true(watch->looked > 0);
	watch->s.tap = (struct silicon_tap){0};
	silicon_destroy(&watch->s);
	free(watch);
}

/* A unit that has no root table yet is in legacy mode and refuses descriptors of scalable mode: an
 * invalidation that comes at that moment must wait, or what it was to remove stays. */
struct early_flush {
	struct silicon s;
	bool is_early;
	unsigned calls, descriptors;
};

static bool flush_at_root(void *arg, uint32_t offset, uint64_t value)
{
	struct early_flush *early = arg;
	struct vsva_flush everything = {.pasid = {5}, .all = true};

	if (offset != VTD_REG_GCMD || !(value & VTD_GCMD_SRTP))
		return true;
	early->calls++;
	early->is_early = true;
	/* without threads a wait for the queue is one look */
	assert_int_equal(vsva_flush_device_tlb(early->s.dev, &everything, false), -ETIMEDOUT);
	early->is_early = false;
	return true;
}

static void count_early(void *arg, struct vtd_desc *desc)
{
	struct early_flush *early = arg;

	(void)desc;
	early->descriptors += early->is_early;
}

static void reset_only(void *arg)
{
	struct early_flush *early = arg;

	unit_reset(early->s.unit);
}

static void test_unit_reset_lets_no_invalidation_in_before_the_root_table(void **state)
{
	struct early_flush *early = calloc(1, sizeof(*early));

	(void)state;
	silicon_create(&early->s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
	early->s.tap =
		(struct silicon_tap){.write = flush_at_root, .desc = count_early, .arg = early};
	assert_int_equal(vsva_iommu_reset(early->s.iommu, reset_only, early), 0);
	assert_int_equal(early->calls, 1);
	assert_int_equal(early->descriptors, 0);
	early->s.tap = (struct silicon_tap){0};
	silicon_destroy(&early->s);
	free(early);
}

/* A reset that fails leaves devices without bus mastery; the one that is tried next gives it back. */
struct failing_reset {
	struct silicon s;
	bool is_failing;
};

static bool lose_commands(void *arg, uint32_t offset, uint64_t value)
{
	const struct failing_reset *failing = arg;

	(void)value;
	return !failing->is_failing || offset != VTD_REG_GCMD;
}

static void power_cycle(void *arg)
{
	struct failing_reset *failing = arg;

	unit_reset(failing->s.unit);
}

static void test_unit_reset_after_a_failed_one_gives_mastery_back(void **state)
{
	struct failing_reset *failing = calloc(1, sizeof(*failing));

	(void)state;
	silicon_create(&failing->s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
	failing->s.tap = (struct silicon_tap){.write = lose_commands, .arg = failing};
	failing->is_failing = true;
	assert_int_not_equal(vsva_iommu_reset(failing->s.iommu, power_cycle, failing), 0);
	assert_false(pci_config_bus_master(&failing->s.config));
	failing->is_failing = false;
	assert_int_equal(vsva_iommu_reset(failing->s.iommu, power_cycle, failing), 0);
	assert_true(pci_config_bus_master(&failing->s.config));
	silicon_destroy(&failing->s);
	free(failing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit_reset_after_a_failed_one_gives_mastery_back),
		cmocka_unit_test(test_unit_reset_lets_no_invalidation_in_before_the_root_table),
		cmocka_unit_test(test_unit_reset_stops_the_page_request_queue),
		cmocka_unit_test(test_pasid_reuse_sees_no_old_translation),
		cmocka_unit_test(test_parent_unmap_reaches_children),
		cmocka_unit_test(test_second_stage_table_reuse),
		cmocka_unit_test(test_rid_replacement),
		cmocka_unit_test(test_guest_flush_is_passed_on),
		cmocka_unit_test(test_detach_leaves_nothing),
		cmocka_unit_test(test_page_request_round_trip),
		cmocka_unit_test(test_silent_device_is_isolated),
		cmocka_unit_test(test_unbound_pasids_fault),
		cmocka_unit_test(test_race_of_dma_with_rebind),
		cmocka_unit_test(test_race_of_dma_with_unmap),
		cmocka_unit_test(test_unbind_waits_for_reports),
		cmocka_unit_test(test_race_of_page_requests_with_unbind),
		cmocka_unit_test(test_race_of_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
