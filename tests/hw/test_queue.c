// SPDX-License-Identifier: MIT
/* The invalidation queue: execution, errors, completion; register-based invalidation; events. */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "vtd/registers.h"

#define PASID 5u

static void open_unit(struct fixture *f)
{
	fixture_init(f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
}

static struct vtd_desc desc_dev_tlb(rid_t source, uint64_t addr, bool s)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_DEV_TLB);

	vtd_desc_dev_tlb_set_SID(&d, source.v);
	vtd_desc_dev_tlb_set_ADDR(&d, addr);
	vtd_desc_dev_tlb_set_S(&d, s);
	return d;
}

static unsigned iqei(struct fixture *f)
{
	return (unsigned)vtd_IQERCD_IQEI(reg64(f, VTD_REG_IQERCD));
}

/* Completion */

static void test_queue_wait_writes_status(void **state)
{
	struct fixture f;

	(void)state;
	open_unit(&f);
	for (unsigned i = 0; i < 300; i++) /* around the end of the queue, more than once */
		assert_true(queue_sync(&f, NULL));
	assert_int_equal(reg64(&f, VTD_REG_IQH), reg64(&f, VTD_REG_IQT));
	assert_int_equal(f.queue_msis, 0);
	fixture_fini(&f);
}

static void test_queue_wait_raises_interrupt_once(void **state)
{
	struct vtd_desc wait;
	struct fixture f;
	uint32_t data;

	(void)state;
	open_unit(&f);
	wait = desc_wait(&f, false, true, false, &data);
	queue_put(&f, &wait);
	queue_ring(&f);
	assert_int_equal(f.queue_msis, 1);
	assert_int_equal(reg32(&f, VTD_REG_ICS), 1);
	queue_put(&f, &wait);
	queue_ring(&f);
	assert_int_equal(f.queue_msis, 1); /* IWC was still set */
	set32(&f, VTD_REG_ICS, 1);
	queue_put(&f, &wait);
	queue_ring(&f);
	assert_int_equal(f.queue_msis, 2);
	fixture_fini(&f);
}

/* VT-d 7.3: masked, the message waits; unmasked, it goes; served meanwhile, it never goes */
static void test_queue_interrupt_masked_is_pending(void **state)
{
	struct vtd_desc wait;
	struct fixture f;
	uint32_t data;

	(void)state;
	open_unit(&f);
	set32(&f, VTD_REG_IECTL, (uint32_t)VTD_IECTL_IM);
	wait = desc_wait(&f, false, true, false, &data);
	queue_put(&f, &wait);
	queue_ring(&f);
	assert_int_equal(f.queue_msis, 0);
	assert_true(reg32(&f, VTD_REG_IECTL) & VTD_IECTL_IP);
	set32(&f, VTD_REG_IECTL, 0);
	assert_int_equal(f.queue_msis, 1);
	assert_false(reg32(&f, VTD_REG_IECTL) & VTD_IECTL_IP);
	set32(&f, VTD_REG_ICS, 1);
	set32(&f, VTD_REG_IECTL, (uint32_t)VTD_IECTL_IM);
	queue_put(&f, &wait);
	queue_ring(&f);
	set32(&f, VTD_REG_ICS, 1);
	set32(&f, VTD_REG_IECTL, 0);
	assert_int_equal(f.queue_msis, 1);
	fixture_fini(&f);
}

/* A reader that holds a translation in a read section keeps the wait from completing. */
struct holder {
	struct fixture *f;
	uint32_t data; /* of the wait, set before it is submitted */
	bool holding, submitted, released;
	bool completed_too_early;
};

static void *hold(void *arg)
{
	struct holder *h = arg;
	struct unit_request r = {.rid = RID, .pasid = PASID, .addr = 0x5000, .access = UNIT_READ};
	struct unit_translation t;

	rcu_read_lock();
	unit_translate(h->f->unit, &r, &t);
	__atomic_store_n(&h->holding, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&h->submitted, __ATOMIC_SEQ_CST))
		sched_yield();
	for (unsigned i = 0; i < 2000; i++) {
		if (status_value(h->f) == h->data)
			h->completed_too_early = true;
		sched_yield();
	}
	__atomic_store_n(&h->released, true, __ATOMIC_SEQ_CST);
	rcu_read_unlock();
	return NULL;
}

