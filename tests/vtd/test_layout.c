/* SPDX-License-Identifier: MIT */
/* Every field of every layout: where its bits lie, and that setting one changes nothing else. */
#include "unit.h"

#include <string.h>

#include "vtd/descriptors.h"
#include "vtd/enqcmd.h"
#include "vtd/faults.h"
#include "vtd/print.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

#define WORDS_MAX 8

static unsigned bit_at(const uint64_t *words, unsigned n)
{
	return (unsigned)(words[n / 64] >> (n % 64)) & 1;
}

/* Bits hi:lo of `after` are `bits`, the others as before. Bit by bit: no mask is trusted. */
static void check_bits(const uint64_t *before, const uint64_t *after, unsigned count, unsigned hi,
		       unsigned lo, uint64_t bits)
{
	for (unsigned n = 0; n < count * 64; n++) {
		if (n >= lo && n <= hi)
			assert_int_equal(bit_at(after, n), (bits >> (n - lo)) & 1);
		else
			assert_int_equal(bit_at(after, n), bit_at(before, n));
	}
}

static uint64_t ones(unsigned hi, unsigned lo)
{
	uint64_t value = 0;

	for (unsigned n = lo; n <= hi; n++)
		value = value << 1 | 1;
	return value;
}

/* what a field is set to: nothing, everything, and each bit alone */
static uint64_t sample(unsigned i, unsigned hi, unsigned lo)
{
	if (i == 0)
		return 0;
	return i == 1 ? ones(hi, lo) : UINT64_C(1) << (i - 2);
}

static void fill(uint64_t *words, unsigned count, unsigned pattern)
{
	static const uint64_t patterns[] = {0, UINT64_MAX, UINT64_C(0xa5a5a5a5a5a5a5a5)};

	for (unsigned i = 0; i < count; i++)
		words[i] = patterns[pattern];
}

