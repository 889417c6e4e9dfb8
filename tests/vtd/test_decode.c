/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: every type valid, every reserved bit, every mode and width. Descriptors are written
 * here as numbers, from the tables of VT-d 6.5.2.
 */
#include "unit.h"

#include <string.h>

#include "vtd/decode.h"

#define BIT(n)        (UINT64_C(1) << (n))
#define FIELD(v, lsb) ((uint64_t)(v) << (lsb))

#define LEGACY   0
#define SCALABLE 1
#define ABORT    3

#define DT   BIT(2)
#define IR   BIT(3)
#define PRS  BIT(29)
#define PDS  BIT(42)
#define SMTS BIT(43)
#define ADMS BIT(52)

/* ND=6 (16-bit ids), PSI, MAMV=18; MHMV=15 */
#define CAP  (6 | BIT(39) | FIELD(18, 48))
#define ECAP (BIT(1) | DT | IR | FIELD(15, 20) | PRS | BIT(40) | PDS | SMTS | ADMS)

static struct vtd_decode_rules rules_of(uint64_t ttm, bool is_wide)
{
	return (struct vtd_decode_rules){.is_wide = is_wide, .ttm = ttm, .cap = CAP, .ecap = ECAP};
}

static int decode(struct vtd_decode_rules rules, uint64_t q0, uint64_t q1, struct vtd_op *op)
{
	struct vtd_desc d = {{q0, q1, 0, 0}};

	memset(op, 0xa5, sizeof(*op));
	return vtd_decode_descriptor(&d, &rules, op);
}

static struct vtd_op decoded(uint64_t ttm, uint64_t q0, uint64_t q1)
{
	struct vtd_op op;

	assert_int_equal(decode(rules_of(ttm, true), q0, q1, &op), 0);
	return op;
}

static void refused(uint64_t q0, uint64_t q1, int iqei)
{
	struct vtd_op op;

	assert_int_equal(decode(rules_of(SCALABLE, true), q0, q1, &op), iqei);
}

/* Fields */

static void test_context_descriptor(void **state)
{
	/* device-selective, DID 0x1234, SID 0xabcd, FM 2 */
	const uint64_t q0 = 1 | FIELD(3, 4) | FIELD(0x1234, 16) | FIELD(0xabcd, 32) | FIELD(2, 48);
	struct vtd_op op = decoded(LEGACY, q0, 0);
	(void)state;

	assert_int_equal(op.type, VTD_DESC_CONTEXT);
	assert_int_equal(op.context.granularity, VTD_CONTEXT_DEVICE);
	assert_int_equal(op.context.did.v, 0x1234);
	assert_int_equal(op.context.sid.v, 0xabcd);
	/* FM 2 masks bits 2:1 */
	assert_int_equal(op.context.sid_mask, 0xfff9);
	assert_int_equal(decoded(LEGACY, q0 & ~FIELD(3, 48), 0).context.sid_mask, 0xffff);
	assert_int_equal(decoded(LEGACY, (q0 & ~FIELD(3, 48)) | FIELD(1, 48), 0).context.sid_mask,
			 0xfffb);
	assert_int_equal(decoded(LEGACY, q0 | FIELD(3, 48), 0).context.sid_mask, 0xfff8);
	assert_int_equal(decoded(LEGACY, 1 | FIELD(1, 4), 0).context.granularity,
			 VTD_CONTEXT_GLOBAL);
	refused(1, 0, 4); /* G=00 */
}

static void test_context_domain_is_global_in_scalable_mode(void **state)
{
	const uint64_t q0 = 1 | FIELD(2, 4) | FIELD(7, 16);
	(void)state;

	assert_int_equal(decoded(LEGACY, q0, 0).context.granularity, VTD_CONTEXT_DOMAIN);
	assert_int_equal(decoded(LEGACY, q0, 0).context.did.v, 7);
	assert_int_equal(decoded(SCALABLE, q0, 0).context.granularity, VTD_CONTEXT_GLOBAL);
}