/* inv: what makes the wait wait; NULL: that it drains page requests (PD) */
static void check_completion(const struct vtd_desc *inv)
{
	struct holder h = {0};
	bool completed, waited;
	struct vtd_desc wait;
	struct fixture f;
	struct domain d;
	pthread_t thread;

	open_unit(&f);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	h.f = &f;
	assert_int_equal(pthread_create(&thread, NULL, hold, &h), 0);
	while (!__atomic_load_n(&h.holding, __ATOMIC_SEQ_CST))
		sched_yield();
	wait = desc_wait(&f, true, false, !inv, &h.data);
	if (inv)
		queue_put(&f, inv);
	queue_put(&f, &wait);
	__atomic_store_n(&h.submitted, true, __ATOMIC_SEQ_CST);
	queue_ring(&f);
	completed = status_value(&f) == h.data;
	waited = __atomic_load_n(&h.released, __ATOMIC_SEQ_CST);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(completed && waited);
	assert_false(h.completed_too_early);
	fixture_fini(&f);
}

static void test_queue_wait_completes_after_accesses_under_way(void **state)
{
	struct vtd_desc each[] = {
		desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, 7, PASID, 0x5000, 0, false),
		desc_iotlb(VTD_IOTLB_DOMAIN, 7, 0, 0, false),
		desc_pasid(VTD_PASID_CACHE_PASID, 7, PASID),
		desc_context(VTD_CONTEXT_GLOBAL, 0, RID, 0),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(each); i++)
		check_completion(&each[i]);
	check_completion(NULL);
}

/* Errors */

/* IQE: the head stays, nothing is fetched, Linux's way out works. */
static void test_queue_bad_descriptor_stops_until_cleared(void **state)
{
	struct vtd_desc bad = vtd_desc_of_type(0x3f), wait;
	struct fixture f;
	uint32_t data;
	uint64_t head;

	(void)state;
	open_unit(&f);
	assert_true(queue_sync(&f, NULL));
	head = reg64(&f, VTD_REG_IQH);
	assert_false(queue_sync(&f, &bad));
	assert_true(reg32(&f, VTD_REG_FSTS) & VTD_FSTS_IQE);
	assert_int_equal(iqei(&f), VTD_IQEI_TYPE);
	assert_int_equal(reg64(&f, VTD_REG_IQH), head);
	assert_int_equal(f.fault_msis, 1);
	assert_false(queue_sync(&f, NULL));
	wait = desc_wait(&f, true, false, false, &data);
	memcpy(fixture_ptr(&f, f.queue + head), &wait, sizeof(wait));
	set32(&f, VTD_REG_FSTS, (uint32_t)VTD_FSTS_IQE);
	assert_int_equal(reg64(&f, VTD_REG_IQH), reg64(&f, VTD_REG_IQT));
	assert_true(status_value(&f) != 0);
	assert_int_equal(iqei(&f), 0);
	fixture_fini(&f);
}

static void test_queue_reserved_bits_and_granularities(void **state)
{
	struct vtd_desc bad[] = {
		desc_context(0, 1, RID, 0),
		desc_pasid(2, 1, PASID),
		desc_iotlb(0, 1, 0, 0, false),
		desc_iotlb(VTD_IOTLB_PAGE, 1, 0, 19, false), /* beyond MAMV */
		desc_pasid_iotlb(1, 1, PASID, 0, 0, false),
		desc_iotlb(VTD_IOTLB_GLOBAL, 1, 0, 0, false),
	};
	struct fixture f;

	(void)state;
	bad[5].q[3] = 1;
	open_unit(&f);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct vtd_desc good = desc_iotlb(VTD_IOTLB_GLOBAL, 0, 0, 0, false);
		uint64_t head = reg64(&f, VTD_REG_IQH);

		assert_false(queue_sync(&f, &bad[i]));
		assert_int_equal(iqei(&f), VTD_IQEI_RESERVED_FIELD);
		memcpy(fixture_ptr(&f, f.queue + head), &good, sizeof(good));
		set32(&f, VTD_REG_FSTS, (uint32_t)VTD_FSTS_IQE);
		assert_int_equal(reg64(&f, VTD_REG_IQH), reg64(&f, VTD_REG_IQT));
	}
	fixture_fini(&f);
}

