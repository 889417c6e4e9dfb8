// SPDX-License-Identifier: MIT
/* Page requests: queue, overflow, answers that the unit gives itself, implicit invalidation,
 * drain, events. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

#include "vtd/registers.h"

#define PASID 5u

struct world {
	struct fixture f;
	struct fake_endpoint fake;
	struct domain d;
};

static void world_init(struct world *w, enum vtd_pgtt pgtt)
{
	fixture_init(&w->f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	fake_init(&w->fake, &w->f, RID);
	domain_init(&w->d, &w->f, pgtt, 7, 0, 0);
	domain_attach(&w->d, RID, PASID);
}

static void world_fini(struct world *w)
{
	fake_fini(&w->fake);
	fixture_fini(&w->f);
}

static struct unit_page_request request(uint64_t addr, bool last)
{
	return (struct unit_page_request){.rid = RID,
					  .pasid = PASID,
					  .addr = addr,
					  .write = true,
					  .read = true,
					  .last = last,
					  .prgi = 0x1a5};
}

static void ask(struct world *w, uint64_t addr, bool last)
{
	struct unit_page_request r = request(addr, last);

	unit_page_request(w->f.unit, &r);
}

static struct vtd_page_request slot(struct world *w, uint64_t offset)
{
	struct vtd_page_request d;

	memcpy(&d, fixture_ptr(&w->f, w->f.prq + offset), sizeof(d));
	return d;
}

static uint32_t prs(struct world *w)
{
	return reg32(&w->f, VTD_REG_PRS);
}

static void assert_answered(struct world *w, unsigned count, unsigned code)
{
	assert_int_equal(w->fake.responses, count);
	if (!count)
		return;
	assert_int_equal(w->fake.response_code, code);
	assert_int_equal(w->fake.response_pasid, PASID);
	assert_int_equal(w->fake.response_prgi, 0x1a5);
}

static void test_prq_request_is_queued(void **state)
{
	struct unit_page_request bare = {
		.rid = RID, .pasid = NO_PASID, .addr = 0x7000, .read = true};
	struct vtd_page_request d;
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	domain_attach(&w.d, RID, NO_PASID);
	ask(&w, UINT64_C(0xffff800000005678), true);
	assert_int_equal(reg64(&w.f, VTD_REG_PQT), 32);
	assert_int_equal(prs(&w), VTD_PRS_PPR);
	assert_int_equal(w.f.page_msis, 1);
	d = slot(&w, 0);
	assert_int_equal(vtd_page_request_TYPE(&d), VTD_PAGE_REQUEST_TYPE);
	assert_int_equal(vtd_page_request_RID(&d), RID.v);
	assert_int_equal(vtd_page_request_PP(&d), 1);
	assert_int_equal(vtd_page_request_PASID(&d), PASID);
	assert_int_equal(vtd_page_request_RDR(&d), 1);
	assert_int_equal(vtd_page_request_WRR(&d), 1);
	assert_int_equal(vtd_page_request_LPIG(&d), 1);
	assert_int_equal(vtd_page_request_PRGI(&d), 0x1a5);
	assert_int_equal(vtd_page_request_ADDR(&d), UINT64_C(0xffff800000005000));
	unit_page_request(w.f.unit, &bare);
	d = slot(&w, 32);
	assert_int_equal(vtd_page_request_PP(&d), 0);
	assert_int_equal(vtd_page_request_WRR(&d), 0);
	assert_int_equal(w.f.page_msis, 1); /* PPR was still set */
	assert_answered(&w, 0, 0);
	world_fini(&w);
}

static void test_prq_response_reaches_the_device(void **state)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PAGE_RESPONSE);
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	vtd_desc_page_response_set_PP(&d, 1);
	vtd_desc_page_response_set_RID(&d, RID.v);
	vtd_desc_page_response_set_PASID(&d, PASID);
	vtd_desc_page_response_set_PRGI(&d, 0x1a5);
	vtd_desc_page_response_set_RC(&d, VTD_RESPONSE_INVALID);
	assert_true(queue_sync(&w.f, &d));
	assert_answered(&w, 1, VTD_RESPONSE_INVALID);
	vtd_desc_page_response_set_RID(&d, OTHER_RID.v); /* nobody: dropped, and no error */
	assert_true(queue_sync(&w.f, &d));
	assert_answered(&w, 1, VTD_RESPONSE_INVALID);
	world_fini(&w);
}

