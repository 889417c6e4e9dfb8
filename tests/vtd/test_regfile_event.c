/* SPDX-License-Identifier: MIT */
/* Event messages of the three sources, fault records, page requests. VT-d 7.2.1 and 7.3 */
#include "vtd/unit_of_registers.h"

#define GCMD 0x18
#define FSTS 0x34
#define ICS  0x9c
#define PQH  0xc0
#define PQT  0xc8
#define PQA  0xd0
#define PRS  0xdc

#define IM BIT(31)
#define IP BIT(30)

#define PFO BIT(0)
#define PPF BIT(1)
#define IQE BIT(4)
#define ICE BIT(5)
#define ITE BIT(6)
#define PPR BIT(0)
#define PRO BIT(1)
#define IWC BIT(0)

#define RECORDS 4

/* The three sources and how an event of each comes about. */
static void raise_fault(struct registers *r)
{
	vtd_regfile_iq_error(&r->rf, 4, fresh(r));
}

static void clear_fault(struct registers *r)
{
	write32(r, FSTS, IQE);
}

static void raise_completion(struct registers *r)
{
	vtd_regfile_wait_complete(&r->rf, fresh(r));
}

static void clear_completion(struct registers *r)
{
	write32(r, ICS, IWC);
}

static void raise_page(struct registers *r)
{
	vtd_regfile_prq_commit(&r->rf, fresh(r));
}

static void clear_page(struct registers *r)
{
	write32(r, PRS, PPR);
}

static const struct event {
	enum vtd_event_source source;
	unsigned control, status;
	void (*raise)(struct registers *r);
	void (*clear)(struct registers *r);
} events[] = {
	{VTD_EVENT_FAULT, 0x38, FSTS, raise_fault, clear_fault},
	{VTD_EVENT_COMPLETION, 0xa0, ICS, raise_completion, clear_completion},
	{VTD_EVENT_PAGE, 0xe0, PRS, raise_page, clear_page},
};

/* data at +4, address at +8, upper address at +12 */
static void setup(struct registers *r)
{
	registers_init(r, full_config());
	for (size_t i = 0; i < 3; i++) {
		write32(r, events[i].control + 4, 0x40 + i);
		write32(r, events[i].control + 8, 0xfee01000 + i * 0x100);
		write32(r, events[i].control + 12, i);
		write32(r, events[i].control, 0);
	}
}

static void expect_message(const struct registers *r, size_t i)
{
	assert_int_equal(r->fx.msi_count, 1);
	assert_true(r->fx.what & VTD_FX_MSI);
	assert_int_equal(r->fx.msi[0].source, events[i].source);
	assert_int_equal(r->fx.msi[0].data, 0x40 + i);
	assert_int_equal(r->fx.msi[0].addr, FIELD(i, 32) | (0xfee01000 + i * 0x100));
}

static void expect_no_message(const struct registers *r)
{
	assert_int_equal(r->fx.msi_count, 0);
	assert_false(r->fx.what & VTD_FX_MSI);
}

static struct vtd_fault_record record_of(unsigned n)
{
	struct vtd_fault_record record = {{0}};

	vtd_fault_record_set_FI(&record, BIT(63) | FIELD(n + 1, 12));
	vtd_fault_record_set_SID(&record, 0x100 + n);
	vtd_fault_record_set_FR(&record, 0x59);
	vtd_fault_record_set_PP(&record, 1);
	vtd_fault_record_set_PV(&record, n);
	return record;
}

static bool report(struct registers *r, unsigned n)
{
	struct vtd_fault_record record = record_of(n);

	return vtd_regfile_record_fault(&r->rf, &record, fresh(r));
}

/* F of a record: the top bit of its last dword. Linux writes these 4 bytes. */
static void clear_record(struct registers *r, unsigned index)
{
	write32(r, FRCD0 + 16 * index + 12, BIT(31));
}

static void test_event_sends_its_message(void **state)
{
	struct registers r;
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		setup(&r);
		events[i].raise(&r);
		expect_message(&r, i);
		assert_int_equal(read32(&r, events[i].control), 0); /* IP was 1 for a moment */
		/* status is still set: no new event */
		events[i].raise(&r);
		expect_no_message(&r);
		assert_int_equal(read32(&r, events[i].control), 0);
		events[i].clear(&r);
		assert_int_equal(read32(&r, events[i].status), 0);
		events[i].raise(&r);
		expect_message(&r, i);
	}
}