/* get and set one field for all samples over all patterns; shift: an address stays in place */
#define ROUND_TRIP_STRUCTURE(p, n, hi, lo, shift)                                                  \
	for (unsigned pattern = 0; pattern < 3; pattern++)                                         \
		for (unsigned i = 0; i < (hi) - (lo) + 3u; i++) {                                  \
			p##_storage e, before;                                                     \
			uint64_t value = sample(i, hi, lo);                                        \
			fill(e.q, sizeof(e) / 8, pattern);                                         \
			before = e;                                                                \
			p##_set_##n(&e, value << (shift));                                         \
			check_bits(before.q, e.q, sizeof(e) / 8, hi, lo, value);                   \
			assert_int_equal(p##_##n(&e), value << (shift));                           \
		}
#define STRUCTURE_FIELD(p, n, hi, lo)   ROUND_TRIP_STRUCTURE(p, n, hi, lo, 0)
#define STRUCTURE_ADDRESS(p, n, hi, lo) ROUND_TRIP_STRUCTURE(p, n, hi, lo, (lo) % 64)
#define NOTHING(p, n, hi, lo)
#define ROUND_TRIP_ALL(p, storage, list, words) list(STRUCTURE_FIELD, STRUCTURE_ADDRESS, NOTHING, p)

#define ROUND_TRIP_REGISTER(r, n, hi, lo, shift)                                                   \
	for (unsigned pattern = 0; pattern < 3; pattern++)                                         \
		for (unsigned i = 0; i < (hi) - (lo) + 3u; i++) {                                  \
			uint64_t before, after, value = sample(i, hi, lo);                         \
			fill(&before, 1, pattern);                                                 \
			after = vtd_##r##_with_##n(before, value << (shift));                      \
			check_bits(&before, &after, 1, hi, lo, value);                             \
			assert_int_equal(vtd_##r##_##n(after), value << (shift));                  \
			assert_int_equal((uint64_t)VTD_##r##_##n, ones(hi, lo) << (lo));           \
		}
#define REGISTER_FIELD(r, n, hi, lo)   ROUND_TRIP_REGISTER(r, n, hi, lo, 0)
#define REGISTER_ADDRESS(r, n, hi, lo) ROUND_TRIP_REGISTER(r, n, hi, lo, lo)
#define ROUND_TRIP_FIELDS(r, bits, offset)                                                         \
	VTD_##r##_FIELDS(REGISTER_FIELD, REGISTER_ADDRESS, NOTHING, r)

static void test_table_fields_round_trip(void **state)
{
	(void)state;
	VTD_TABLE_STRUCTURES(ROUND_TRIP_ALL)
}

static void test_descriptor_fields_round_trip(void **state)
{
	(void)state;
	VTD_DESCRIPTOR_STRUCTURES(ROUND_TRIP_ALL)
	VTD_FAULT_STRUCTURES(ROUND_TRIP_ALL)
}

static void test_register_fields_round_trip(void **state)
{
	(void)state;
	VTD_FIXED_REGISTERS(ROUND_TRIP_FIELDS)
	VTD_RELOCATED_REGISTERS(ROUND_TRIP_FIELDS)
	VTD_PAGING_ENTRIES(ROUND_TRIP_FIELDS)
	VTD_ENQCMD_WORDS(ROUND_TRIP_FIELDS)
}

/* Reserved masks, written down from the tables of the specification. */
static const struct {
	const char *name;
	uint64_t words[WORDS_MAX];
} reserved[] = {
	{"vtd_root_entry", {0xffe, 0xffe}},
	{"vtd_legacy_root", {0xffe, UINT64_MAX}},
	{"vtd_legacy_context", {0xff0, 0xffffffffff000080}},
	{"vtd_context_entry", {0x180, 0xffffffffffe00000, UINT64_MAX, UINT64_MAX}},
	{"vtd_pasid_dir_entry", {0xffc}},
	{"vtd_pasid_entry",
	 {0xc20, 0xf87f0000, 0xf02, UINT64_MAX, 0xff8, 0xffffffffffff0000, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc", {0xfffffffffffff1f0, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_context", {0xfffc00000000f1c0, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_iotlb", {0xffffffff0000f100, 0xf80, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_dev_tlb", {0x000f0000ffe001f0, 0xffe, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_iec", {0xffff000007fff1e0, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_wait", {0xfffff100, 0x3, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_pasid_iotlb", {0xfff000000000f1c0, 0xf80, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_pasid_cache", {0xfff000000000f1c0, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_pasid_dev_tlb", {0, 0x7fe, UINT64_MAX, UINT64_MAX}},
	{"vtd_desc_page_response",
	 {0xfff00000000001e0, 0xfffffffffffff003, UINT64_MAX, UINT64_MAX}},
	{"vtd_page_request", {0xffc000000000fe00, 0, UINT64_MAX, UINT64_MAX}},
	{"vtd_fault_record", {0xfff, 0x0fff0000}},
	{"vtd_VER", {0xffffff00}},
	{"vtd_CAP", {0x060000400080e008}},
	{"vtd_ECAP", {0xfbc40001190c0020}},
	{"vtd_GCMD", {0x007fffff}},
	{"vtd_GSTS", {0x007fffff}},
	{"vtd_RTADDR", {0x3ff}},
	{"vtd_CCMD", {0x07fffffc00000000}},
	{"vtd_FSTS", {0xffff008c}},
	{"vtd_FECTL", {0x3fffffff}},
	{"vtd_FEDATA", {0xffff0000}},
	{"vtd_FEADDR", {0x3}},
	{"vtd_FEUADDR", {0}},
	{"vtd_PMEN", {0x7ffffffe}},
	{"vtd_PLMBASE", {0}},
	{"vtd_PLMLIMIT", {0}},
	{"vtd_PHMBASE", {0}},
	{"vtd_PHMLIMIT", {0}},
	{"vtd_IQH", {0xfffffffffff8000f}},
	{"vtd_IQT", {0xfffffffffff8000f}},
	{"vtd_IQA", {0x7f8}},
	{"vtd_ICS", {0xfffffffe}},
	{"vtd_IECTL", {0x3fffffff}},
	{"vtd_IEDATA", {0xffff0000}},
	{"vtd_IEADDR", {0x3}},
	{"vtd_IEUADDR", {0}},
	{"vtd_IQERCD", {0xfffffff0}},
	{"vtd_IRTA", {0x7f0}},
	{"vtd_PQH", {0xfffffffffff8001f}},
	{"vtd_PQT", {0xfffffffffff8001f}},
	{"vtd_PQA", {0xff8}},
	{"vtd_PRS", {0xfffffffc}},
	{"vtd_PECTL", {0x3fffffff}},
	{"vtd_PEDATA", {0xffff0000}},
	{"vtd_PEADDR", {0x3}},
	{"vtd_PEUADDR", {0}},
	{"vtd_RDTC", {0xffffffe0fffff000}},
	{"vtd_VCMD", {0xff00}},
	{"vtd_VCMD_EO", {0}},
	{"vtd_VCRSP", {0xff00}},
	{"vtd_VCCAP", {0xfffffffffffffff8}},
	{"vtd_IVA", {0xf80}},
	{"vtd_IOTLB", {0x49fc0000ffffffff}},
	{"vtd_FS_PTE", {0}},
	{"vtd_SS_PTE", {0x4000000000000000}},
	{"vtd_VMX_PASID_DIR", {0xffe}},
	{"vtd_VMX_PASID", {0x7ff00000}},
	{"vtd_IA32_PASID", {0xffffffff7ff00000}},
	{"vtd_ENQCMD", {0x7ff00000}},
};

static const uint64_t *reserved_of(const char *name)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(reserved[i].name, name) == 0)
			return reserved[i].words;
	fail_msg("no expectation for %s", name);
	return NULL;
}

static void test_reserved_masks(void **state)
{
	(void)state;
	assert_int_equal(vtd_layout_count, sizeof(reserved) / sizeof(reserved[0]));
	for (size_t i = 0; i < vtd_layout_count; i++) {
		const uint64_t *expected = reserved_of(vtd_layouts[i]->name);

		for (unsigned w = 0; w < vtd_layouts[i]->word_count; w++)
			if (vtd_layouts[i]->reserved[w] != expected[w])
				fail_msg("%s word %u: %#llx, expected %#llx", vtd_layouts[i]->name,
					 w, (unsigned long long)vtd_layouts[i]->reserved[w],
					 (unsigned long long)expected[w]);
	}
}

static void test_field_masks_of_registers(void **state)
{
	(void)state;
	assert_int_equal((uint64_t)VTD_GSTS_TES, 0x80000000);
	assert_int_equal((uint64_t)VTD_GSTS_RTPS, 0x40000000);
	assert_int_equal((uint64_t)VTD_GSTS_QIES, 0x04000000);
	assert_int_equal((uint64_t)VTD_GSTS_IRES, 0x02000000);
	assert_int_equal((uint64_t)VTD_CAP_SAGAW, 0x1f00);
	assert_int_equal((uint64_t)VTD_CAP_CM, 0x80);
	assert_int_equal((uint64_t)VTD_CAP_NFR, 0x0000ff0000000000);
	assert_int_equal((uint64_t)VTD_CAP_ESRTPS, 0x8000000000000000);
	assert_int_equal((uint64_t)VTD_ECAP_PSS, 0x000000f800000000);
	assert_int_equal((uint64_t)VTD_ECAP_SMTS, 0x0000080000000000);
	assert_int_equal((uint64_t)VTD_ECAP_VCS, 0x0000100000000000);
	assert_int_equal((uint64_t)VTD_FSTS_FRI, 0xff00);
	assert_int_equal((uint64_t)VTD_IQA_DW, 0x800);
	assert_int_equal((uint64_t)VTD_RTADDR_TTM, 0xc00);
	assert_int_equal((uint64_t)VTD_PRS_PRO, 2);
	/* TE, EAFL, QIE, IRE, CFI remain when the one-shot bits are dropped */
	assert_int_equal((uint64_t)VTD_GCMD_ONE_SHOT_BITS, 0x69000000);
	assert_int_equal((uint64_t)VTD_GCMD_LEVEL_BITS, 0x96800000);
}

static void test_register_offsets(void **state)
{
	static const struct {
		unsigned actual, expected;
	} offsets[] = {
		{VTD_REG_VER, 0x000},      {VTD_REG_CAP, 0x008},     {VTD_REG_ECAP, 0x010},
		{VTD_REG_GCMD, 0x018},     {VTD_REG_GSTS, 0x01c},    {VTD_REG_RTADDR, 0x020},
		{VTD_REG_CCMD, 0x028},     {VTD_REG_FSTS, 0x034},    {VTD_REG_FECTL, 0x038},
		{VTD_REG_FEDATA, 0x03c},   {VTD_REG_FEADDR, 0x040},  {VTD_REG_FEUADDR, 0x044},
		{VTD_REG_AFLOG, 0x058},    {VTD_REG_PMEN, 0x064},    {VTD_REG_PLMBASE, 0x068},
		{VTD_REG_PLMLIMIT, 0x06c}, {VTD_REG_PHMBASE, 0x070}, {VTD_REG_PHMLIMIT, 0x078},
		{VTD_REG_IQH, 0x080},      {VTD_REG_IQT, 0x088},     {VTD_REG_IQA, 0x090},
		{VTD_REG_ICS, 0x09c},      {VTD_REG_IECTL, 0x0a0},   {VTD_REG_IEDATA, 0x0a4},
		{VTD_REG_IEADDR, 0x0a8},   {VTD_REG_IEUADDR, 0x0ac}, {VTD_REG_IQERCD, 0x0b0},
		{VTD_REG_IRTA, 0x0b8},     {VTD_REG_PQH, 0x0c0},     {VTD_REG_PQT, 0x0c8},
		{VTD_REG_PQA, 0x0d0},      {VTD_REG_PRS, 0x0dc},     {VTD_REG_PECTL, 0x0e0},
		{VTD_REG_PEDATA, 0x0e4},   {VTD_REG_PEADDR, 0x0e8},  {VTD_REG_PEUADDR, 0x0ec},
		{VTD_REG_MTRRCAP, 0x100},  {VTD_REG_PERFCAP, 0x300}, {VTD_REG_ECMD, 0x400},
		{VTD_REG_RDTC, 0xdc0},     {VTD_REG_VCMD, 0xe00},    {VTD_REG_VCMD_EO, 0xe08},
		{VTD_REG_VCRSP, 0xe10},    {VTD_REG_VCCAP, 0xe30},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		assert_int_equal(offsets[i].actual, offsets[i].expected);
	assert_int_equal(vtd_frcd_offset(UINT64_C(0x22) << 24, 3), 0x250);
	assert_int_equal(vtd_iva_offset(UINT64_C(0xf) << 8), 0x0f0);
	assert_int_equal(vtd_iotlb_offset(UINT64_C(0xf) << 8), 0x0f8);
}

static void test_register_helpers(void **state)
{
	(void)state;
	assert_int_equal(vtd_did_bits(0), 4);
	assert_int_equal(vtd_did_bits(6), 16);
	assert_int_equal(vtd_did_bits(7), 16); /* reserved */
	assert_int_equal(vtd_pasid_bits(UINT64_C(19) << 35), 20);
	assert_int_equal(vtd_mgaw_bits(UINT64_C(47) << 16), 48);
	assert_true(vtd_ttm_is_valid(0, 0));
	assert_false(vtd_ttm_is_valid(1, 0));
	assert_true(vtd_ttm_is_valid(1, UINT64_C(1) << 43));
	assert_false(vtd_ttm_is_valid(2, UINT64_MAX));
	assert_false(vtd_ttm_is_valid(3, ~(UINT64_C(1) << 52)));
	assert_true(vtd_ttm_is_valid(3, UINT64_C(1) << 52));
}

/* PASID 19 chooses the directory, 18:10 its entry, 9:0 the table's. */
static void test_pasid_translation_indices(void **state)
{
	(void)state;
	assert_int_equal(vtd_vmx_pasid_half(0x7ffff), 0);
	assert_int_equal(vtd_vmx_pasid_half(0x80000), 1);
	assert_int_equal(vtd_vmx_pasid_dir_index(0x3ff), 0);
	assert_int_equal(vtd_vmx_pasid_dir_index(0x400), 1);
	assert_int_equal(vtd_vmx_pasid_dir_index(0x7fc00), 511);
	assert_int_equal(vtd_vmx_pasid_dir_index(0x80000), 0);
	assert_int_equal(vtd_vmx_pasid_dir_index(0xfffff), 511);
	assert_int_equal(vtd_vmx_pasid_index(0xffc00), 0);
	assert_int_equal(vtd_vmx_pasid_index(0xfffff), 1023);
	assert_int_equal(vtd_vmx_pasid_dir_reserved_for(46), 0xffffc00000000ffe);
	assert_int_equal(vtd_vmx_pasid_dir_reserved_for(64), 0xffe);
}

static void set_too_large(void *arg)
{
	struct vtd_pasid_entry e = {{0}};

	(void)arg;
	vtd_pasid_entry_set_PGTT(&e, 8);
}

static void set_unaligned(void *arg)
{
	struct vtd_pasid_entry e = {{0}};

	(void)arg;
	vtd_pasid_entry_set_SSPTPTR(&e, 0x1800);
}

static void test_setter_refuses_what_does_not_fit(void **state)
{
	(void)state;
	unit_expect_check(set_too_large, NULL);
	unit_expect_check(set_unaligned, NULL);
}

static void print_of(const struct vtd_layout *layout, const uint64_t *words, const char *expected)
{
	char buf[256];
	int len = vtd_print_fields(layout, words, buf, sizeof(buf));

	assert_string_equal(buf, expected);
	assert_int_equal(len, strlen(expected));
}

static void test_print_fields(void **state)
{
	struct vtd_pasid_entry e = {{0}};
	struct vtd_fault_record record = {{0}};
	(void)state;

	print_of(&vtd_pasid_entry_layout, e.q, "0");
	vtd_pasid_entry_set_P(&e, 1);
	vtd_pasid_entry_set_PGTT(&e, 3);
	vtd_pasid_entry_set_SSPTPTR(&e, 0x1000);
	vtd_pasid_entry_set_DID(&e, 0x12);
	print_of(&vtd_pasid_entry_layout, e.q, "P=1 PGTT=nested(3) SSPTPTR=0x1000 DID=0x12");
	e.q[0] |= 0x400;
	e.q[3] |= 1;
	print_of(&vtd_pasid_entry_layout, e.q,
		 "P=1 PGTT=nested(3) SSPTPTR=0x1000 DID=0x12 reserved=0x400@0 reserved=0x1@3");
	vtd_fault_record_set_FR(&record, 0x59);
	print_of(&vtd_fault_record_layout, record.q, "FR=SPT.2(89)");
}

static void test_print_cuts_and_says_so(void **state)
{
	uint64_t word = 0x59;
	char buf[4] = "xyz";
	(void)state;

	assert_int_equal(vtd_print_fields(&vtd_PRS_layout, &word, buf, sizeof(buf)),
			 strlen("PPR=1 reserved=0x58@0"));
	assert_string_equal(buf, "PPR");
	assert_int_equal(vtd_print_fields(&vtd_PRS_layout, &word, NULL, 0),
			 strlen("PPR=1 reserved=0x58@0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_fields_round_trip),
		cmocka_unit_test(test_descriptor_fields_round_trip),
		cmocka_unit_test(test_register_fields_round_trip),
		cmocka_unit_test(test_reserved_masks),
		cmocka_unit_test(test_field_masks_of_registers),
		cmocka_unit_test(test_register_offsets),
		cmocka_unit_test(test_register_helpers),
		cmocka_unit_test(test_pasid_translation_indices),
		cmocka_unit_test(test_setter_refuses_what_does_not_fit),
		cmocka_unit_test(test_print_fields),
		cmocka_unit_test(test_print_cuts_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