static void test_iotlb_descriptor(void **state)
{
	const uint64_t q0 = 2 | FIELD(3, 4) | BIT(6) | FIELD(0xbeef, 16);
	struct vtd_op op = decoded(SCALABLE, q0, 0x0000123456789000 | 4 | BIT(6));
	(void)state;

	assert_int_equal(op.type, VTD_DESC_IOTLB);
	assert_int_equal(op.iotlb.granularity, VTD_IOTLB_PAGE);
	assert_true(op.iotlb.drain_writes);
	assert_false(op.iotlb.drain_reads);
	assert_true(op.iotlb.ih);
	assert_int_equal(op.iotlb.am, 4);
	assert_int_equal(op.iotlb.did.v, 0xbeef);
	/* the low AM bits of the page number are ignored */
	assert_int_equal(op.iotlb.addr, 0x0000123456780000);
	assert_int_equal(decoded(SCALABLE, 2 | FIELD(1, 4), 0).iotlb.granularity, VTD_IOTLB_GLOBAL);
	assert_int_equal(decoded(SCALABLE, 2 | FIELD(2, 4), 0).iotlb.granularity, VTD_IOTLB_DOMAIN);
	refused(2, 0, 4);
}

static void test_iotlb_address_mask_limit(void **state)
{
	const uint64_t page = 2 | FIELD(3, 4);
	struct vtd_decode_rules no_psi = rules_of(SCALABLE, true);
	struct vtd_op op;
	(void)state;

	assert_int_equal(decoded(SCALABLE, page, 18).iotlb.am, 18);
	refused(page, 19, 4); /* MAMV */
	/* not page-selective: AM does not matter */
	assert_int_equal(decoded(SCALABLE, 2 | FIELD(2, 4), 63).iotlb.granularity,
			 VTD_IOTLB_DOMAIN);
	/* PSI=0: the whole domain */
	no_psi.cap &= ~BIT(39);
	assert_int_equal(decode(no_psi, page, 63, &op), 0);
	assert_int_equal(op.iotlb.granularity, VTD_IOTLB_DOMAIN);
}

static void test_device_tlb_descriptor(void **state)
{
	const uint64_t q0 =
		3 | FIELD(0xd, 12) | FIELD(17, 16) | FIELD(0x0510, 32) | FIELD(0xabc, 52);
	struct vtd_op op = decoded(SCALABLE, q0, 0x5000);
	(void)state;

	assert_int_equal(op.type, VTD_DESC_DEV_TLB);
	assert_int_equal(op.dev_tlb.sid.v, 0x0510);
	assert_int_equal(op.dev_tlb.pfsid.v, 0xabcd);
	assert_int_equal(op.dev_tlb.mip, 17);
	assert_int_equal(op.dev_tlb.addr, 0x5000);
	assert_int_equal(op.dev_tlb.size_lg2, 12);
}

/* ADDR with S=1, first address, lg2 of the size */
static const struct {
	uint64_t addr, first;
	unsigned size_lg2;
} size_bit[] = {
	{0x0, 0, 13},
	{0x10002000, 0x10002000, 13},
	{0x10001000, 0x10000000, 14},
	{0x10003000, 0x10000000, 15},
	{0x10007000, 0x10000000, 16},
	{0x100ff000, 0x10000000, 21},
	{0x8000000000000000, 0x8000000000000000, 13},
	{0x3ffffffffffff000, 0, 63},
	{0xbffffffffffff000, 0x8000000000000000, 63},
	{0x7ffffffffffff000, 0, 64},
	{0xfffffffffffff000, 0, 64},
};

