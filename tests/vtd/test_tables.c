/* SPDX-License-Identifier: MIT */
/* Table entries: widths, indices, and what is reserved in which unit. */
#include "unit.h"

#include <string.h>

#include "vtd/tables.h"

#define BIT(n) (UINT64_C(1) << (n))

/* capabilities by bit number, VT-d 11.4 */
#define ECAP_DT      BIT(2)
#define ECAP_SC      BIT(7)
#define ECAP_MTS     BIT(25)
#define ECAP_PRS     BIT(29)
#define ECAP_SRS     BIT(31)
#define ECAP_EAFS    BIT(34)
#define ECAP_PASID   BIT(40)
#define ECAP_SSADS   BIT(45)
#define ECAP_SSTS    BIT(46)
#define ECAP_SMPWC   BIT(48)
#define ECAP_RPS     BIT(49)
#define ECAP_RPRIVS  BIT(53)
#define CAP_SSLPS_2M BIT(34)
#define CAP_SSLPS_1G BIT(35)
#define CAP_FS1GP    BIT(56)

#define ABOVE_46 UINT64_C(0xffffc00000000000) /* address bits 63:46 */

static const struct vtd_rules full = {.cap = UINT64_MAX, .ecap = UINT64_MAX, .haw = 46};

static struct vtd_rules without_ecap(uint64_t bits)
{
	return (struct vtd_rules){.cap = UINT64_MAX, .ecap = ~bits, .haw = 46};
}

static struct vtd_rules without_cap(uint64_t bits)
{
	return (struct vtd_rules){.cap = ~bits, .ecap = UINT64_MAX, .haw = 46};
}

static void test_width_encodings(void **state)
{
	static const unsigned levels[] = {0, 3, 4, 5}, widths[] = {0, 39, 48, 57};
	(void)state;

	for (unsigned aw = 1; aw <= 3; aw++) {
		assert_int_equal(vtd_aw_levels(aw), levels[aw]);
		assert_int_equal(vtd_aw_width(aw), widths[aw]);
		assert_int_equal(vtd_width_to_aw(widths[aw]), aw);
		assert_int_equal(vtd_levels_width(levels[aw]), widths[aw]);
		/* SAGAW is bits 12:8 of CAP; bit 9 is 39-bit */
		assert_true(vtd_aw_is_supported(aw, BIT(8 + aw)));
		assert_false(vtd_aw_is_supported(aw, ~BIT(8 + aw)));
	}
	for (unsigned aw = 0; aw < 8; aw++)
		assert_int_equal(vtd_aw_is_valid(aw), aw >= 1 && aw <= 3);
	assert_false(vtd_aw_is_supported(0, UINT64_MAX));
	assert_false(vtd_aw_is_supported(4, UINT64_MAX));
	assert_int_equal(vtd_fspm_levels(0), 4);
	assert_int_equal(vtd_fspm_levels(1), 5);
}

static void test_second_stage_input_limit(void **state)
{
	(void)state;
	/* min(MGAW + 1, width) */
	assert_int_equal(vtd_ss_input_bits(UINT64_C(45) << 16, 2), 46);
	assert_int_equal(vtd_ss_input_bits(UINT64_C(56) << 16, 2), 48);
	assert_int_equal(vtd_ss_input_bits(UINT64_C(56) << 16, 1), 39);
	assert_true(vtd_fits(BIT(46) - 1, 46));
	assert_false(vtd_fits(BIT(46), 46));
	assert_true(vtd_fits(UINT64_MAX, 64));
}

static void test_canonical_addresses(void **state)
{
	(void)state;
	assert_true(vtd_is_canonical(0, 48));
	assert_true(vtd_is_canonical(0x00007fffffffffff, 48));
	assert_false(vtd_is_canonical(0x0000800000000000, 48));
	assert_false(vtd_is_canonical(0xffff7fffffffffff, 48));
	assert_true(vtd_is_canonical(0xffff800000000000, 48));
	assert_true(vtd_is_canonical(UINT64_MAX, 48));
	assert_true(vtd_is_canonical(0x0000800000000000, 57));
	assert_true(vtd_is_canonical(0x00ffffffffffffff, 57));
	assert_false(vtd_is_canonical(0x0100000000000000, 57));
	assert_true(vtd_is_canonical(0xff00000000000000, 57));
	assert_false(vtd_is_canonical(0xfe00000000000000, 57));
}