/* Full: PRO and an event; the last request of a group is answered "success", others are dropped. */
static void test_prq_overflow(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	for (unsigned i = 0; i < 127; i++)
		ask(&w, 0x5000, true);
	assert_int_equal(reg64(&w.f, VTD_REG_PQT), 127 * 32);
	assert_int_equal(prs(&w), VTD_PRS_PPR);
	set32(&w.f, VTD_REG_PRS, VTD_PRS_PPR);
	ask(&w, 0x5000, false);
	assert_int_equal(prs(&w), VTD_PRS_PRO);
	assert_int_equal(w.f.page_msis, 2);
	assert_answered(&w, 0, 0);
	ask(&w, 0x5000, true);
	assert_answered(&w, 1, VTD_RESPONSE_SUCCESS);
	/* room alone does not help: PRO must be cleared */
	set64(&w.f, VTD_REG_PQH, 127 * 32);
	ask(&w, 0x5000, true);
	assert_answered(&w, 2, VTD_RESPONSE_SUCCESS);
	assert_int_equal(reg64(&w.f, VTD_REG_PQT), 127 * 32);
	set32(&w.f, VTD_REG_PRS, VTD_PRS_PRO);
	ask(&w, 0x5000, true);
	assert_int_equal(reg64(&w.f, VTD_REG_PQT), 0); /* around the end */
	assert_answered(&w, 2, VTD_RESPONSE_SUCCESS);
	assert_int_equal(w.f.page_msis, 3);
	expect_no_fault(&w.f);
	world_fini(&w);
}

static void check_refused(struct world *w, enum vtd_fault reason)
{
	unsigned before = w->fake.responses;
	uint64_t tail = reg64(&w->f, VTD_REG_PQT);

	ask(w, 0x5000, false);
	expect_fault(&w->f, reason, RID, PASID, 0x5000);
	assert_int_equal(w->fake.responses, before);
	ask(w, 0x5000, true);
	expect_fault(&w->f, reason, RID, PASID, 0x5000);
	assert_answered(w, before + 1, VTD_RESPONSE_INVALID);
	assert_int_equal(reg64(&w->f, VTD_REG_PQT), tail);
}

/* Tables that refuse: a fault is recorded, and the last of the group gets "invalid request". */
static void test_prq_tables_refuse(void **state)
{
	struct vtd_desc context = desc_context(VTD_CONTEXT_GLOBAL, 0, RID, 0);
	struct vtd_desc pasid = desc_pasid(VTD_PASID_CACHE_GLOBAL, 0, 0);
	struct vtd_context_entry *e;
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	e = context_of(&w.f, RID);
	vtd_context_entry_set_PRE(e, 0);
	check_refused(&w, VTD_FAULT_SCT_8);
	vtd_context_entry_set_PRE(e, 1);
	vtd_context_entry_set_PASIDE(e, 0);
	assert_true(queue_sync(&w.f, &context));
	check_refused(&w, VTD_FAULT_SCT_6);
	vtd_context_entry_set_PASIDE(e, 1);
	assert_true(queue_sync(&w.f, &context));
	vtd_pasid_entry_set_P(pasid_entry_of(&w.f, RID, PASID), 0);
	check_refused(&w, VTD_FAULT_SPT_2);
	/* defunct: nothing recorded, but answered */
	vtd_pasid_entry_set_FPD(pasid_entry_of(&w.f, RID, PASID), 1);
	ask(&w, 0x5000, true);
	expect_no_fault(&w.f);
	assert_answered(&w, w.fake.responses, VTD_RESPONSE_INVALID);
	vtd_pasid_entry_set_FPD(pasid_entry_of(&w.f, RID, PASID), 0);
	vtd_pasid_entry_set_PGTT(pasid_entry_of(&w.f, RID, PASID), 7);
	vtd_pasid_entry_set_P(pasid_entry_of(&w.f, RID, PASID), 1);
	check_refused(&w, VTD_FAULT_SPT_4);
	vtd_context_entry_set_P(e, 0);
	queue_put(&w.f, &context);
	assert_true(queue_sync(&w.f, &pasid));
	check_refused(&w, VTD_FAULT_SCT_2);
	world_fini(&w);
}