static void test_device_tlb_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(size_bit) / sizeof(size_bit[0]); i++) {
		struct vtd_op op = decoded(SCALABLE, 3, size_bit[i].addr | 1);

		assert_int_equal(op.dev_tlb.addr, size_bit[i].first);
		assert_int_equal(op.dev_tlb.size_lg2, size_bit[i].size_lg2);
		/* the PASID-based one has S in bit 75 */
		op = decoded(SCALABLE, 8, size_bit[i].addr | BIT(11));
		assert_int_equal(op.pasid_dev_tlb.addr, size_bit[i].first);
		assert_int_equal(op.pasid_dev_tlb.size_lg2, size_bit[i].size_lg2);
	}
}

static void test_device_tlb_encoding_round_trip(void **state)
{
	const uint64_t address = 0x123456789abcd000;
	(void)state;

	for (unsigned lg2 = 0; lg2 <= 52; lg2++) {
		bool s;
		uint64_t addr = vtd_size_bit_address(address, lg2, &s);
		struct vtd_range range = vtd_range_of_size_bit(addr, s);
		struct vtd_range expected = vtd_range_of_mask(address, lg2);

		assert_int_equal(s, lg2 > 0);
		assert_int_equal(addr & 0xfff, 0);
		assert_int_equal(range.first, expected.first);
		assert_int_equal(range.last, expected.last);
	}
	assert_int_equal(VTD_DEVICE_TLB_ALL, 0x7ffffffffffff000);
}

static void test_range_of_mask(void **state)
{
	struct vtd_range range = vtd_range_of_mask(0x12345000, 4);
	(void)state;

	assert_int_equal(range.first, 0x12340000);
	assert_int_equal(range.last, 0x1234ffff);
	range = vtd_range_of_mask(0xfffffffffffff000, 0);
	assert_int_equal(range.first, 0xfffffffffffff000);
	assert_int_equal(range.last, UINT64_MAX);
	for (unsigned am = 52; am < 64; am++) {
		range = vtd_range_of_mask(0x12345000, am);
		assert_int_equal(range.first, 0);
		assert_int_equal(range.last, UINT64_MAX);
	}
}

static void test_iec_descriptor(void **state)
{
	struct vtd_op op = decoded(SCALABLE, 4 | BIT(4) | FIELD(15, 27) | FIELD(0x8765, 32), 0);
	(void)state;

	assert_int_equal(op.type, VTD_DESC_IEC);
	assert_int_equal(op.iec.granularity, VTD_IEC_INDEX);
	assert_int_equal(op.iec.index, 0x8765);
	assert_int_equal(op.iec.im, 15);
	assert_int_equal(decoded(SCALABLE, 4, 0).iec.granularity, VTD_IEC_GLOBAL);
	refused(4 | BIT(4) | FIELD(16, 27), 0, 4); /* MHMV */
}

static void test_wait_descriptor(void **state)
{
	struct vtd_op op =
		decoded(SCALABLE, 5 | BIT(4) | BIT(7) | FIELD(0xdeadbeef, 32), 0x12345674);
	struct vtd_decode_rules no_pds = rules_of(SCALABLE, true);
	(void)state;

	assert_int_equal(op.type, VTD_DESC_WAIT);
	assert_true(op.wait.interrupt);
	assert_false(op.wait.status_write);
	assert_false(op.wait.fence);
	assert_true(op.wait.drain);
	assert_int_equal(op.wait.status_data, 0xdeadbeef);
	assert_int_equal(op.wait.status_addr, 0x12345674);
	op = decoded(SCALABLE, 5 | BIT(5) | BIT(6), 0xfffffffffffffffc);
	assert_false(op.wait.interrupt);
	assert_true(op.wait.status_write);
	assert_true(op.wait.fence);
	assert_int_equal(op.wait.status_addr, 0xfffffffffffffffc);
	/* neither interrupt nor status nor fence is legal */
	decoded(SCALABLE, 5, 0);
	no_pds.ecap &= ~PDS;
	assert_int_equal(decode(no_pds, 5 | BIT(7), 0, &op), 4);
	assert_int_equal(decode(no_pds, 5 | BIT(5), 0, &op), 0);
}

