/* SPDX-License-Identifier: MIT */
/* GCMD and GSTS, root table latch, virtual command, register-based invalidation. */
#include "vtd/unit_of_registers.h"

#define GCMD   0x18
#define GSTS   0x1c
#define RTADDR 0x20
#define CCMD   0x28
#define IRTA   0xb8
#define VCMD   0xe00
#define VCRSP  0xe10

#define TE    BIT(31)
#define SRTP  BIT(30)
#define SFL   BIT(29)
#define EAFL  BIT(28)
#define WBF   BIT(27)
#define QIE   BIT(26)
#define IRE   BIT(25)
#define SIRTP BIT(24)
#define CFI   BIT(23)

static void setup(struct registers *r)
{
	registers_init(r, full_config());
}

/* GCMD */

static void check_level_command(uint64_t bit, uint32_t effect)
{
	struct registers r;

	setup(&r);
	write32(&r, GCMD, bit);
	assert_true(r.fx.what & effect);
	assert_int_equal(read32(&r, GSTS), 0); /* not yet */
	assert_true(vtd_regfile_complete_gcmd(&r.rf, effect));
	assert_int_equal(read32(&r, GSTS), bit);
	/* the same state again is no command */
	write32(&r, GCMD, bit);
	assert_int_equal(r.fx.what, 0);
	write32(&r, GCMD, 0);
	assert_true(r.fx.what & effect);
	assert_int_equal(read32(&r, GSTS), bit);
	assert_true(vtd_regfile_complete_gcmd(&r.rf, effect));
	assert_int_equal(read32(&r, GSTS), 0);
}

static void test_level_commands(void **state)
{
	(void)state;
	check_level_command(TE, VTD_FX_TE);
	check_level_command(QIE, VTD_FX_QIE);
	check_level_command(IRE, VTD_FX_IRE);
	check_level_command(CFI, VTD_FX_CFI);
}

/* RTPS and IRTPS: cleared when the command is written, set when it is done. */
static void check_pointer_command(uint64_t bit, uint32_t effect)
{
	struct registers r;

	setup(&r);
	for (unsigned i = 0; i < 2; i++) {
		write32(&r, GCMD, bit);
		assert_int_equal(r.fx.what, effect);
		assert_int_equal(read32(&r, GSTS), 0);
		assert_true(vtd_regfile_complete_gcmd(&r.rf, effect));
		assert_int_equal(read32(&r, GSTS), bit);
		/* writing 0 to a one-shot bit does nothing */
		write32(&r, GCMD, 0);
		assert_int_equal(r.fx.what, 0);
		assert_int_equal(read32(&r, GSTS), bit);
	}
}

static void test_pointer_commands(void **state)
{
	(void)state;
	check_pointer_command(SRTP, VTD_FX_ROOT_LATCH);
	check_pointer_command(SIRTP, VTD_FX_IRT_LATCH);
}

/* WBFS is 1 while the flush is going on. */
static void test_write_buffer_flush(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write32(&r, GCMD, WBF);
	assert_int_equal(r.fx.what, VTD_FX_WBF);
	assert_int_equal(read32(&r, GSTS), WBF);
	assert_true(vtd_regfile_complete_gcmd(&r.rf, VTD_FX_WBF));
	assert_int_equal(read32(&r, GSTS), 0);
}

static void test_one_command_at_a_time(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write32(&r, GCMD, SRTP);
	write32(&r, GCMD, TE);
	assert_int_equal(r.fx.what, VTD_FX_GCMD_REFUSED);
	assert_false(vtd_regfile_translation_wanted(&r.rf));
	assert_false(vtd_regfile_complete_gcmd(&r.rf, VTD_FX_TE));
	assert_true(vtd_regfile_complete_gcmd(&r.rf, VTD_FX_ROOT_LATCH));
	/* the refused one was not kept */
	assert_false(vtd_regfile_complete_gcmd(&r.rf, UINT32_MAX));
	assert_int_equal(read32(&r, GSTS), SRTP);
}