static void test_masked_event_is_sent_when_unmasked(void **state)
{
	struct registers r;
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		setup(&r);
		write32(&r, events[i].control, IM);
		events[i].raise(&r);
		expect_no_message(&r);
		assert_int_equal(read32(&r, events[i].control), IM | IP);
		/* IP is read-only */
		write32(&r, events[i].control, IM);
		expect_no_message(&r);
		assert_int_equal(read32(&r, events[i].control), IM | IP);
		write32(&r, events[i].control, 0);
		expect_message(&r, i);
		assert_int_equal(read32(&r, events[i].control), 0);
		/* once */
		write32(&r, events[i].control, IM);
		write32(&r, events[i].control, 0);
		expect_no_message(&r);
	}
}

static void test_masked_event_that_is_served_is_not_sent(void **state)
{
	struct registers r;
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		setup(&r);
		write32(&r, events[i].control, IM);
		events[i].raise(&r);
		events[i].clear(&r);
		assert_int_equal(read32(&r, events[i].control), IM);
		write32(&r, events[i].control, 0);
		expect_no_message(&r);
	}
}

static void test_software_cannot_set_pending(void **state)
{
	struct registers r;
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		setup(&r);
		write32(&r, events[i].control, IP);
		expect_no_message(&r);
		assert_int_equal(read32(&r, events[i].control), 0);
		write32(&r, events[i].status, UINT32_MAX);
		assert_int_equal(read32(&r, events[i].status), 0);
	}
}

/* Any status bit of the source holds back further events; only all cleared takes IP back. */
static void test_status_bits_of_a_source_belong_together(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write32(&r, 0x38, IM);
	vtd_regfile_iq_error(&r.rf, 4, fresh(&r));
	vtd_regfile_iq_ite(&r.rf, rid(1), fresh(&r));
	vtd_regfile_iq_ice(&r.rf, rid(1), fresh(&r));
	assert_int_equal(read32(&r, FSTS), IQE | ITE | ICE);
	write32(&r, FSTS, IQE | ICE);
	assert_int_equal(read32(&r, 0x38), IM | IP);
	write32(&r, FSTS, ITE);
	assert_int_equal(read32(&r, 0x38), IM);
	write32(&r, 0x38, 0);
	vtd_regfile_iq_ice(&r.rf, rid(1), fresh(&r));
	expect_message(&r, 0);
	vtd_regfile_iq_ite(&r.rf, rid(1), fresh(&r));
	expect_no_message(&r);
}

/* As long as PFO or PRO is set, nothing else of its source is an event. */
static void test_overflow_bits_hold_back_events(void **state)
{
	struct registers r;
	uint64_t slot;
	(void)state;

	setup(&r);
	for (unsigned n = 0; n < RECORDS + 1; n++)
		report(&r, n);
	for (unsigned n = 0; n < RECORDS; n++)
		clear_record(&r, n);
	assert_int_equal(read32(&r, FSTS) & 0xff, PFO);
	vtd_regfile_iq_ice(&r.rf, rid(1), fresh(&r));
	expect_no_message(&r);
	setup(&r);
	write32(&r, 0xe0, IM);
	for (unsigned n = 0; n < 128; n++)
		if (!vtd_regfile_prq_reserve(&r.rf, &slot, fresh(&r)))
			vtd_regfile_prq_commit(&r.rf, fresh(&r));
	assert_int_equal(read32(&r, PRS), PPR | PRO);
	write32(&r, PRS, PPR);
	assert_int_equal(read32(&r, 0xe0), IM | IP);
	vtd_regfile_prq_commit(&r.rf, fresh(&r));
	write32(&r, PRS, PPR | PRO);
	assert_int_equal(read32(&r, 0xe0), IM);
}

static void test_sources_are_independent(void **state)
{
	struct registers r;
	struct vtd_effects fx = {0};
	(void)state;

	setup(&r);
	vtd_regfile_iq_error(&r.rf, 4, &fx);
	vtd_regfile_wait_complete(&r.rf, &fx);
	vtd_regfile_prq_commit(&r.rf, &fx);
	assert_int_equal(fx.msi_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fx.msi[i].source, i);
}

