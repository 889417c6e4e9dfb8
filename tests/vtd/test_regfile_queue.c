/* SPDX-License-Identifier: MIT */
/* The invalidation queue: head and tail, enabling, errors that stop it, how it goes on. */
#include "vtd/unit_of_registers.h"

#define GCMD   0x18
#define GSTS   0x1c
#define FSTS   0x34
#define IQH    0x80
#define IQT    0x88
#define IQA    0x90
#define IQERCD 0xb0

#define QIE BIT(26)
#define IQE BIT(4)
#define ICE BIT(5)
#define ITE BIT(6)
#define DW  BIT(11)

#define BASE UINT64_C(0x123456000)

/* a running queue of 2^qs pages */
static void setup(struct registers *r, uint64_t dw, unsigned qs)
{
	registers_init(r, full_config());
	write64(r, IQA, BASE | dw | qs);
	run_gcmd(r, QIE, VTD_FX_QIE);
}

static void test_queue_geometry(void **state)
{
	struct registers r;
	(void)state;

	for (unsigned qs = 0; qs < 8; qs++) {
		setup(&r, DW, qs);
		assert_int_equal(vtd_regfile_iq_base(&r.rf), BASE);
		assert_int_equal(vtd_regfile_iq_len(&r.rf), 4096u << qs);
		assert_true(vtd_regfile_iq_is_wide(&r.rf));
		setup(&r, 0, qs);
		assert_false(vtd_regfile_iq_is_wide(&r.rf));
	}
}

static unsigned slots_until_wrap(uint64_t dw, unsigned qs, unsigned slot)
{
	struct registers r;
	unsigned count = 0;

	setup(&r, dw, qs);
	do {
		assert_int_equal(read64(&r, IQH), count * slot);
		assert_int_equal(vtd_regfile_iq_head_address(&r.rf), BASE + count * slot);
		vtd_regfile_iq_advance(&r.rf, 1);
		count++;
	} while (vtd_regfile_iq_head(&r.rf) != 0);
	return count;
}

/* 2^(QS+8) descriptors of 16 bytes, 2^(QS+7) of 32 */
static void test_head_wraps_at_the_size(void **state)
{
	(void)state;
	for (unsigned qs = 0; qs < 8; qs++) {
		assert_int_equal(slots_until_wrap(0, qs, 16), 256u << qs);
		assert_int_equal(slots_until_wrap(DW, qs, 32), 128u << qs);
	}
}

static void test_tail_starts_fetching(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf)); /* empty */
	write64(&r, IQT, 0x40);
	assert_int_equal(r.fx.what, VTD_FX_IQ_TAIL);
	assert_int_equal(vtd_regfile_iq_tail(&r.rf), 0x40);
	assert_true(vtd_regfile_iq_fetch_allowed(&r.rf));
	vtd_regfile_iq_advance(&r.rf, 1);
	assert_true(vtd_regfile_iq_fetch_allowed(&r.rf));
	vtd_regfile_iq_advance(&r.rf, 1);
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf));
	assert_int_equal(read64(&r, IQH), 0x40);
	/* the tail where the head is: nothing to do */
	write64(&r, IQT, 0x40);
	assert_int_equal(r.fx.what, 0);
	/* 32 bits do as well; the upper half means nothing */
	write32(&r, IQT, 0x60);
	assert_int_equal(r.fx.what, VTD_FX_IQ_TAIL);
	write32(&r, IQT + 4, 0xffffffff);
	assert_int_equal(r.fx.what, 0);
}

static void test_nothing_is_fetched_while_disabled(void **state)
{
	struct registers r;
	(void)state;

	registers_init(&r, full_config());
	write64(&r, IQA, BASE | DW);
	write64(&r, IQT, 0x40);
	assert_int_equal(r.fx.what, 0);
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf));
	/* a bad tail does not matter either */
	write64(&r, IQT, 0x7fff0);
	assert_int_equal(read32(&r, FSTS), 0);
}

/* Some guests enable the queue with descriptors in it. */
static void test_enable_with_a_tail(void **state)
{
	struct registers r;
	(void)state;

	registers_init(&r, full_config());
	write64(&r, IQA, BASE | DW);
	write64(&r, IQT, 0x40);
	write32(&r, GCMD, QIE);
	assert_int_equal(r.fx.what, VTD_FX_QIE | VTD_FX_IQ_TAIL);
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf)); /* QIES is 0 yet */
	vtd_regfile_complete_gcmd(&r.rf, VTD_FX_QIE);
	assert_true(vtd_regfile_iq_fetch_allowed(&r.rf));
	assert_int_equal(vtd_regfile_iq_head(&r.rf), 0);
}