static void test_pasid_iotlb_descriptor(void **state)
{
	const uint64_t q0 = 6 | FIELD(3, 4) | FIELD(0x1234, 16) | FIELD(0xabcde, 32);
	struct vtd_op op = decoded(SCALABLE, q0, 0x00007f0012345000 | BIT(6) | 9);
	(void)state;

	assert_int_equal(op.type, VTD_DESC_PASID_IOTLB);
	assert_int_equal(op.pasid_iotlb.granularity, VTD_PASID_IOTLB_PAGE);
	assert_int_equal(op.pasid_iotlb.did.v, 0x1234);
	assert_int_equal(op.pasid_iotlb.pasid, 0xabcde);
	assert_int_equal(op.pasid_iotlb.am, 9);
	assert_true(op.pasid_iotlb.ih);
	assert_int_equal(op.pasid_iotlb.addr, 0x00007f0012200000);
	/* AM does not depend on MAMV */
	assert_int_equal(decoded(SCALABLE, q0, 63).pasid_iotlb.am, 63);
	assert_int_equal(decoded(SCALABLE, 6 | FIELD(2, 4), 0).pasid_iotlb.granularity,
			 VTD_PASID_IOTLB_PASID);
	refused(6, 0, 4);
	refused(6 | FIELD(1, 4), 0, 4);
}

static void test_pasid_cache_descriptor(void **state)
{
	struct vtd_op op =
		decoded(SCALABLE, 7 | FIELD(1, 4) | FIELD(9, 16) | FIELD(0xfffff, 32), 0);
	(void)state;

	assert_int_equal(op.type, VTD_DESC_PASID_CACHE);
	assert_int_equal(op.pasid_cache.granularity, VTD_PASID_CACHE_PASID);
	assert_int_equal(op.pasid_cache.did.v, 9);
	assert_int_equal(op.pasid_cache.pasid, 0xfffff);
	assert_int_equal(decoded(SCALABLE, 7, 0).pasid_cache.granularity, VTD_PASID_CACHE_DOMAIN);
	assert_int_equal(decoded(SCALABLE, 7 | FIELD(3, 4), 0).pasid_cache.granularity,
			 VTD_PASID_CACHE_GLOBAL);
	refused(7 | FIELD(2, 4), 0, 4);
}

static void test_domain_id_bits_above_the_supported_width_are_ignored(void **state)
{
	struct vtd_decode_rules narrow = rules_of(SCALABLE, true);
	struct vtd_op op;
	(void)state;

	narrow.cap = (narrow.cap & ~UINT64_C(7)) | 2; /* 8-bit ids */
	assert_int_equal(decode(narrow, 7 | FIELD(0x1234, 16), 0, &op), 0);
	assert_int_equal(op.pasid_cache.did.v, 0x34);
}

static void test_pasid_device_tlb_descriptor(void **state)
{
	const uint64_t q0 = 8 | FIELD(21, 4) | FIELD(0xd, 12) | FIELD(0x0511, 16) |
			    FIELD(0x54321, 32) | FIELD(0xabc, 52);
	struct vtd_op op = decoded(SCALABLE, q0, 0x7000);
	(void)state;

	assert_int_equal(op.type, VTD_DESC_PASID_DEV_TLB);
	assert_int_equal(op.pasid_dev_tlb.sid.v, 0x0511);
	assert_int_equal(op.pasid_dev_tlb.pfsid.v, 0xabcd);
	assert_int_equal(op.pasid_dev_tlb.mip, 21);
	assert_int_equal(op.pasid_dev_tlb.pasid, 0x54321);
	assert_false(op.pasid_dev_tlb.global);
	assert_int_equal(op.pasid_dev_tlb.addr, 0x7000);
	assert_int_equal(op.pasid_dev_tlb.size_lg2, 12);
	assert_true(decoded(SCALABLE, q0, 1).pasid_dev_tlb.global);
}