/* One struct may collect the effects of many calls: a source has one message in it. */
static void test_messages_of_one_source_are_collected(void **state)
{
	struct registers r;
	struct vtd_effects fx = {0};
	(void)state;

	setup(&r);
	for (unsigned i = 0; i < 10; i++) {
		vtd_regfile_wait_complete(&r.rf, &fx);
		assert_int_equal(vtd_regfile_write(&r.rf, ICS, 4, IWC, &fx), 0);
	}
	assert_int_equal(fx.msi_count, 1);
}

static void test_upper_address_is_zero_without_eim(void **state)
{
	struct vtd_regfile_config config = full_config();
	struct registers r;
	(void)state;

	config.ecap &= ~BIT(4);
	registers_init(&r, config);
	write32(&r, 0x44, UINT32_MAX);
	write32(&r, 0x40, 0xfee00000);
	write32(&r, 0x38, 0);
	raise_fault(&r);
	assert_int_equal(r.fx.msi[0].addr, 0xfee00000);
}

/* Fault records */

static void expect_record(const struct registers *r, unsigned index, unsigned n)
{
	assert_int_equal(read64(r, FRCD0 + 16 * index), BIT(63) | FIELD(n + 1, 12));
	assert_int_equal(read64(r, FRCD0 + 16 * index + 8),
			 BIT(63) | FIELD(n, 40) | FIELD(0x59, 32) | BIT(31) | (0x100 + n));
}

static void test_fault_is_recorded(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	assert_true(report(&r, 7));
	expect_record(&r, 0, 7);
	expect_message(&r, 0);
	assert_int_equal(read32(&r, FSTS), PPF); /* FRI = 0 */
	clear_record(&r, 0);
	assert_int_equal(read32(&r, FSTS) & 0xff, 0);
	assert_int_equal(read32(&r, FRCD0 + 12) & BIT(31), 0);
	/* the rest of the record stays, and is read-only */
	write64(&r, FRCD0, UINT64_MAX);
	write32(&r, FRCD0 + 8, UINT32_MAX);
	assert_int_equal(read64(&r, FRCD0), BIT(63) | FIELD(8, 12));
	assert_int_equal(read32(&r, FRCD0 + 8) & 0xffff, 0x107);
}

static void test_fault_records_form_a_ring(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	assert_true(report(&r, 0));
	expect_message(&r, 0);
	/* PPF is set: recorded without an event, FRI stays */
	assert_true(report(&r, 1));
	expect_no_message(&r);
	assert_int_equal(read32(&r, FSTS), PPF);
	clear_record(&r, 0);
	assert_int_equal(read32(&r, FSTS), PPF); /* record 1 */
	clear_record(&r, 1);
	assert_int_equal(read32(&r, FSTS) & PPF, 0);
	/* FRI is the index at which PPF became 1 */
	for (unsigned n = 2; n < 20; n++) {
		assert_true(report(&r, n));
		expect_message(&r, 0);
		expect_record(&r, n % RECORDS, n);
		assert_int_equal(read32(&r, FSTS), PPF | FIELD(n % RECORDS, 8));
		clear_record(&r, n % RECORDS);
	}
}

static void test_fault_overflow(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	for (unsigned n = 0; n < RECORDS; n++)
		assert_true(report(&r, n));
	assert_false(report(&r, 4));
	expect_no_message(&r);
	assert_int_equal(read32(&r, FSTS), PPF | PFO);
	for (unsigned n = 0; n < RECORDS; n++)
		expect_record(&r, n, n);
	/* while PFO is set nothing is recorded, even with room */
	for (unsigned n = 0; n < RECORDS; n++)
		clear_record(&r, n);
	assert_int_equal(read32(&r, FSTS) & 0xff, PFO);
	assert_false(report(&r, 5));
	assert_int_equal(read32(&r, FSTS) & 0xff, PFO);
	write32(&r, FSTS, PFO);
	assert_int_equal(read32(&r, FSTS) & 0xff, 0);
	assert_true(report(&r, 6));
	expect_message(&r, 0);
	expect_record(&r, 0, 6);
}

