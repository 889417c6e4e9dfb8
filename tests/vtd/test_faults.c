/* SPDX-License-Identifier: MIT */
/* The fault reasons against VT-d Table 30, written down column by column. */
#include "unit.h"

#include <string.h>

#include "vtd/faults.h"

enum { no, yes };
#define UR   VTD_RESP_UR
#define CA   VTD_RESP_CA
#define S0   VTD_RESP_S0
#define SE   VTD_RESP_SE
#define NONE VTD_RESP_NONE

/* The translated column is given where Table 30 has a value in it. */
static const struct expected {
	unsigned code;
	const char *name;
	bool qualified;
	enum vtd_response untranslated, translation, translated;
} table30[] = {
	{0x08, "LRT.1", no, UR, CA, UR},       {0x01, "LRT.2", no, UR, UR, UR},
	{0x0a, "LRT.3", no, UR, CA, UR},       {0x09, "LCT.1", no, UR, CA, UR},
	{0x02, "LCT.2", yes, UR, UR, UR},      {0x0b, "LCT.3", yes, UR, CA, UR},
	{0x03, "LCT.4", yes, UR, CA, UR},      {0x0d, "LCT.5", yes, NONE, UR, UR},
	{0x07, "LSS.1", yes, UR, CA, NONE},    {0x0c, "LSS.2", yes, UR, CA, NONE},
	{0x04, "LGN.1", yes, UR, S0, UR},      {0x05, "LGN.2", yes, UR, SE, NONE},
	{0x06, "LGN.3", yes, UR, SE, NONE},    {0x0e, "LGN.4", yes, UR, CA, UR},
	{0x30, "RTA.1", no, UR, CA, UR},       {0x31, "RTA.2", no, UR, UR, UR},
	{0x32, "RTA.3", no, NONE, NONE, NONE}, {0x33, "RTA.4", no, UR, UR, UR},
	{0x34, "RTA.5", no, UR, UR, UR},       {0x38, "SRT.1", no, UR, CA, UR},
	{0x39, "SRT.2", no, UR, UR, UR},       {0x3a, "SRT.3", no, UR, CA, UR},
	{0x40, "SCT.1", no, UR, CA, UR},       {0x41, "SCT.2", yes, UR, UR, UR},
	{0x42, "SCT.3", yes, UR, CA, UR},      {0x43, "SCT.4", yes, UR, CA, UR},
	{0x44, "SCT.5", yes, NONE, UR, UR},    {0x45, "SCT.6", yes, UR, UR, NONE},
	{0x46, "SCT.7", yes, UR, UR, UR},      {0x47, "SCT.8", yes, NONE, NONE, NONE},
	{0x48, "SCT.9", yes, UR, UR, UR},      {0x49, "SCT.10", yes, NONE, NONE, UR},
	{0x50, "SPD.1", no, UR, CA, CA},       {0x51, "SPD.2", yes, UR, S0, UR},
	{0x52, "SPD.3", yes, UR, CA, CA},      {0x58, "SPT.1", no, UR, CA, CA},
	{0x59, "SPT.2", yes, UR, S0, UR},      {0x5a, "SPT.3", yes, UR, CA, CA},
	{0x5b, "SPT.4", yes, UR, CA, CA},      {0x5c, "SPT.5", yes, UR, S0, NONE},
	{0x5d, "SPT.6", yes, UR, S0, NONE},    {0x60, "SPT.9", yes, NONE, NONE, UR},
	{0x70, "SFS.1", yes, UR, S0, NONE},    {0x71, "SFS.2", yes, UR, S0, NONE},
	{0x72, "SFS.3", yes, UR, S0, NONE},    {0x73, "SFS.4", yes, UR, S0, NONE},
	{0x74, "SFS.5", yes, UR, S0, NONE},    {0x75, "SFS.6", yes, UR, S0, NONE},
	{0x76, "SFS.7", yes, UR, S0, NONE},    {0x77, "SFS.8", yes, UR, S0, NONE},
	{0x90, "SFS.9", yes, UR, S0, NONE},    {0x91, "SFS.10", yes, UR, S0, NONE},
	{0x78, "SSS.1", yes, UR, CA, NONE},    {0x79, "SSS.2", yes, UR, S0, NONE},
	{0x7a, "SSS.3", yes, UR, CA, NONE},    {0x7b, "SSS.4", yes, UR, CA, NONE},
	{0x7c, "SSS.5", yes, UR, CA, NONE},    {0x7d, "SSS.6", yes, UR, CA, NONE},
	{0x80, "SGN.1", yes, UR, S0, NONE},    {0x81, "SGN.2", yes, UR, S0, NONE},
	{0x82, "SGN.3", yes, UR, S0, NONE},    {0x83, "SGN.4", yes, UR, S0, UR},
	{0x84, "SGN.5", yes, UR, S0, NONE},    {0x85, "SGN.6", yes, UR, SE, NONE},
	{0x86, "SGN.7", yes, UR, SE, NONE},    {0x87, "SGN.8", yes, UR, CA, UR},
	{0x89, "SGN.10", yes, UR, UR, UR},     {0xa0, "HPT.1", yes, NONE, NONE, CA},
	{0xa1, "HPT.2", yes, NONE, NONE, CA},  {0xa2, "HPT.3", yes, NONE, NONE, CA},
	{0xa3, "HPT.4", yes, NONE, NONE, UR},  {0xa4, "HPT.5", yes, NONE, NONE, UR},
	{0xa5, "HPT.6", yes, NONE, NONE, UR},
};