static void test_page_response_descriptor(void **state)
{
	const uint64_t q0 = 9 | BIT(4) | FIELD(1, 12) | FIELD(0x0512, 16) | FIELD(0xabcde, 32);
	struct vtd_op op = decoded(SCALABLE, q0, FIELD(0x1a5, 3));
	(void)state;

	assert_int_equal(op.type, VTD_DESC_PAGE_RESPONSE);
	assert_int_equal(op.page_response.rid.v, 0x0512);
	assert_true(op.page_response.has_pasid);
	assert_int_equal(op.page_response.pasid, 0xabcde);
	assert_int_equal(op.page_response.prgi, 0x1a5);
	assert_int_equal(op.page_response.code, VTD_RESPONSE_INVALID);
	/* PASID is ignored if PP=0 */
	op = decoded(SCALABLE, q0 & ~BIT(4), 0);
	assert_false(op.page_response.has_pasid);
	assert_int_equal(op.page_response.pasid, 0);
	/* bit 66, once LPIG, is ignored: Linux 5.10 sets it */
	assert_int_equal(decoded(SCALABLE, q0, BIT(2)).page_response.prgi, 0);
	assert_int_equal(decoded(SCALABLE, q0 | FIELD(0xf, 12), 0).page_response.code, 0xf);
}

/* Reserved bits */

/* A valid descriptor of each type and its reserved bits, from the tables. */
static const struct {
	uint64_t q0, q1;
	uint64_t reserved0, reserved1;
	bool is_narrow_too;
} types[] = {
	{1 | FIELD(1, 4), 0, 0xfffc00000000f1c0, UINT64_MAX, true},
	{2 | FIELD(1, 4), 0, 0xffffffff0000f100, 0xf80, true},
	{3, 0, 0x000f0000ffe001f0, 0xffe, true},
	{4, 0, 0xffff000007fff1e0, UINT64_MAX, true},
	{5, 0, 0xfffff100, 0x3, true},
	{6 | FIELD(2, 4), 0, 0xfff000000000f1c0, 0xf80, false},
	{7, 0, 0xfff000000000f1c0, UINT64_MAX, false},
	{8, 0, 0, 0x7fe, false},
	{9, 0, 0xfff00000000001e0, 0xfffffffffffff003, false},
};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

/* Flip every bit of the valid descriptor. Type and granularity bits have tests of their own. */
static void check_each_bit(size_t type, struct vtd_decode_rules rules)
{
	const uint64_t type_bits = 0xe0f | (type < 2 || type == 5 || type == 6 ? 0x30 : 0);

	for (unsigned n = 0; n < 256; n++) {
		struct vtd_desc d = {{types[type].q0, types[type].q1, 0, 0}};
		uint64_t reserved[4] = {types[type].reserved0, types[type].reserved1, UINT64_MAX,
					UINT64_MAX};
		struct vtd_op op;
		bool is_reserved = (reserved[n / 64] >> (n % 64)) & 1;

		if (n < 12 && (type_bits >> n & 1))
			continue;
		d.q[n / 64] ^= BIT(n % 64);
		/* of 16 bytes the second half is not there */
		if (!rules.is_wide && n >= 128)
			is_reserved = false;
		if (vtd_decode_descriptor(&d, &rules, &op) != (is_reserved ? 4 : 0))
			fail_msg("type %zu bit %u wide %d", type + 1, n, rules.is_wide);
	}
}

static void test_reserved_bits_of_every_type(void **state)
{
	(void)state;
	for (size_t type = 0; type < TYPE_COUNT; type++) {
		check_each_bit(type, rules_of(SCALABLE, true));
		check_each_bit(type, rules_of(ABORT, true));
		if (types[type].is_narrow_too) {
			check_each_bit(type, rules_of(LEGACY, true));
			check_each_bit(type, rules_of(LEGACY, false));
		}
	}
}