/* Software reads from FRI until F=0 and clears as it goes; the ring goes on behind it. */
static void test_fault_ring_wraps_behind_the_reader(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	for (unsigned n = 0; n < RECORDS; n++)
		report(&r, n);
	clear_record(&r, 0);
	assert_true(report(&r, 4));
	expect_record(&r, 0, 4);
	assert_int_equal(read32(&r, FSTS), PPF);
	assert_false(report(&r, 5));
}

static void test_fault_event_waits_for_other_status(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	raise_fault(&r); /* IQE */
	assert_true(report(&r, 0));
	expect_no_message(&r);
	assert_int_equal(read32(&r, FSTS), PPF | IQE);
}

static void test_masked_fault_event_ends_with_the_last_record(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write32(&r, 0x38, IM);
	report(&r, 0);
	report(&r, 1);
	clear_record(&r, 0);
	assert_int_equal(read32(&r, 0x38), IM | IP);
	clear_record(&r, 1);
	assert_int_equal(read32(&r, 0x38), IM);
}

static void test_writing_zero_to_f_clears_nothing(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	report(&r, 0);
	write32(&r, FRCD0 + 12, 0x7fffffff);
	write64(&r, FRCD0 + 8, 0);
	expect_record(&r, 0, 0);
	write64(&r, FRCD0 + 8, BIT(63));
	assert_int_equal(read32(&r, FSTS) & PPF, 0);
}

/* The index starts again when neither TES nor IRES is set. */
static void test_fault_index_starts_again(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	run_gcmd(&r, BIT(31), VTD_FX_TE);
	report(&r, 0);
	clear_record(&r, 0);
	run_gcmd(&r, BIT(31) | BIT(25), VTD_FX_IRE);
	run_gcmd(&r, BIT(25), VTD_FX_TE);
	report(&r, 1);
	expect_record(&r, 1, 1); /* IRES is still set */
	clear_record(&r, 1);
	run_gcmd(&r, 0, VTD_FX_IRE);
	report(&r, 2);
	expect_record(&r, 0, 2);
}

static void test_single_fault_record(void **state)
{
	struct vtd_regfile_config config = full_config();
	struct registers r;
	(void)state;

	config.cap &= ~FIELD(0xff, 40); /* NFR */
	registers_init(&r, config);
	assert_true(report(&r, 0));
	assert_false(report(&r, 1));
	assert_int_equal(read32(&r, FSTS), PPF | PFO);
	clear_record(&r, 0);
	write32(&r, FSTS, PFO);
	assert_true(report(&r, 2));
	expect_record(&r, 0, 2);
}

/* Page requests */

#define PRQ_BASE UINT64_C(0x55555000)

static void setup_prq(struct registers *r, unsigned pqs)
{
	setup(r);
	write64(r, PQA, PRQ_BASE | pqs);
}

static int request(struct registers *r, uint64_t *slot)
{
	int err = vtd_regfile_prq_reserve(&r->rf, slot, fresh(r));

	if (!err)
		vtd_regfile_prq_commit(&r->rf, &r->fx);
	return err;
}

static void test_page_request_is_queued(void **state)
{
	struct registers r;
	uint64_t slot = 0;
	(void)state;

	setup_prq(&r, 0);
	assert_true(vtd_regfile_prq_is_empty(&r.rf));
	assert_int_equal(vtd_regfile_prq_reserve(&r.rf, &slot, fresh(&r)), 0);
	/* the tail moves when the descriptor is written, not before */
	assert_int_equal(slot, PRQ_BASE);
	assert_int_equal(read64(&r, PQT), 0);
	assert_int_equal(read32(&r, PRS), 0);
	expect_no_message(&r);
	vtd_regfile_prq_commit(&r.rf, fresh(&r));
	assert_int_equal(read64(&r, PQT), 32);
	assert_int_equal(read32(&r, PRS), PPR);
	expect_message(&r, 2);
	assert_false(vtd_regfile_prq_is_empty(&r.rf));
	/* PPR is set: no event for the next */
	assert_int_equal(request(&r, &slot), 0);
	assert_int_equal(slot, PRQ_BASE + 32);
	expect_no_message(&r);
}