static void test_levels(void **state)
{
	static const unsigned shifts[] = {0, 12, 21, 30, 39, 48};
	(void)state;

	for (unsigned level = 1; level <= 5; level++) {
		assert_int_equal(vtd_level_shift(level), shifts[level]);
		assert_int_equal(vtd_level_size(level), BIT(shifts[level]));
		assert_int_equal(vtd_level_index(UINT64_C(0x1a5) << shifts[level], level), 0x1a5);
		assert_int_equal(vtd_level_index(BIT(shifts[level] + 9), level), 0);
	}
	assert_int_equal(vtd_level_index(UINT64_MAX, 5), 511);
}

static void test_indices(void **state)
{
	(void)state;
	assert_int_equal(vtd_root_index(rid(0x6a01)), 0x6a);
	assert_int_equal(vtd_legacy_context_index(rid(0x6af8)), 0xf8);
	assert_false(vtd_context_is_upper(rid(0x6a7f)));
	assert_int_equal(vtd_context_index(rid(0x6a7f)), 0x7f);
	assert_true(vtd_context_is_upper(rid(0x6a80)));
	assert_int_equal(vtd_context_index(rid(0x6a80)), 0);
	assert_int_equal(vtd_pasid_dir_index(0xfffff), 0x3fff);
	assert_int_equal(vtd_pasid_table_index(0xfffff), 0x3f);
	assert_int_equal(vtd_pasid_dir_index(0x40), 1);
	/* directory 2^(PDTS+7), PASIDs to 2^(PDTS+13)-1 */
	assert_int_equal(vtd_pasid_dir_count(0), 128);
	assert_int_equal(vtd_pasid_dir_count(7), 16384);
	assert_int_equal(vtd_pasid_end(0), 0x2000);
	assert_int_equal(vtd_pasid_end(7), 0x100000);
}

static void test_root_entry_reserved(void **state)
{
	struct vtd_root_entry e = {{0x1, 0xffe}};
	(void)state;

	assert_int_equal(vtd_root_entry_half_reserved(&full), 0xffe | ABOVE_46);
	/* each half by itself */
	assert_false(vtd_root_entry_has_reserved(&e, false, &full));
	assert_true(vtd_root_entry_has_reserved(&e, true, &full));
	/* legacy: the whole upper half */
	assert_true(vtd_legacy_root_has_reserved(&e, &full));
	e.q[1] = 0;
	assert_false(vtd_legacy_root_has_reserved(&e, &full));
	e.q[0] = BIT(46);
	assert_true(vtd_legacy_root_has_reserved(&e, &full));
	e.q[0] = 0;
	e.q[1] = 1; /* UP is not of legacy mode */
	assert_true(vtd_legacy_root_has_reserved(&e, &full));
}

static void test_legacy_context_reserved(void **state)
{
	struct vtd_legacy_context mask =
		vtd_legacy_context_reserved_for(&full, VTD_TT_SECOND_STAGE);
	struct vtd_legacy_context e = {{0x1, 0}};
	(void)state;

	assert_int_equal(mask.q[0], 0xff0 | ABOVE_46);
	assert_int_equal(mask.q[1], 0xffffffffff000080);
	/* ignored: 70:67, and SSPTPTR under pass-through */
	e.q[1] = 0x78;
	assert_false(vtd_legacy_context_has_reserved(&e, &full));
	e.q[0] |= BIT(50);
	assert_true(vtd_legacy_context_has_reserved(&e, &full));
	e.q[0] |= 2u << 2;
	assert_false(vtd_legacy_context_has_reserved(&e, &full));
}