static void test_queue_tail_and_fetch_errors(void **state)
{
	struct fixture f;

	(void)state;
	open_unit(&f);
	set64(&f, VTD_REG_IQT, 16);
	assert_int_equal(iqei(&f), VTD_IQEI_MISALIGNED_TAIL);
	set64(&f, VTD_REG_IQT, 0);
	set32(&f, VTD_REG_FSTS, (uint32_t)VTD_FSTS_IQE);
	set64(&f, VTD_REG_IQT, 4096);
	assert_int_equal(iqei(&f), VTD_IQEI_BAD_TAIL);
	set64(&f, VTD_REG_IQT, 0);
	set32(&f, VTD_REG_FSTS, (uint32_t)VTD_FSTS_IQE);
	/* the queue moves to where there is no memory */
	set32(&f, VTD_REG_GCMD, (uint32_t)(VTD_GCMD_TE));
	assert_false(reg32(&f, VTD_REG_GSTS) & VTD_GSTS_QIES);
	set64(&f, VTD_REG_IQA, (UINT64_C(1) << 45) | VTD_IQA_DW);
	set32(&f, VTD_REG_GCMD, (uint32_t)(VTD_GCMD_TE | VTD_GCMD_QIE));
	set64(&f, VTD_REG_IQT, 32);
	assert_int_equal(iqei(&f), VTD_IQEI_FETCH);
	fixture_fini(&f);
}

/* ITE: reported with its source, no wait behind it completes before software has cleared it. */
static void test_queue_device_gone_times_out(void **state)
{
	struct vtd_desc flush = desc_dev_tlb(RID, VTD_DEVICE_TLB_ALL, true);
	struct fake_endpoint fake;
	struct fixture f;
	uint64_t head;

	(void)state;
	open_unit(&f);
	fake_init(&fake, &f, RID);
	assert_true(queue_sync(&f, &flush));
	assert_int_equal(fake.invalidations, 1);
	assert_int_equal(fake.last_invalidation.size_lg2, 64);
	assert_false(fake.last_invalidation.has_pasid);
	fake.result = -ETIMEDOUT;
	head = reg64(&f, VTD_REG_IQH);
	assert_false(queue_sync(&f, &flush));
	assert_true(reg32(&f, VTD_REG_FSTS) & VTD_FSTS_ITE);
	assert_int_equal(vtd_IQERCD_ITESID(reg64(&f, VTD_REG_IQERCD)), RID.v);
	assert_int_equal(f.fault_msis, 1);
	assert_int_equal(reg64(&f, VTD_REG_IQH), (head + 32) % 4096); /* at the wait */
	set32(&f, VTD_REG_FSTS, (uint32_t)VTD_FSTS_ITE);
	assert_int_equal(reg64(&f, VTD_REG_IQH), reg64(&f, VTD_REG_IQT));
	fake_fini(&fake);
	/* nobody is behind the RID any more: the same */
	assert_false(queue_sync(&f, &flush));
	assert_true(reg32(&f, VTD_REG_FSTS) & VTD_FSTS_ITE);
	fixture_fini(&f);
}

/* ICE: reported, and the queue goes on. */
static void test_queue_wrong_answer_goes_on(void **state)
{
	struct vtd_desc flush = desc_dev_tlb(RID, 0x5000, false);
	struct fake_endpoint fake;
	struct fixture f;

	(void)state;
	open_unit(&f);
	fake_init(&fake, &f, RID);
	fake.result = -EIO;
	assert_true(queue_sync(&f, &flush));
	assert_true(reg32(&f, VTD_REG_FSTS) & VTD_FSTS_ICE);
	assert_int_equal(vtd_IQERCD_ICESID(reg64(&f, VTD_REG_IQERCD)), RID.v);
	assert_int_equal(fake.last_invalidation.size_lg2, 12);
	assert_int_equal(fake.last_invalidation.addr, 0x5000);
	fake_fini(&fake);
	fixture_fini(&f);
}