/* Types, modes, widths */

static void test_unknown_types(void **state)
{
	struct vtd_op op;
	(void)state;

	/* all 7 bits of the type: 3:0 and 11:9 */
	for (unsigned type = 0; type < 128; type++) {
		uint64_t q0 = (type & 0xf) | FIELD(type >> 4, 9);
		int iqei;

		if (type >= 1 && type <= TYPE_COUNT)
			q0 = types[type - 1].q0;
		iqei = decode(rules_of(SCALABLE, true), q0, 0, &op);
		assert_int_equal(iqei, type >= 1 && type <= 9 ? 0 : 3);
		iqei = decode(rules_of(LEGACY, true), q0, 0, &op);
		assert_int_equal(iqei, type >= 1 && type <= 5 ? 0 : 3);
		iqei = decode(rules_of(LEGACY, false), q0, 0, &op);
		assert_int_equal(iqei, type >= 1 && type <= 5 ? 0 : 3);
	}
}

static void test_types_of_missing_features(void **state)
{
	static const struct {
		uint64_t missing;
		unsigned type;
	} cases[] = {{DT, 3}, {DT, 8}, {IR, 4}, {PRS, 9}};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vtd_decode_rules rules = rules_of(SCALABLE, true);
		struct vtd_op op;

		rules.ecap &= ~cases[i].missing;
		assert_int_equal(decode(rules, types[cases[i].type - 1].q0, 0, &op), 3);
	}
}

static void check_mode(uint64_t ttm, bool is_wide, uint64_t missing, int iqei)
{
	struct vtd_decode_rules rules = rules_of(ttm, is_wide);
	struct vtd_op op;

	rules.ecap &= ~missing;
	assert_int_equal(decode(rules, 5, 0, &op), iqei);
}

static void test_modes_and_widths(void **state)
{
	(void)state;
	check_mode(LEGACY, false, 0, 0);
	check_mode(LEGACY, true, 0, 0);
	check_mode(SCALABLE, true, 0, 0);
	check_mode(ABORT, true, 0, 0);
	/* 5: a width that the mode does not have, or DW=1 without SMTS and ADMS */
	check_mode(SCALABLE, false, 0, 5);
	check_mode(ABORT, false, 0, 5);
	check_mode(LEGACY, true, SMTS | ADMS, 5);
	check_mode(LEGACY, true, SMTS, 0);
	check_mode(LEGACY, true, ADMS, 0);
	check_mode(LEGACY, false, SMTS | ADMS, 0);
	/* 7: a mode that there is not */
	check_mode(2, true, 0, 7);
	check_mode(2, false, 0, 7);
	check_mode(SCALABLE, true, SMTS, 7);
	check_mode(ABORT, true, ADMS, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_context_descriptor),
		cmocka_unit_test(test_context_domain_is_global_in_scalable_mode),
		cmocka_unit_test(test_iotlb_descriptor),
		cmocka_unit_test(test_iotlb_address_mask_limit),
		cmocka_unit_test(test_device_tlb_descriptor),
		cmocka_unit_test(test_device_tlb_sizes),
		cmocka_unit_test(test_device_tlb_encoding_round_trip),
		cmocka_unit_test(test_range_of_mask),
		cmocka_unit_test(test_iec_descriptor),
		cmocka_unit_test(test_wait_descriptor),
		cmocka_unit_test(test_pasid_iotlb_descriptor),
		cmocka_unit_test(test_pasid_cache_descriptor),
		cmocka_unit_test(test_domain_id_bits_above_the_supported_width_are_ignored),
		cmocka_unit_test(test_pasid_device_tlb_descriptor),
		cmocka_unit_test(test_page_response_descriptor),
		cmocka_unit_test(test_reserved_bits_of_every_type),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_types_of_missing_features),
		cmocka_unit_test(test_modes_and_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