static void test_two_changes_in_one_write_are_refused(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write32(&r, GCMD, TE | QIE);
	assert_int_equal(r.fx.what, VTD_FX_GCMD_REFUSED);
	write32(&r, GCMD, SRTP | TE);
	assert_int_equal(r.fx.what, VTD_FX_GCMD_REFUSED);
	assert_false(vtd_regfile_complete_gcmd(&r.rf, UINT32_MAX));
	assert_int_equal(read32(&r, GSTS), 0);
}

/* The way Linux does it: the levels that are on, and the one-shot bit. */
static void test_one_shot_beside_unchanged_levels(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	run_gcmd(&r, QIE, VTD_FX_QIE);
	run_gcmd(&r, QIE | SRTP, VTD_FX_ROOT_LATCH);
	run_gcmd(&r, QIE | TE, VTD_FX_TE);
	assert_int_equal(read32(&r, GSTS), QIE | SRTP | TE);
	/* leaving TE out turns it off */
	run_gcmd(&r, QIE, VTD_FX_TE);
	assert_int_equal(read32(&r, GSTS), QIE | SRTP);
}

static void test_unsupported_commands_do_nothing(void **state)
{
	struct vtd_regfile_config config = full_config();
	struct registers r;
	(void)state;

	setup(&r);
	write32(&r, GCMD, SFL | EAFL | 0x7fffff);
	assert_int_equal(r.fx.what, 0);
	config.ecap &= ~(BIT(1) | BIT(3)); /* neither queue nor interrupt remapping */
	registers_init(&r, config);
	write32(&r, GCMD, QIE | IRE | SIRTP | CFI);
	assert_int_equal(r.fx.what, 0);
	/* and do not count as a second change */
	run_gcmd(&r, TE | QIE | IRE, VTD_FX_TE);
	assert_int_equal(read32(&r, GSTS), TE);
}

static void test_completion_of_nothing(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	assert_false(vtd_regfile_complete_gcmd(&r.rf, UINT32_MAX));
	write32(&r, GCMD, TE);
	vtd_regfile_reset(&r.rf);
	assert_false(vtd_regfile_complete_gcmd(&r.rf, VTD_FX_TE));
	assert_int_equal(read32(&r, GSTS), 0);
}

static void test_wanted_state_while_pending(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write32(&r, GCMD, TE);
	assert_true(vtd_regfile_translation_wanted(&r.rf));
	vtd_regfile_complete_gcmd(&r.rf, VTD_FX_TE);
	assert_true(vtd_regfile_translation_wanted(&r.rf));
	write32(&r, GCMD, 0);
	assert_false(vtd_regfile_translation_wanted(&r.rf));
	vtd_regfile_complete_gcmd(&r.rf, VTD_FX_TE);
	assert_false(vtd_regfile_translation_wanted(&r.rf));
	write32(&r, GCMD, IRE);
	assert_true(vtd_regfile_remapping_wanted(&r.rf));
	assert_false(vtd_regfile_queue_wanted(&r.rf));
}

/* What a command invalidates by itself depends on CAP.ESRTPS, CAP.ESIRTPS and ECAP.SMTS. */
static uint32_t flushes(uint64_t also_cap, uint64_t missing_ecap, uint64_t first, uint64_t second)
{
	struct vtd_regfile_config config = full_config();
	struct registers r;

	config.cap |= also_cap;
	config.ecap &= ~missing_ecap;
	registers_init(&r, config);
	if (first) {
		write32(&r, GCMD, first);
		vtd_regfile_complete_gcmd(&r.rf, UINT32_MAX);
	}
	write32(&r, GCMD, second);
	return r.fx.what & (VTD_FX_FLUSH_DMA | VTD_FX_FLUSH_IR);
}