static void test_queue_pasid_device_tlb_scope(void **state)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_DEV_TLB);
	struct fake_endpoint fake;
	struct fixture f;

	(void)state;
	open_unit(&f);
	fake_init(&fake, &f, RID);
	vtd_desc_pasid_dev_tlb_set_SID(&d, RID.v);
	vtd_desc_pasid_dev_tlb_set_PASID(&d, PASID);
	vtd_desc_pasid_dev_tlb_set_S(&d, 1);
	vtd_desc_pasid_dev_tlb_set_ADDR(&d, 0x13000); /* 011: 16 KiB ... */
	assert_true(queue_sync(&f, &d));
	assert_true(fake.last_invalidation.has_pasid);
	assert_int_equal(fake.last_invalidation.pasid, PASID);
	assert_int_equal(fake.last_invalidation.size_lg2, 15);
	assert_int_equal(fake.last_invalidation.addr, 0x10000);
	assert_false(fake.last_invalidation.all_pasids);
	vtd_desc_pasid_dev_tlb_set_G(&d, 1);
	assert_true(queue_sync(&f, &d));
	assert_true(fake.last_invalidation.all_pasids);
	fake_fini(&fake);
	fixture_fini(&f);
}

/* Running */

static void test_queue_run_by_owner_is_bounded(void **state)
{
	struct vtd_desc inv = desc_iotlb(VTD_IOTLB_GLOBAL, 0, 0, 0, false);
	struct fixture f;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU, .kicked = true});
	assert_int_equal(f.kicks, 1); /* the queue was enabled */
	assert_false(unit_run_queue(f.unit));
	for (unsigned i = 0; i < 120; i++)
		queue_put(&f, &inv);
	assert_int_equal(reg64(&f, VTD_REG_IQH), 0);
	queue_ring(&f);
	assert_int_equal(f.kicks, 2);
	assert_int_equal(reg64(&f, VTD_REG_IQH), 0);
	assert_false(unit_run_queue(f.unit));
	assert_int_equal(reg64(&f, VTD_REG_IQH), 120 * 32);
	fixture_fini(&f);
}

/* Disabling drains; with an owner who runs the queue, that is when it is complete. */
static void test_queue_disable_drains(void **state)
{
	struct vtd_desc wait;
	struct fixture f;
	uint32_t data;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU, .kicked = true});
	wait = desc_wait(&f, true, false, false, &data);
	queue_put(&f, &wait);
	queue_ring(&f);
	set32(&f, VTD_REG_GCMD, (uint32_t)VTD_GCMD_TE);
	assert_true(reg32(&f, VTD_REG_GSTS) & VTD_GSTS_QIES);
	assert_false(unit_run_queue(f.unit));
	assert_int_equal(status_value(&f), data);
	assert_false(reg32(&f, VTD_REG_GSTS) & VTD_GSTS_QIES);
	assert_int_equal(reg64(&f, VTD_REG_IQH), 0);
	fixture_fini(&f);
}

struct ringer {
	struct fixture *f;
	bool stop;
};

static void *run_for_ever(void *arg)
{
	struct ringer *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST))
		unit_run_queue(r->f->unit);
	return NULL;
}

/* Two runners: nothing is lost, whoever is sent away. */
static void test_queue_two_runners_lose_nothing(void **state)
{
	struct ringer r = {0};
	struct fixture f;
	pthread_t thread;

	(void)state;
	open_unit(&f);
	r.f = &f;
	assert_int_equal(pthread_create(&thread, NULL, run_for_ever, &r), 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct vtd_desc wait;
		uint32_t data;

		wait = desc_wait(&f, true, false, false, &data);
		queue_put(&f, &wait);
		queue_ring(&f);
		while (status_value(&f) != data)
			sched_yield();
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_SEQ_CST);
	assert_int_equal(pthread_join(thread, NULL), 0);
	fixture_fini(&f);
}

/* Legacy mode and register-based invalidation */

static void attach_legacy(struct domain *d, struct fixture *f, unsigned tt)
{
	struct vtd_legacy_context *e = legacy_context_of(f, RID);

	domain_init(d, f, VTD_PGTT_SECOND_STAGE, 7, 0, 0);
	vtd_legacy_context_set_SSPTPTR(e, d->second_root);
	vtd_legacy_context_set_AW(e, VTD_AW_48);
	vtd_legacy_context_set_TT(e, tt);
	vtd_legacy_context_set_DID(e, 7);
	vtd_legacy_context_set_P(e, 1);
}