static const struct expected *expected_of(unsigned code)
{
	for (size_t i = 0; i < sizeof(table30) / sizeof(table30[0]); i++)
		if (table30[i].code == code)
			return &table30[i];
	return NULL;
}

static bool is_interrupt_fault(unsigned code)
{
	return code >= 0x20 && code <= 0x26;
}

static void test_fault_table_is_table_30(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 0x200; code++) {
		const struct vtd_fault_info *info = vtd_fault_info((enum vtd_fault)code);
		const struct expected *expected = expected_of(code);

		if (is_interrupt_fault(code))
			continue;
		if (!expected) {
			assert_null(info);
			continue;
		}
		assert_non_null(info);
		assert_int_equal(info->code, code);
		assert_string_equal(info->name, expected->name);
		assert_int_equal(info->qualified, expected->qualified);
		assert_int_equal(info->untranslated, expected->untranslated);
		assert_int_equal(info->translation, expected->translation);
		assert_int_equal(info->translated, expected->translated);
		assert_true(strlen(info->meaning) > 0);
	}
}

static void test_fault_codes_of_interrupts(void **state)
{
	(void)state;
	for (unsigned code = 0x20; code <= 0x26; code++)
		assert_non_null(vtd_fault_info((enum vtd_fault)code));
	assert_true(vtd_fault_is_qualified((enum vtd_fault)0x22));
	assert_false(vtd_fault_is_qualified((enum vtd_fault)0x23));
	assert_true(vtd_fault_is_qualified((enum vtd_fault)0x24));
	assert_false(vtd_fault_is_qualified((enum vtd_fault)0x25));
	assert_true(vtd_fault_is_qualified((enum vtd_fault)0x26));
}

static void test_fault_codes_have_their_values(void **state)
{
	(void)state;
	assert_int_equal(VTD_FAULT_NONE, 0);
	assert_int_equal(VTD_FAULT_LRT_2, 0x1);
	assert_int_equal(VTD_FAULT_SCT_6, 0x45);
	assert_int_equal(VTD_FAULT_SPT_2, 0x59);
	assert_int_equal(VTD_FAULT_SFS_2, 0x71);
	assert_int_equal(VTD_FAULT_SFS_10, 0x91);
	assert_int_equal(VTD_FAULT_SSS_2, 0x79);
	assert_int_equal(VTD_FAULT_SGN_6, 0x85);
	assert_int_equal(VTD_FAULT_SGN_10, 0x89);
}