static void test_prq_record_says_page_request(void **state)
{
	struct vtd_fault_record r;
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	vtd_pasid_entry_set_P(pasid_entry_of(&w.f, RID, PASID), 0);
	ask(&w, 0x5000, true);
	r = take_fault(&w.f, 0);
	assert_int_equal(vtd_fault_record_access(&r), VTD_ACCESS_PAGE_REQUEST);
	world_fini(&w);
}

/* Translation off: refused, nothing recorded. */
static void test_prq_disabled(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	fixture_enable(&w.f, false);
	ask(&w, 0x5000, false);
	assert_answered(&w, 0, 0);
	ask(&w, 0x5000, true);
	assert_answered(&w, 1, VTD_RESPONSE_INVALID);
	expect_no_fault(&w.f);
	world_fini(&w);
}

static void test_prq_legacy_mode(void **state)
{
	struct fake_endpoint fake;
	struct unit_page_request r = request(0x5000, true);
	struct fixture f;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU, .legacy = true});
	fake_init(&fake, &f, RID);
	unit_page_request(f.unit, &r);
	assert_int_equal(fake.responses, 1);
	assert_int_equal(fake.response_code, VTD_RESPONSE_INVALID);
	expect_fault(&f, VTD_FAULT_RTA_3, RID, PASID, 0x5000);
	fake_fini(&fake);
	fixture_fini(&f);
}

/* Queued like a request, but never answered, whatever happens to it. */
static void test_prq_stop_marker(void **state)
{
	struct unit_page_request stop = {.rid = RID, .pasid = PASID, .last = true};
	struct vtd_page_request d;
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	unit_page_request(w.f.unit, &stop);
	d = slot(&w, 0);
	assert_true(vtd_page_request_is_stop_marker(&d));
	assert_int_equal(vtd_page_request_PASID(&d), PASID);
	for (unsigned i = 1; i < 127; i++)
		ask(&w, 0x5000, true);
	unit_page_request(w.f.unit, &stop); /* no room */
	unit_page_request(w.f.unit, &stop); /* PRO is set */
	vtd_pasid_entry_set_P(pasid_entry_of(&w.f, RID, PASID), 0);
	unit_page_request(w.f.unit, &stop);
	assert_answered(&w, 0, 0);
	world_fini(&w);
}

/* The queue is where there is no memory. */
static void test_prq_no_memory(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	set64(&w.f, VTD_REG_PQA, UINT64_C(1) << 45);
	ask(&w, 0x5000, true);
	assert_answered(&w, 1, VTD_RESPONSE_INVALID);
	assert_int_equal(reg64(&w.f, VTD_REG_PQT), 0);
	world_fini(&w);
}

/* VT-d 7.5: what is cached for the page is gone when the device comes back, paging structures
 * too. */
static void test_prq_implicit_invalidation(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	domain_map_first(&w.d, 0x5000, 0x77000, 1, VTD_FS_PTE_P | VTD_FS_PTE_US);
	domain_map_first(&w.d, 0x6000, 0x78000, 1, FIRST_RWU);
	*domain_first_entry(&w.d, 0x5000, 2) &= ~(uint64_t)VTD_FS_PTE_RW;
	assert_leads(&w.f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	assert_leads(&w.f, RID, PASID, 0x6000, UNIT_READ, UINT64_C(0x78000));
	*domain_first_entry(&w.d, 0x5000, 2) |= VTD_FS_PTE_RW; /* no flush needed: VT-d 6.5.2.1 */
	*domain_first_entry(&w.d, 0x5000, 1) |= VTD_FS_PTE_RW;
	*domain_first_entry(&w.d, 0x6000, 1) = 0x79000 | FIRST_RWU;
	assert_faults(&w.f, RID, PASID, 0x5000, UNIT_WRITE, SGN_6); /* by the cached directory */
	clear_faults(&w.f);
	ask(&w, 0x5000, true);
	assert_leads(&w.f, RID, PASID, 0x5000, UNIT_WRITE, UINT64_C(0x77000));
	assert_leads(&w.f, RID, PASID, 0x6000, UNIT_READ, UINT64_C(0x78000)); /* kept */
	world_fini(&w);
}

static void test_prq_implicit_invalidation_nested(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_NESTED);
	domain_map_second(&w.d, 0x77000, 0x77000, 1, SECOND_RW);
	domain_map_second(&w.d, 0x78000, 0x78000, 1, SECOND_RW);
	domain_map_first(&w.d, 0x6000, 0x77000, 1, FIRST_RWU);
	assert_leads(&w.f, RID, PASID, 0x6000, UNIT_READ, UINT64_C(0x77000));
	*domain_first_entry(&w.d, 0x6000, 1) = 0x78000 | FIRST_RWU;
	ask(&w, 0x5000, true); /* another page: the whole domain goes */
	assert_leads(&w.f, RID, PASID, 0x6000, UNIT_READ, UINT64_C(0x78000));
	world_fini(&w);
}