static void test_context_entry_reserved(void **state)
{
	static const struct {
		uint64_t missing;
		struct vtd_context_entry also;
	} cases[] = {
		{0, {{0}}},
		{ECAP_DT, {{BIT(2)}}},
		{ECAP_PASID, {{BIT(3)}}},
		{ECAP_PRS, {{BIT(4)}}},
		{ECAP_RPS, {{0, 0xfffff}}},
		{ECAP_RPRIVS, {{0, BIT(20)}}},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vtd_rules rules = without_ecap(cases[i].missing);
		struct vtd_context_entry mask = vtd_context_entry_reserved_for(&rules);

		/* 6:5 (HPTE, EPTR) are of features that no unit here has */
		assert_int_equal(mask.q[0], 0x1e0 | ABOVE_46 | cases[i].also.q[0]);
		assert_int_equal(mask.q[1], 0xffffffffffe00000 | cases[i].also.q[1]);
		assert_int_equal(mask.q[2], UINT64_MAX);
		assert_int_equal(mask.q[3], UINT64_MAX);
	}
}

static void test_context_entry_each_reserved_bit(void **state)
{
	struct vtd_context_entry mask = vtd_context_entry_reserved_for(&full);
	(void)state;

	for (unsigned n = 0; n < 256; n++) {
		struct vtd_context_entry e = {{0}};

		e.q[n / 64] = BIT(n % 64);
		assert_int_equal(vtd_context_entry_has_reserved(&e, &full),
				 (mask.q[n / 64] >> (n % 64)) & 1);
	}
}

static void test_pasid_dir_entry_reserved(void **state)
{
	struct vtd_pasid_dir_entry e = {{0x00003ffffffff003}};
	(void)state;

	assert_int_equal(vtd_pasid_dir_entry_reserved_for(&full), 0xffc | ABOVE_46);
	assert_false(vtd_pasid_dir_entry_has_reserved(&e, &full));
	e.q[0] |= 4;
	assert_true(vtd_pasid_dir_entry_has_reserved(&e, &full));
}