/* exactly these are reported whatever FPD says */
static void test_unqualified_faults(void **state)
{
	static const unsigned codes[] = {0x01, 0x08, 0x09, 0x0a, 0x30, 0x31, 0x32, 0x33,
					 0x34, 0x38, 0x39, 0x3a, 0x40, 0x50, 0x58};
	unsigned count = 0;
	(void)state;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_false(vtd_fault_is_qualified((enum vtd_fault)codes[i]));
	for (unsigned code = 0; code < 256; code++)
		count += vtd_fault_info((enum vtd_fault)code) && !is_interrupt_fault(code) &&
			 !vtd_fault_is_qualified((enum vtd_fault)code);
	assert_int_equal(count, sizeof(codes) / sizeof(codes[0]));
}

static void test_recoverable_faults(void **state)
{
	static const unsigned codes[] = {0x04, 0x05, 0x06, 0x51, 0x59, 0x5c, 0x5d, 0x70, 0x71,
					 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x90, 0x91, 0x79,
					 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86};
	bool recoverable[256] = {false};
	(void)state;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		recoverable[codes[i]] = true;
	for (unsigned code = 0; code < 256; code++) {
		assert_int_equal(vtd_fault_is_recoverable((enum vtd_fault)code), recoverable[code]);
		/* SFS.10 is recoverable and recorded */
		assert_int_equal(vtd_fault_is_recorded_for_translation((enum vtd_fault)code),
				 !recoverable[code] || code == 0x91);
	}
}

/* The column "PR: IR" of 5.3 and 5.4, and SGN.10, which a page request meets before any table. */
static void test_faults_of_page_requests(void **state)
{
	static const unsigned codes[] = {0x30, 0x32, 0x33, 0x38, 0x39, 0x3a, 0x40, 0x41,
					 0x42, 0x43, 0x45, 0x46, 0x47, 0x48, 0x50, 0x51,
					 0x52, 0x58, 0x59, 0x5a, 0x5b, 0x89};
	unsigned count = 0;
	(void)state;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_true(vtd_fault_info((enum vtd_fault)codes[i])->page_request);
	for (size_t i = 0; i < vtd_fault_count; i++)
		count += vtd_fault_table[i].page_request;
	assert_int_equal(count, sizeof(codes) / sizeof(codes[0]));
}

static void test_fault_record_access_types(void **state)
{
	struct vtd_fault_record r = {{0}};
	(void)state;

	vtd_fault_record_set_access(&r, VTD_ACCESS_READ);
	assert_int_equal(r.q[1], UINT64_C(1) << 62); /* T1 is bit 126 */
	vtd_fault_record_set_access(&r, VTD_ACCESS_PAGE_REQUEST);
	assert_int_equal(r.q[1], UINT64_C(1) << 28); /* T2 is bit 92 */
	vtd_fault_record_set_access(&r, VTD_ACCESS_ATOMIC);
	assert_int_equal(r.q[1], UINT64_C(1) << 62 | UINT64_C(1) << 28);
	assert_int_equal(vtd_fault_record_access(&r), VTD_ACCESS_ATOMIC);
	vtd_fault_record_set_access(&r, VTD_ACCESS_WRITE);
	assert_int_equal(r.q[1], 0);
}

static void test_fault_name_of_nothing(void **state)
{
	(void)state;
	assert_string_equal(vtd_fault_name((enum vtd_fault)0x5b), "SPT.4");
	assert_string_equal(vtd_fault_name((enum vtd_fault)0xff), "unknown");
	assert_string_equal(vtd_fault_name((enum vtd_fault) - 1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault_table_is_table_30),
		cmocka_unit_test(test_fault_codes_of_interrupts),
		cmocka_unit_test(test_fault_codes_have_their_values),
		cmocka_unit_test(test_unqualified_faults),
		cmocka_unit_test(test_recoverable_faults),
		cmocka_unit_test(test_faults_of_page_requests),
		cmocka_unit_test(test_fault_record_access_types),
		cmocka_unit_test(test_fault_name_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