static void test_prq_event_masked_is_pending(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	set32(&w.f, VTD_REG_PECTL, (uint32_t)VTD_PECTL_IM);
	ask(&w, 0x5000, true);
	assert_int_equal(w.f.page_msis, 0);
	assert_true(reg32(&w.f, VTD_REG_PECTL) & VTD_PECTL_IP);
	set32(&w.f, VTD_REG_PECTL, 0);
	assert_int_equal(w.f.page_msis, 1);
	world_fini(&w);
}

/* PD: every request that was made before the wait completes is in the queue then. */
struct asker {
	struct world *w;
	bool go, done;
};

static void *ask_many(void *arg)
{
	struct asker *a = arg;

	while (!__atomic_load_n(&a->go, __ATOMIC_SEQ_CST))
		sched_yield();
	for (unsigned i = 0; i < 100; i++)
		ask(a->w, 0x5000, true);
	__atomic_store_n(&a->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void test_prq_drain(void **state)
{
	struct asker a = {0};
	struct vtd_desc wait;
	struct world w;
	pthread_t thread;
	uint32_t data;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	a.w = &w;
	assert_int_equal(pthread_create(&thread, NULL, ask_many, &a), 0);
	__atomic_store_n(&a.go, true, __ATOMIC_SEQ_CST);
	for (bool done = false; !done;) {
		done = __atomic_load_n(&a.done, __ATOMIC_SEQ_CST);
		wait = desc_wait(&w.f, true, false, true, &data);
		queue_put(&w.f, &wait);
		queue_ring(&w.f);
		assert_int_equal(status_value(&w.f), data);
		if (done)
			assert_int_equal(reg64(&w.f, VTD_REG_PQT), 100 * 32);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	world_fini(&w);
}

/* Several devices at once: every request has a slot of its own. */
static void *ask_one_group(void *arg)
{
	struct asker *a = arg;

	for (unsigned i = 0; i < 30; i++)
		ask(a->w, 0x5000 + i * 0x1000u, true);
	return NULL;
}

static void test_prq_concurrent_requests(void **state)
{
	struct asker a = {0};
	pthread_t threads[4];
	unsigned seen[30] = {0};
	struct world w;

	(void)state;
	world_init(&w, VTD_PGTT_FIRST_STAGE);
	a.w = &w;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_one_group, &a), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(reg64(&w.f, VTD_REG_PQT), 120 * 32);
	for (unsigned i = 0; i < 120; i++) {
		struct vtd_page_request d = slot(&w, i * 32);

		seen[(vtd_page_request_ADDR(&d) - 0x5000) >> 12]++;
	}
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(seen[i], 4);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prq_request_is_queued),
		cmocka_unit_test(test_prq_response_reaches_the_device),
		cmocka_unit_test(test_prq_overflow),
		cmocka_unit_test(test_prq_tables_refuse),
		cmocka_unit_test(test_prq_record_says_page_request),
		cmocka_unit_test(test_prq_disabled),
		cmocka_unit_test(test_prq_legacy_mode),
		cmocka_unit_test(test_prq_stop_marker),
		cmocka_unit_test(test_prq_no_memory),
		cmocka_unit_test(test_prq_implicit_invalidation),
		cmocka_unit_test(test_prq_implicit_invalidation_nested),
		cmocka_unit_test(test_prq_event_masked_is_pending),
		cmocka_unit_test(test_prq_drain),
		cmocka_unit_test(test_prq_concurrent_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