static void test_enable_with_a_bad_tail(void **state)
{
	struct registers r;
	(void)state;

	registers_init(&r, full_config());
	write64(&r, IQA, BASE | DW);
	write64(&r, IQT, 0x1000);
	write32(&r, GCMD, QIE);
	vtd_regfile_complete_gcmd(&r.rf, VTD_FX_QIE);
	assert_int_equal(read32(&r, FSTS), IQE);
	assert_int_equal(read64(&r, IQERCD), 1);
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf));
}

static void test_disable_zeroes_the_head(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	write64(&r, IQT, 0x40);
	vtd_regfile_iq_advance(&r.rf, 1);
	write32(&r, GCMD, 0);
	assert_int_equal(r.fx.what, VTD_FX_QIE);
	/* it drains first */
	assert_true(vtd_regfile_iq_fetch_allowed(&r.rf));
	vtd_regfile_iq_advance(&r.rf, 1);
	assert_int_equal(read64(&r, IQH), 0x40);
	vtd_regfile_complete_gcmd(&r.rf, VTD_FX_QIE);
	assert_int_equal(read32(&r, GSTS), 0);
	assert_int_equal(read64(&r, IQH), 0);
	/* an advance that comes late */
	vtd_regfile_iq_advance(&r.rf, 1);
	assert_int_equal(read64(&r, IQH), 0);
}

static void test_tail_is_checked_while_disabling(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	write64(&r, IQT, 0x40);
	write32(&r, GCMD, 0);
	write64(&r, IQT, 0x2000);
	assert_int_equal(read32(&r, FSTS), IQE);
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf));
}

static void test_queue_address_is_latched_at_enable(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	write64(&r, IQA, 0x999000 | 3);
	assert_int_equal(read64(&r, IQA), 0x999003);
	assert_int_equal(vtd_regfile_iq_base(&r.rf), BASE);
	assert_int_equal(vtd_regfile_iq_len(&r.rf), 4096);
	assert_true(vtd_regfile_iq_is_wide(&r.rf));
	run_gcmd(&r, 0, VTD_FX_QIE);
	run_gcmd(&r, QIE, VTD_FX_QIE);
	assert_int_equal(vtd_regfile_iq_base(&r.rf), 0x999000);
	assert_int_equal(vtd_regfile_iq_len(&r.rf), 32768);
	assert_false(vtd_regfile_iq_is_wide(&r.rf));
}

/* Tail errors: 1 beyond the queue, 6 misaligned for 32-byte descriptors */

static void check_tail(uint64_t dw, unsigned qs, uint64_t tail, unsigned iqei)
{
	struct registers r;

	setup(&r, dw, qs);
	write64(&r, IQT, tail);
	assert_int_equal(read32(&r, FSTS), iqei ? IQE : 0);
	assert_int_equal(read64(&r, IQERCD), iqei);
	assert_int_equal(r.fx.what, iqei ? 0 : VTD_FX_IQ_TAIL);
	assert_int_equal(vtd_regfile_iq_fetch_allowed(&r.rf), iqei == 0);
}

static void test_bad_tails(void **state)
{
	(void)state;
	for (unsigned qs = 0; qs < 8; qs++) {
		check_tail(DW, qs, (4096u << qs) - 32, 0);
		check_tail(0, qs, (4096u << qs) - 16, 0);
		check_tail(DW, qs, (4096u << qs) - 16, 6);
		if (qs == 7)
			continue; /* IQT has no bits for more */
		check_tail(DW, qs, 4096u << qs, 1);
		check_tail(0, qs, 4096u << qs, 1);
		check_tail(0, qs, 0x7fff0, 1);
	}
	check_tail(DW, 0, 0x10, 6);
	check_tail(0, 0, 0x10, 0);
}

/* Errors */

static void test_queue_error_stops_and_resumes_at_the_head(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	write64(&r, IQT, 0x60);
	vtd_regfile_iq_advance(&r.rf, 1);
	vtd_regfile_iq_error(&r.rf, 3, fresh(&r));
	assert_int_equal(read32(&r, FSTS), IQE);
	assert_int_equal(read64(&r, IQERCD), 3);
	assert_int_equal(read64(&r, IQH), 0x20); /* the bad one */
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf));
	/* tail writes do not start it */
	write64(&r, IQT, 0x80);
	assert_int_equal(r.fx.what, 0);
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf));
	write32(&r, FSTS, IQE);
	assert_int_equal(r.fx.what, VTD_FX_QUEUE_RESUME);
	assert_int_equal(read32(&r, FSTS), 0);
	assert_int_equal(read64(&r, IQERCD), 0);
	assert_true(vtd_regfile_iq_fetch_allowed(&r.rf));
	assert_int_equal(read64(&r, IQH), 0x20);
}