static void test_queue_legacy_translation(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_NEVER, .legacy = true});
	assert_faults(&f, RID, NO_PASID, 0x5000, UNIT_READ, LRT_2);
	clear_faults(&f);
	attach_legacy(&d, &f, VTD_TT_SECOND_STAGE);
	domain_map_second(&d, 0x5000, 0x77000, 1, VTD_SS_PTE_R);
	assert_leads(&f, RID, NO_PASID, 0x5010, UNIT_READ, UINT64_C(0x77010));
	assert_faults(&f, RID, NO_PASID, 0x5010, UNIT_WRITE, LGN_2);
	assert_faults(&f, RID, NO_PASID, 0x6000, UNIT_READ, LGN_3);
	assert_faults(&f, RID, NO_PASID, 0x6000, UNIT_ATOMIC, LGN_2);
	assert_faults(&f, RID, NO_PASID, UINT64_C(1) << 48, UNIT_READ, LGN_1);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, RTA_2);
	clear_faults(&f);
	assert_int_equal(ats_translate(&f, RID, NO_PASID, 0x5000, UNIT_READ).response, VTD_RESP_UR);
	expect_fault(&f, VTD_FAULT_LCT_5, RID, NO_PASID, 0x5000);
	domain_map_second(&d, 0x8000, (UINT64_C(1) << 47) | 0x1000, 1, SECOND_RW);
	assert_faults(&f, RID, NO_PASID, 0x8000, UNIT_READ, LSS_2);
	*domain_second_entry(&d, 0x8000, 2) = (UINT64_C(1) << 45) | SECOND_RW;
	assert_faults(&f, RID, NO_PASID, UINT64_C(0x200000) - 0x1000, UNIT_READ, LSS_1);
	domain_map_second(&d, 0x40000000, 0xfee00000, 2, SECOND_RW);
	assert_faults(&f, RID, NO_PASID, 0x40000000, UNIT_READ, LGN_4);
	fixture_fini(&f);
}

static void test_queue_legacy_context_faults(void **state)
{
	struct vtd_legacy_context *e;
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_NEVER, .legacy = true});
	e = legacy_context_of(&f, RID);
	assert_faults(&f, RID, NO_PASID, 0x5000, UNIT_READ, LCT_2);
	expect_fault(&f, VTD_FAULT_LCT_2, RID, NO_PASID, 0x5000);
	vtd_legacy_context_set_FPD(e, 1);
	assert_faults(&f, RID, NO_PASID, 0x5000, UNIT_READ, LCT_2);
	expect_no_fault(&f);
	vtd_legacy_context_set_FPD(e, 0);
	attach_legacy(&d, &f, VTD_TT_RESERVED);
	assert_faults(&f, RID, NO_PASID, 0x5000, UNIT_READ, LCT_4);
	attach_legacy(&d, &f, VTD_TT_SECOND_STAGE);
	vtd_legacy_context_set_AW(e, 4);
	assert_faults(&f, RID, NO_PASID, 0x5000, UNIT_READ, LCT_4);
	vtd_legacy_context_set_AW(e, VTD_AW_48);
	e->q[1] |= UINT64_C(1) << 30;
	assert_faults(&f, RID, NO_PASID, 0x5000, UNIT_READ, LCT_3);
	e->q[1] &= ~(UINT64_C(1) << 30);
	vtd_legacy_context_set_SSPTPTR(e, UINT64_C(1) << 45);
	assert_faults(&f, RID, NO_PASID, 0x5000, UNIT_READ, LCT_4);
	vtd_legacy_context_set_TT(e, VTD_TT_PASS_THROUGH);
	assert_leads(&f, RID, NO_PASID, 0x5123, UNIT_WRITE, UINT64_C(0x5123));
	assert_faults(&f, RID, NO_PASID, UINT64_C(1) << PHYSMEM_HAW, UNIT_READ, LGN_1);
	*fixture_ptr(&f, f.root + 16u * vtd_root_index(RID)) |= 2;
	assert_faults(&f, RID, NO_PASID, 0x5000, UNIT_READ, LRT_3);
	fixture_fini(&f);
}