/* Always reserved: 5, 11:10, 86:80, 95:91, 129, 139:136, 255:192, and all from 256 on (HPT). */
static const uint64_t pasid_always[8] = {0xc20,      0xf87f0000, 0xf02,      UINT64_MAX,
					 UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

static void check_pasid_mask(struct vtd_rules rules, unsigned pgtt, unsigned word, uint64_t also)
{
	struct vtd_pasid_entry mask = vtd_pasid_entry_reserved_for(&rules, pgtt);

	assert_int_equal(mask.q[word], pasid_always[word] | also);
}

static void test_pasid_entry_reserved_in_a_full_unit(void **state)
{
	(void)state;
	/* first stage: SSPTPTR is ignored; FSPTPTR is a host address */
	check_pasid_mask(full, 1, 0, 0);
	check_pasid_mask(full, 1, 2, ABOVE_46);
	/* second stage: the other way round */
	check_pasid_mask(full, 2, 0, ABOVE_46);
	check_pasid_mask(full, 2, 2, 0);
	/* nested: both; FSPTPTR is a guest address and has another limit on top (SPT.4) */
	check_pasid_mask(full, 3, 0, ABOVE_46);
	check_pasid_mask(full, 3, 2, ABOVE_46);
	/* a reserved type ignores nothing */
	check_pasid_mask(full, 5, 0, ABOVE_46);
	check_pasid_mask(full, 5, 2, ABOVE_46);
	/* pass-through ignores both */
	check_pasid_mask(full, 4, 0, 0);
	check_pasid_mask(full, 4, 2, 0);
	for (unsigned word = 3; word < 8; word++)
		check_pasid_mask(full, 3, word, 0);
	check_pasid_mask(full, 3, 1, 0);
}

static void test_pasid_entry_reserved_without_features(void **state)
{
	(void)state;
	check_pasid_mask(without_ecap(ECAP_SMPWC), 1, 1, BIT(23));
	check_pasid_mask(without_ecap(ECAP_SC), 1, 1, BIT(24));
	/* CD always, EMTE only with a second stage */
	check_pasid_mask(without_ecap(ECAP_MTS), 1, 1, BIT(25));
	check_pasid_mask(without_ecap(ECAP_MTS), 2, 1, BIT(25) | BIT(26));
	check_pasid_mask(without_ecap(ECAP_MTS), 3, 1, BIT(25) | BIT(26));
	check_pasid_mask(without_ecap(ECAP_SRS), 4, 2, BIT(0));
	check_pasid_mask(without_ecap(ECAP_EAFS), 2, 2, BIT(7));
	check_pasid_mask(without_ecap(ECAP_SSADS), 2, 0, ABOVE_46 | BIT(9));
	check_pasid_mask(without_ecap(ECAP_SSADS), 1, 0, 0);
	check_pasid_mask(without_ecap(ECAP_SSTS), 3, 0, 0x1c | BIT(9) | ~UINT64_C(0xfff));
}

/* Linux writes AW in first-stage entries: ignored, also by a unit without a second stage. */
static void test_pasid_entry_first_stage_ignores_aw(void **state)
{
	struct vtd_rules rules = without_ecap(ECAP_SSTS | ECAP_SSADS);
	struct vtd_pasid_entry e = {{1 | 2u << 2 | 1u << 6}};
	(void)state;

	assert_false(vtd_pasid_entry_has_reserved(&e, &rules));
	e.q[2] = 0x60; /* 134:133 are ignored */
	assert_false(vtd_pasid_entry_has_reserved(&e, &rules));
	e.q[0] = 1 | 2u << 2 | 2u << 6;
	assert_true(vtd_pasid_entry_has_reserved(&e, &rules));
}

static void test_pasid_entry_each_reserved_bit(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 512; n++) {
		struct vtd_pasid_entry e = {{0}}, mask;

		if (n >= 6 && n <= 8)
			continue; /* PGTT */
		e.q[0] = 1 | 3u << 6;
		mask = vtd_pasid_entry_reserved_for(&full, 3);
		e.q[n / 64] |= BIT(n % 64);
		assert_int_equal(vtd_pasid_entry_has_reserved(&e, &full),
				 (mask.q[n / 64] >> (n % 64)) & 1);
	}
}

/* 51:46 are above the host's width */
#define PTE_ABOVE_46 UINT64_C(0x000fc00000000000)

static void test_first_stage_entry_reserved(void **state)
{
	struct vtd_rules no_1g = without_cap(CAP_FS1GP);
	(void)state;

	assert_int_equal(vtd_fs_pte_reserved(&full, 5, false), PTE_ABOVE_46 | BIT(7));
	assert_int_equal(vtd_fs_pte_reserved(&full, 4, false), PTE_ABOVE_46 | BIT(7));
	assert_int_equal(vtd_fs_pte_reserved(&full, 3, false), PTE_ABOVE_46);
	assert_int_equal(vtd_fs_pte_reserved(&full, 2, false), PTE_ABOVE_46);
	assert_int_equal(vtd_fs_pte_reserved(&full, 1, true), PTE_ABOVE_46);
	/* 1 GiB: 29:13; 2 MiB: 20:13; bit 12 is PAT */
	assert_int_equal(vtd_fs_pte_reserved(&full, 3, true), PTE_ABOVE_46 | 0x3fffe000);
	assert_int_equal(vtd_fs_pte_reserved(&full, 2, true), PTE_ABOVE_46 | 0x1fe000);
	assert_int_equal(vtd_fs_pte_reserved(&no_1g, 3, true), PTE_ABOVE_46 | 0x3fffe000 | BIT(7));
	assert_int_equal(vtd_fs_pte_reserved(&no_1g, 2, true), PTE_ABOVE_46 | 0x1fe000);
}