static void test_commands_that_invalidate(void **state)
{
	(void)state;
	assert_int_equal(flushes(0, 0, 0, SRTP), 0);
	assert_int_equal(flushes(BIT(63), 0, 0, SRTP), VTD_FX_FLUSH_DMA);
	assert_int_equal(flushes(0, 0, 0, TE), 0);
	assert_int_equal(flushes(0, 0, TE, 0), VTD_FX_FLUSH_DMA);
	assert_int_equal(flushes(0, BIT(43), TE, 0), 0);
	assert_int_equal(flushes(0, 0, 0, SIRTP), 0);
	assert_int_equal(flushes(BIT(62), 0, 0, SIRTP), VTD_FX_FLUSH_IR);
	assert_int_equal(flushes(BIT(62), 0, 0, IRE), 0);
	assert_int_equal(flushes(BIT(62), 0, IRE, 0), VTD_FX_FLUSH_IR);
	assert_int_equal(flushes(0, 0, IRE, 0), 0);
}

/* Latches */

static void test_root_takes_effect_at_srtp(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write64(&r, RTADDR, 0x12345400);
	assert_int_equal(vtd_regfile_root(&r.rf), 0);
	write32(&r, GCMD, SRTP);
	assert_int_equal(vtd_regfile_root(&r.rf), 0x12345400);
	/* a later write waits for the next SRTP */
	write64(&r, RTADDR, 0x99999400);
	assert_int_equal(vtd_regfile_root(&r.rf), 0x12345400);
	vtd_regfile_complete_gcmd(&r.rf, VTD_FX_ROOT_LATCH);
	assert_int_equal(vtd_regfile_root(&r.rf), 0x12345400);
	assert_int_equal(read64(&r, RTADDR), 0x99999400);
	run_gcmd(&r, SRTP, VTD_FX_ROOT_LATCH);
	assert_int_equal(vtd_regfile_root(&r.rf), 0x99999400);
}

static void test_interrupt_table_takes_effect_at_sirtp(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write64(&r, IRTA, 0x7777800f);
	assert_int_equal(vtd_regfile_irta(&r.rf), 0);
	run_gcmd(&r, SIRTP, VTD_FX_IRT_LATCH);
	assert_int_equal(vtd_regfile_irta(&r.rf), 0x7777800f);
}

/* Virtual command */

static void test_vcmd_allocate_and_free(void **state)
{
	struct registers r;
	unsigned command;
	uint64_t operand;
	(void)state;

	setup(&r);
	write64(&r, VCMD, 1);
	assert_int_equal(r.fx.what, VTD_FX_VCMD);
	assert_int_equal(read64(&r, VCRSP), 1); /* IP */
	vtd_regfile_vcmd(&r.rf, &command, &operand);
	assert_int_equal(command, 1);
	vtd_regfile_complete_vcmd(&r.rf, VTD_VCMD_OK, 0xabcde);
	/* VCRSP 35:16 is the PASID */
	assert_int_equal(read64(&r, VCRSP), FIELD(0xabcde, 16));
	/* VCMD 35:16 is the PASID to free; the old response is gone at once */
	write64(&r, VCMD, 2 | FIELD(0xabcde, 16));
	assert_int_equal(read64(&r, VCRSP), 1);
	vtd_regfile_vcmd(&r.rf, &command, &operand);
	assert_int_equal(command, 2);
	assert_int_equal(operand, 0xabcde);
	vtd_regfile_complete_vcmd(&r.rf, VTD_VCMD_INVALID_PASID, 0);
	assert_int_equal(read64(&r, VCRSP), 16 << 1);
	/* a completion too many changes nothing */
	vtd_regfile_complete_vcmd(&r.rf, VTD_VCMD_OK, 5);
	assert_int_equal(read64(&r, VCRSP), 16 << 1);
}

static void test_vcmd_writes_while_in_progress_are_dropped(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write64(&r, 0xe08, 0x1111);
	write64(&r, VCMD, 1);
	write64(&r, VCMD, 2 | FIELD(7, 16));
	assert_int_equal(r.fx.what, 0);
	write32(&r, VCMD + 4, 0x55);
	write64(&r, 0xe08, 0x2222);
	assert_int_equal(read64(&r, VCMD), 1);
	assert_int_equal(read64(&r, 0xe08), 0x1111);
	vtd_regfile_complete_vcmd(&r.rf, VTD_VCMD_NO_PASID, 0);
	write64(&r, 0xe08, 0x2222);
	assert_int_equal(read64(&r, 0xe08), 0x2222);
}