static void test_bad_tail_is_found_again_at_resume(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	write64(&r, IQT, 0x1000);
	write32(&r, FSTS, IQE);
	assert_int_equal(read32(&r, FSTS), IQE);
	assert_int_equal(r.fx.what & VTD_FX_QUEUE_RESUME, 0);
	/* a good one while it is stopped, then clear */
	write64(&r, IQT, 0x20);
	write32(&r, FSTS, IQE);
	assert_int_equal(read32(&r, FSTS), 0);
	assert_int_equal(r.fx.what, VTD_FX_QUEUE_RESUME);
}

static void test_invalidation_timeout_stops_the_queue(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	write64(&r, IQT, 0x60);
	vtd_regfile_iq_ite(&r.rf, rid(0x0510), fresh(&r));
	assert_int_equal(read32(&r, FSTS), ITE);
	assert_int_equal(read64(&r, IQERCD), FIELD(0x0510, 32));
	assert_false(vtd_regfile_iq_fetch_allowed(&r.rf));
	/* the first one is what IQERCD says */
	vtd_regfile_iq_ite(&r.rf, rid(0x0511), fresh(&r));
	assert_int_equal(read64(&r, IQERCD), FIELD(0x0510, 32));
	write32(&r, FSTS, ITE);
	assert_int_equal(r.fx.what, VTD_FX_QUEUE_RESUME);
	assert_int_equal(read64(&r, IQERCD), 0);
	assert_true(vtd_regfile_iq_fetch_allowed(&r.rf));
}

static void test_resume_needs_both_errors_cleared(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	write64(&r, IQT, 0x60);
	vtd_regfile_iq_error(&r.rf, 4, fresh(&r));
	vtd_regfile_iq_ite(&r.rf, rid(0x0510), fresh(&r));
	write32(&r, FSTS, IQE);
	assert_int_equal(r.fx.what, 0);
	assert_int_equal(read64(&r, IQERCD), FIELD(0x0510, 32));
	write32(&r, FSTS, ITE);
	assert_int_equal(r.fx.what, VTD_FX_QUEUE_RESUME);
}

static void test_bad_completion_does_not_stop_the_queue(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	write64(&r, IQT, 0x60);
	vtd_regfile_iq_ice(&r.rf, rid(0x0999), fresh(&r));
	assert_int_equal(read32(&r, FSTS), ICE);
	assert_int_equal(read64(&r, IQERCD), FIELD(0x0999, 48));
	assert_true(vtd_regfile_iq_fetch_allowed(&r.rf));
	write32(&r, FSTS, ICE);
	assert_int_equal(read32(&r, FSTS), 0);
	assert_int_equal(read64(&r, IQERCD), 0);
	assert_int_equal(r.fx.what, 0);
}

/* Errors are kept beside each other. */
static void test_error_record_fields(void **state)
{
	struct registers r;
	(void)state;

	setup(&r, DW, 0);
	vtd_regfile_iq_error(&r.rf, 5, fresh(&r));
	vtd_regfile_iq_ite(&r.rf, rid(0x1111), fresh(&r));
	vtd_regfile_iq_ice(&r.rf, rid(0x2222), fresh(&r));
	assert_int_equal(read64(&r, IQERCD), FIELD(0x2222, 48) | FIELD(0x1111, 32) | 5);
	assert_int_equal(read32(&r, FSTS), IQE | ICE | ITE);
	/* the first of each kind counts */
	vtd_regfile_iq_error(&r.rf, 3, fresh(&r));
	vtd_regfile_iq_ice(&r.rf, rid(0x4444), fresh(&r));
	assert_int_equal(read64(&r, IQERCD), FIELD(0x2222, 48) | FIELD(0x1111, 32) | 5);
	/* writing 0 clears nothing */
	write32(&r, FSTS, 0);
	assert_int_equal(read32(&r, FSTS), IQE | ICE | ITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_geometry),
		cmocka_unit_test(test_head_wraps_at_the_size),
		cmocka_unit_test(test_tail_starts_fetching),
		cmocka_unit_test(test_nothing_is_fetched_while_disabled),
		cmocka_unit_test(test_enable_with_a_tail),
		cmocka_unit_test(test_enable_with_a_bad_tail),
		cmocka_unit_test(test_disable_zeroes_the_head),
		cmocka_unit_test(test_tail_is_checked_while_disabling),
		cmocka_unit_test(test_queue_address_is_latched_at_enable),
		cmocka_unit_test(test_bad_tails),
		cmocka_unit_test(test_queue_error_stops_and_resumes_at_the_head),
		cmocka_unit_test(test_bad_tail_is_found_again_at_resume),
		cmocka_unit_test(test_invalidation_timeout_stops_the_queue),
		cmocka_unit_test(test_resume_needs_both_errors_cleared),
		cmocka_unit_test(test_bad_completion_does_not_stop_the_queue),
		cmocka_unit_test(test_error_record_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