static void write_invalidation(struct fixture *f, uint64_t ccmd, uint64_t iotlb, uint64_t iva)
{
	unsigned offset = vtd_iotlb_offset(f->ecap);

	if (ccmd) {
		set64(f, VTD_REG_CCMD, ccmd | VTD_CCMD_ICC);
		assert_false(reg64(f, VTD_REG_CCMD) & VTD_CCMD_ICC);
		assert_int_equal(vtd_CCMD_CAIG(reg64(f, VTD_REG_CCMD)), vtd_CCMD_CIRG(ccmd));
	}
	if (iotlb) {
		set64(f, vtd_iva_offset(f->ecap), iva);
		set64(f, offset, iotlb | VTD_IOTLB_IVT);
		assert_false(reg64(f, offset) & VTD_IOTLB_IVT);
	}
}

static void test_queue_register_invalidation(void **state)
{
	uint64_t page = vtd_IOTLB_with_IIRG(vtd_IOTLB_with_DID(0, 7), VTD_REQ_DEVICE_OR_PAGE);
	uint64_t device = vtd_CCMD_with_CIRG(vtd_CCMD_with_SID(vtd_CCMD_with_DID(0, 7), RID.v),
					     VTD_REQ_DEVICE_OR_PAGE);
	struct fixture f;
	struct domain d, other;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU, .legacy = true});
	set32(&f, VTD_REG_GCMD, (uint32_t)VTD_GCMD_TE); /* no queue */
	attach_legacy(&d, &f, VTD_TT_SECOND_STAGE);
	domain_map_second(&d, 0x5000, 0x77000, 1, SECOND_RW);
	domain_map_second(&d, 0x6000, 0x78000, 1, SECOND_RW);
	assert_leads(&f, RID, NO_PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	assert_leads(&f, RID, NO_PASID, 0x6000, UNIT_READ, UINT64_C(0x78000));
	*domain_second_entry(&d, 0x5000, 1) = 0x79000 | SECOND_RW;
	*domain_second_entry(&d, 0x6000, 1) = 0x7a000 | SECOND_RW;
	write_invalidation(&f, 0, page, 0x5000);
	assert_int_equal(vtd_IOTLB_IAIG(reg64(&f, vtd_iotlb_offset(f.ecap))),
			 VTD_REQ_DEVICE_OR_PAGE);
	assert_leads(&f, RID, NO_PASID, 0x5000, UNIT_READ, UINT64_C(0x79000));
	assert_leads(&f, RID, NO_PASID, 0x6000, UNIT_READ, UINT64_C(0x78000)); /* kept */
	write_invalidation(&f, 0, page, 0x5000 | 19); /* AM beyond MAMV: an error */
	assert_int_equal(vtd_IOTLB_IAIG(reg64(&f, vtd_iotlb_offset(f.ecap))), VTD_REQ_NONE);
	write_invalidation(&f, 0, vtd_IOTLB_with_IIRG(0, VTD_REQ_GLOBAL), 0);
	assert_leads(&f, RID, NO_PASID, 0x6000, UNIT_READ, UINT64_C(0x7a000));
	/* the context cache */
	attach_legacy(&other, &f, VTD_TT_SECOND_STAGE);
	domain_map_second(&other, 0x7000, 0x7b000, 1, SECOND_RW);
	assert_faults(&f, RID, NO_PASID, 0x7000, UNIT_READ, LGN_3);
	write_invalidation(&f, vtd_CCMD_with_SID(device, OTHER_RID.v ^ 0x80), 0, 0);
	assert_faults(&f, RID, NO_PASID, 0x7000, UNIT_READ, LGN_3);
	write_invalidation(&f, device, vtd_IOTLB_with_IIRG(page, VTD_REQ_DOMAIN), 0);
	assert_leads(&f, RID, NO_PASID, 0x7000, UNIT_READ, UINT64_C(0x7b000));
	fixture_fini(&f);
}