/* By halves: the operand's upper part first, the half with CMD starts it. */
static void test_vcmd_by_halves(void **state)
{
	struct registers r;
	unsigned command;
	uint64_t operand;
	(void)state;

	setup(&r);
	write32(&r, VCMD + 4, 0xf);
	assert_int_equal(r.fx.what, 0);
	assert_int_equal(read64(&r, VCRSP), 0);
	write32(&r, VCMD, 0xabcd0002);
	assert_int_equal(r.fx.what, VTD_FX_VCMD);
	vtd_regfile_vcmd(&r.rf, &command, &operand);
	assert_int_equal(operand, 0xfabcd);
}

static void check_vcmd_undefined(uint64_t vccap, uint64_t command, bool undefined)
{
	struct vtd_regfile_config config = full_config();
	struct registers r;

	config.vccap = vccap;
	registers_init(&r, config);
	assert_int_equal(read64(&r, 0xe30), vccap);
	write64(&r, VCMD, command);
	assert_int_equal(r.fx.what, undefined ? 0 : VTD_FX_VCMD);
	assert_int_equal(read64(&r, VCRSP), undefined ? 1 << 1 : 1);
}

/* VCCAP: 0 null, 1 allocate, 2 free. Status 1 for anything else. */
static void test_vcmd_undefined_commands(void **state)
{
	(void)state;
	for (unsigned command = 0; command < 256; command++)
		check_vcmd_undefined(7, command, command > 2);
	check_vcmd_undefined(6, 0, true);
	check_vcmd_undefined(6, 1, false);
	check_vcmd_undefined(5, 1, true);
	check_vcmd_undefined(3, 2, true);
	check_vcmd_undefined(3, 1, false);
}

/* Register-based invalidation */

static void test_context_command(void **state)
{
	const uint64_t request = BIT(63) | FIELD(3, 61) | FIELD(2, 32) | FIELD(0xabcd, 16) | 0x1234;
	struct registers r;
	(void)state;

	setup(&r);
	write64(&r, CCMD, request);
	assert_int_equal(r.fx.what, VTD_FX_CCMD);
	assert_int_equal(vtd_regfile_ccmd(&r.rf), request);
	/* SID and FM are write-only */
	assert_int_equal(read64(&r, CCMD), BIT(63) | FIELD(3, 61) | 0x1234);
	/* busy: dropped */
	write64(&r, CCMD, BIT(63) | FIELD(1, 61));
	assert_int_equal(r.fx.what, 0);
	vtd_regfile_complete_ccmd(&r.rf, VTD_REQ_GLOBAL);
	assert_int_equal(read64(&r, CCMD), FIELD(3, 61) | FIELD(1, 59) | 0x1234);
	/* without ICC nothing starts */
	write64(&r, CCMD, FIELD(1, 61));
	assert_int_equal(r.fx.what, 0);
}

static void test_context_command_by_halves(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write32(&r, CCMD, 0x1234);
	assert_int_equal(r.fx.what, 0);
	write32(&r, CCMD + 4, BIT(31) | FIELD(2, 29));
	assert_int_equal(r.fx.what, VTD_FX_CCMD);
	assert_int_equal(vtd_regfile_ccmd(&r.rf), BIT(63) | FIELD(2, 61) | 0x1234);
}

static void test_iotlb_command(void **state)
{
	const uint64_t request = BIT(63) | FIELD(3, 60) | BIT(49) | BIT(48) | FIELD(0x1234, 32);
	struct registers r;
	(void)state;

	setup(&r);
	write64(&r, IVA, 0xabc000 | BIT(6) | 5);
	assert_int_equal(read64(&r, IVA), 0); /* write-only */
	write64(&r, IOTLB, request);
	assert_int_equal(r.fx.what, VTD_FX_IOTLB);
	assert_int_equal(vtd_regfile_iva(&r.rf), 0xabc000 | BIT(6) | 5);
	assert_int_equal(vtd_regfile_iotlb(&r.rf), request);
	write64(&r, IVA, 0);
	assert_int_equal(vtd_regfile_iva(&r.rf), 0xabc000 | BIT(6) | 5);
	vtd_regfile_complete_iotlb(&r.rf, VTD_REQ_DOMAIN);
	assert_int_equal(read64(&r, IOTLB), (request & ~BIT(63)) | FIELD(2, 57));
}