static void test_second_stage_entry_reserved(void **state)
{
	const uint64_t base = PTE_ABOVE_46 | BIT(62);
	struct vtd_rules no_sc = without_ecap(ECAP_SC);
	struct vtd_rules no_2m = without_cap(CAP_SSLPS_2M), no_1g = without_cap(CAP_SSLPS_1G);
	(void)state;

	assert_int_equal(vtd_ss_pte_reserved(&full, 5, false), base | BIT(11) | BIT(7));
	assert_int_equal(vtd_ss_pte_reserved(&full, 4, false), base | BIT(11) | BIT(7));
	assert_int_equal(vtd_ss_pte_reserved(&full, 3, false), base | BIT(11));
	assert_int_equal(vtd_ss_pte_reserved(&full, 2, false), base | BIT(11));
	assert_int_equal(vtd_ss_pte_reserved(&full, 1, true), base);
	assert_int_equal(vtd_ss_pte_reserved(&full, 2, true), base | 0x1ff000);
	assert_int_equal(vtd_ss_pte_reserved(&full, 3, true), base | 0x3ffff000);
	assert_int_equal(vtd_ss_pte_reserved(&no_sc, 1, true), base | BIT(11));
	assert_int_equal(vtd_ss_pte_reserved(&no_2m, 2, true), base | 0x1ff000 | BIT(7));
	assert_int_equal(vtd_ss_pte_reserved(&no_1g, 3, true), base | 0x3ffff000 | BIT(7));
}

static void test_paging_entry_host_width(void **state)
{
	struct vtd_rules wide = {.cap = UINT64_MAX, .ecap = UINT64_MAX, .haw = 52};
	struct vtd_rules narrow = {.cap = UINT64_MAX, .ecap = UINT64_MAX, .haw = 39};
	(void)state;

	assert_int_equal(vtd_fs_pte_reserved(&wide, 1, true), 0);
	assert_int_equal(vtd_fs_pte_reserved(&narrow, 1, true), 0x000fff8000000000);
}

static void test_leaves(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 5; level++) {
		/* PS is bit 7 in both stages; it has no meaning at level 1, 4 and 5 */
		assert_int_equal(vtd_fs_pte_is_leaf(0x81, level), level <= 3);
		assert_int_equal(vtd_ss_pte_is_leaf(0x81, level), level <= 3);
		assert_int_equal(vtd_fs_pte_is_leaf(0x01, level), level == 1);
		assert_int_equal(vtd_ss_pte_is_leaf(0x01, level), level == 1);
	}
	assert_false(vtd_ss_pte_is_present(~UINT64_C(3)));
	assert_true(vtd_ss_pte_is_present(1));
	assert_true(vtd_ss_pte_is_present(2));
	/* the address of a large leaf has neither PAT nor the bits inside the page */
	assert_int_equal(vtd_pte_address(0x8000123456789fff, 1), 0x0000123456789000);
	assert_int_equal(vtd_pte_address(0xfff0123456789fff, 2), 0x0000123456600000);
	assert_int_equal(vtd_pte_address(0xfff0123456789fff, 3), 0x0000123440000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width_encodings),
		cmocka_unit_test(test_second_stage_input_limit),
		cmocka_unit_test(test_canonical_addresses),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_root_entry_reserved),
		cmocka_unit_test(test_legacy_context_reserved),
		cmocka_unit_test(test_context_entry_reserved),
		cmocka_unit_test(test_context_entry_each_reserved_bit),
		cmocka_unit_test(test_pasid_dir_entry_reserved),
		cmocka_unit_test(test_pasid_entry_reserved_in_a_full_unit),
		cmocka_unit_test(test_pasid_entry_reserved_without_features),
		cmocka_unit_test(test_pasid_entry_first_stage_ignores_aw),
		cmocka_unit_test(test_pasid_entry_each_reserved_bit),
		cmocka_unit_test(test_first_stage_entry_reserved),
		cmocka_unit_test(test_second_stage_entry_reserved),
		cmocka_unit_test(test_paging_entry_host_width),
		cmocka_unit_test(test_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