/* In scalable mode, and while the queue is on, the registers refuse. */
static void test_queue_register_invalidation_refused(void **state)
{
	struct fixture f;

	(void)state;
	open_unit(&f);
	set64(&f, VTD_REG_CCMD, vtd_CCMD_with_CIRG(VTD_CCMD_ICC, VTD_REQ_GLOBAL));
	assert_int_equal(vtd_CCMD_CAIG(reg64(&f, VTD_REG_CCMD)), VTD_REQ_NONE);
	assert_false(reg64(&f, VTD_REG_CCMD) & VTD_CCMD_ICC);
	fixture_fini(&f);
}

/* Creation */

static void test_queue_create_refuses_contradictions(void **state)
{
	struct unit_config config = {.cap = unit_default_cap(), .ecap = unit_default_ecap()};
	const uint64_t without[] = {VTD_ECAP_QI,   VTD_ECAP_SMTS, VTD_ECAP_FSTS,
				    VTD_ECAP_SSTS, VTD_ECAP_DT,   VTD_ECAP_SMPWC};
	struct unit *unit;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		config.ecap = unit_default_ecap() & ~without[i];
		assert_int_equal(unit_create(&config, &unit), -EINVAL);
		assert_null(unit);
	}
	config.ecap = unit_default_ecap() | VTD_ECAP_VCS;
	assert_int_equal(unit_create(&config, &unit), -EINVAL);
	config.ecap = unit_default_ecap();
	config.cap = vtd_CAP_with_FRO(unit_default_cap(), 0x3fc / 4);
	assert_int_equal(unit_create(&config, &unit), -EINVAL);
	config.cap = vtd_CAP_with_ND(unit_default_cap(), 7);
	assert_int_equal(unit_create(&config, &unit), -EINVAL);
}

static void test_queue_create_fails_without_memory(void **state)
{
	struct unit_config config = {.cap = unit_default_cap(), .ecap = unit_default_ecap()};
	struct unit *unit;
	uint64_t n;

	(void)state;
	for (n = 1;; n++) {
		int err;

		fail_nth_set(n, 0);
		err = unit_create(&config, &unit);
		fail_nth_set(0, 0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_null(unit);
	}
	assert_true(n > 5);
	unit_destroy(unit);
}

static void test_queue_attach_and_detach(void **state)
{
	struct fake_endpoint a, b;
	struct fixture f;

	(void)state;
	open_unit(&f);
	fake_init(&a, &f, RID);
	b = a;
	assert_int_equal(unit_attach(f.unit, &b.endpoint), -EEXIST);
	unit_detach(f.unit, &b.endpoint); /* not the one that is attached */
	assert_int_equal(unit_attach(f.unit, &b.endpoint), -EEXIST);
	b.endpoint.rid = rid(0x4000);
	fail_nth_set(1, 0);
	assert_int_equal(unit_attach(f.unit, &b.endpoint), -ENOMEM);
	fail_nth_set(0, 0);
	assert_int_equal(unit_attach(f.unit, &b.endpoint), 0);
	unit_detach(f.unit, &b.endpoint);
	fake_fini(&a);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_wait_writes_status),
		cmocka_unit_test(test_queue_wait_raises_interrupt_once),
		cmocka_unit_test(test_queue_interrupt_masked_is_pending),
		cmocka_unit_test(test_queue_wait_completes_after_accesses_under_way),
		cmocka_unit_test(test_queue_bad_descriptor_stops_until_cleared),
		cmocka_unit_test(test_queue_reserved_bits_and_granularities),
		cmocka_unit_test(test_queue_tail_and_fetch_errors),
		cmocka_unit_test(test_queue_device_gone_times_out),
		cmocka_unit_test(test_queue_wrong_answer_goes_on),
		cmocka_unit_test(test_queue_pasid_device_tlb_scope),
		cmocka_unit_test(test_queue_run_by_owner_is_bounded),
		cmocka_unit_test(test_queue_disable_drains),
		cmocka_unit_test(test_queue_two_runners_lose_nothing),
		cmocka_unit_test(test_queue_legacy_translation),
		cmocka_unit_test(test_queue_legacy_context_faults),
		cmocka_unit_test(test_queue_register_invalidation),
		cmocka_unit_test(test_queue_register_invalidation_refused),
		cmocka_unit_test(test_queue_create_refuses_contradictions),
		cmocka_unit_test(test_queue_create_fails_without_memory),
		cmocka_unit_test(test_queue_attach_and_detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