/* 2^(PQS+7) descriptors, one of them always free */
static void test_page_request_queue_overflows(void **state)
{
	struct registers r;
	uint64_t slot;
	(void)state;

	for (unsigned pqs = 0; pqs < 8; pqs++) {
		unsigned capacity = (128u << pqs) - 1;

		setup_prq(&r, pqs);
		for (unsigned i = 0; i < capacity; i++) {
			assert_int_equal(request(&r, &slot), 0);
			assert_int_equal(slot, PRQ_BASE + i * 32);
		}
		write32(&r, PRS, PPR);
		assert_int_equal(request(&r, &slot), -ENOSPC);
		assert_int_equal(read32(&r, PRS), PRO);
		expect_message(&r, 2);
		/* dropped silently while PRO is set, even with room */
		write64(&r, PQH, capacity * 32);
		assert_int_equal(request(&r, &slot), -ENOSPC);
		expect_no_message(&r);
		write32(&r, PRS, PRO);
		assert_int_equal(r.fx.what, VTD_FX_PRQ_HEAD);
		assert_int_equal(request(&r, &slot), 0);
		assert_int_equal(slot, PRQ_BASE + capacity * 32);
		assert_int_equal(read64(&r, PQT), 0); /* wrapped */
	}
}

static void test_page_request_head_frees_room(void **state)
{
	struct registers r;
	uint64_t slot;
	(void)state;

	setup_prq(&r, 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(request(&r, &slot), 0);
		assert_int_equal(slot, PRQ_BASE + i % 128 * 32);
		write64(&r, PQH, read64(&r, PQT));
		assert_int_equal(r.fx.what, VTD_FX_PRQ_HEAD);
		assert_true(vtd_regfile_prq_is_empty(&r.rf));
	}
}

/* Software may write anything into PQH and PQT: slots stay inside the queue. */
static void test_page_request_queue_with_wild_pointers(void **state)
{
	struct registers r;
	uint64_t slot;
	(void)state;

	setup_prq(&r, 0);
	write64(&r, PQT, UINT64_MAX);
	write64(&r, PQH, 0x12340);
	for (unsigned i = 0; i < 300; i++)
		if (request(&r, &slot) == 0)
			assert_true(slot >= PRQ_BASE && slot <= PRQ_BASE + 4096 - 32);
	assert_int_equal(read32(&r, PRS), PPR | PRO);
}

static void test_page_request_without_the_feature(void **state)
{
	struct vtd_regfile_config config = full_config();
	struct registers r;
	uint64_t slot;
	(void)state;

	config.ecap &= ~BIT(29);
	registers_init(&r, config);
	assert_int_equal(vtd_regfile_prq_reserve(&r.rf, &slot, fresh(&r)), -ENODEV);
	assert_int_equal(r.fx.what, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_sends_its_message),
		cmocka_unit_test(test_masked_event_is_sent_when_unmasked),
		cmocka_unit_test(test_masked_event_that_is_served_is_not_sent),
		cmocka_unit_test(test_software_cannot_set_pending),
		cmocka_unit_test(test_status_bits_of_a_source_belong_together),
		cmocka_unit_test(test_overflow_bits_hold_back_events),
		cmocka_unit_test(test_sources_are_independent),
		cmocka_unit_test(test_messages_of_one_source_are_collected),
		cmocka_unit_test(test_upper_address_is_zero_without_eim),
		cmocka_unit_test(test_fault_is_recorded),
		cmocka_unit_test(test_fault_records_form_a_ring),
		cmocka_unit_test(test_fault_overflow),
		cmocka_unit_test(test_fault_ring_wraps_behind_the_reader),
		cmocka_unit_test(test_fault_event_waits_for_other_status),
		cmocka_unit_test(test_masked_fault_event_ends_with_the_last_record),
		cmocka_unit_test(test_writing_zero_to_f_clears_nothing),
		cmocka_unit_test(test_fault_index_starts_again),
		cmocka_unit_test(test_single_fault_record),
		cmocka_unit_test(test_page_request_is_queued),
		cmocka_unit_test(test_page_request_queue_overflows),
		cmocka_unit_test(test_page_request_head_frees_room),
		cmocka_unit_test(test_page_request_queue_with_wild_pointers),
		cmocka_unit_test(test_page_request_without_the_feature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