/* The result 00b, at once. */
static void check_refused_invalidation(struct registers *r)
{
	write64(r, CCMD, BIT(63) | FIELD(1, 61));
	assert_int_equal(r->fx.what, 0);
	assert_int_equal(read64(r, CCMD), FIELD(1, 61));
	write64(r, IOTLB, BIT(63) | FIELD(1, 60));
	assert_int_equal(r->fx.what, 0);
	assert_int_equal(read64(r, IOTLB), FIELD(1, 60));
}

static void test_register_invalidation_is_of_legacy_mode(void **state)
{
	struct vtd_regfile_config config = full_config();
	struct registers r;
	(void)state;

	setup(&r);
	write64(&r, RTADDR, 0x1400); /* scalable: when latched */
	write64(&r, CCMD, BIT(63) | FIELD(1, 61));
	assert_int_equal(r.fx.what, VTD_FX_CCMD);
	vtd_regfile_complete_ccmd(&r.rf, VTD_REQ_GLOBAL);
	run_gcmd(&r, SRTP, VTD_FX_ROOT_LATCH);
	check_refused_invalidation(&r);
	/* with the queue on */
	setup(&r);
	run_gcmd(&r, QIE, VTD_FX_QIE);
	check_refused_invalidation(&r);
	/* from major version 6 on */
	config.ver = 0x60;
	registers_init(&r, config);
	check_refused_invalidation(&r);
	config.ver = 0x5f;
	registers_init(&r, config);
	write64(&r, CCMD, BIT(63) | FIELD(1, 61));
	assert_int_equal(r.fx.what, VTD_FX_CCMD);
}

static void test_reserved_granularity(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write64(&r, CCMD, BIT(63));
	assert_int_equal(r.fx.what, 0);
	assert_int_equal(read64(&r, CCMD), 0);
	write64(&r, IOTLB, BIT(63));
	assert_int_equal(r.fx.what, 0);
	assert_int_equal(read64(&r, IOTLB), 0);
}

static void test_iotlb_command_beside_context_command(void **state)
{
	struct registers r;
	(void)state;

	setup(&r);
	write64(&r, CCMD, BIT(63) | FIELD(1, 61));
	write64(&r, IOTLB, BIT(63) | FIELD(1, 60));
	assert_int_equal(r.fx.what, 0);
	assert_int_equal(read64(&r, IOTLB), FIELD(1, 60));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level_commands),
		cmocka_unit_test(test_pointer_commands),
		cmocka_unit_test(test_write_buffer_flush),
		cmocka_unit_test(test_one_command_at_a_time),
		cmocka_unit_test(test_two_changes_in_one_write_are_refused),
		cmocka_unit_test(test_one_shot_beside_unchanged_levels),
		cmocka_unit_test(test_unsupported_commands_do_nothing),
		cmocka_unit_test(test_completion_of_nothing),
		cmocka_unit_test(test_wanted_state_while_pending),
		cmocka_unit_test(test_commands_that_invalidate),
		cmocka_unit_test(test_root_takes_effect_at_srtp),
		cmocka_unit_test(test_interrupt_table_takes_effect_at_sirtp),
		cmocka_unit_test(test_vcmd_allocate_and_free),
		cmocka_unit_test(test_vcmd_writes_while_in_progress_are_dropped),
		cmocka_unit_test(test_vcmd_by_halves),
		cmocka_unit_test(test_vcmd_undefined_commands),
		cmocka_unit_test(test_context_command),
		cmocka_unit_test(test_context_command_by_halves),
		cmocka_unit_test(test_iotlb_command),
		cmocka_unit_test(test_register_invalidation_is_of_legacy_mode),
		cmocka_unit_test(test_reserved_granularity),
		cmocka_unit_test(test_iotlb_command_beside_context_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
