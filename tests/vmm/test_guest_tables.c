/* SPDX-License-Identifier: MIT */
/* The guest's tables as the vIOMMU reads them: every reason to refuse one, and what FPD says about
 * it. */
#include <string.h>
#include <sys/mman.h>

#include "unit.h"
#include "vmm/guest_memory.h"
#include "vmm/guest_tables.h"

#define LEN       (UINT64_C(1) << 20)
#define ROOT      UINT64_C(0x1000)
#define CONTEXT   UINT64_C(0x2000)
#define DIRECTORY UINT64_C(0x4000)
#define TABLE     UINT64_C(0x6000)
#define OUTSIDE   LEN
#define LOW       ((rid_t){0x0110})
#define HIGH      ((rid_t){0x0190})

struct fixture {
	struct physmem *physmem;
	struct guest_memory memory;
	struct gm_window window;
	uint8_t *ram;
	struct vtd_rules rules;
	struct guest_table_root root;
	struct guest_context context;
};

static uint64_t *at(struct fixture *f, uint64_t address)
{
	return (uint64_t *)(void *)(f->ram + address);
}

static uint64_t make_ecap(void)
{
	uint64_t ecap = vtd_ECAP_with_SMTS(0, 1);

	ecap = vtd_ECAP_with_FSTS(vtd_ECAP_with_PT(ecap, 1), 1);
	ecap = vtd_ECAP_with_DT(vtd_ECAP_with_PRS(ecap, 1), 1);
	ecap = vtd_ECAP_with_PASID(vtd_ECAP_with_PSS(ecap, 19), 1);
	return vtd_ECAP_with_SMPWC(vtd_ECAP_with_SC(ecap, 1), 1);
}

static void set_mode(struct fixture *f, uint64_t root, unsigned mode)
{
	f->root.rtaddr = vtd_RTADDR_with_TTM(vtd_RTADDR_with_RTA(0, root), mode);
}

static struct vtd_context_entry *context_at(struct fixture *f, rid_t source)
{
	return (struct vtd_context_entry *)(void *)at(f, CONTEXT) + vtd_context_index(source);
}

static struct vtd_pasid_entry *entry_at(struct fixture *f, uint32_t pasid)
{
	return (struct vtd_pasid_entry *)(void *)at(f, TABLE) + vtd_pasid_table_index(pasid);
}

static void fill(struct fixture *f)
{
	struct vtd_context_entry *context = context_at(f, LOW);
	struct vtd_pasid_entry *entry = entry_at(f, 5);

	memset(f->ram, 0, LEN);
	at(f, ROOT)[2] = CONTEXT | 1; /* bus 1, devices of the lower half */
	vtd_context_entry_set_P(context, 1);
	vtd_context_entry_set_DTE(context, 1);
	vtd_context_entry_set_PASIDE(context, 1);
	vtd_context_entry_set_PASIDDIRPTR(context, DIRECTORY);
	at(f, DIRECTORY)[0] = TABLE | 1;
	vtd_pasid_entry_set_P(entry, 1);
	vtd_pasid_entry_set_PGTT(entry, VTD_PGTT_FIRST_STAGE);
	vtd_pasid_entry_set_FSPTPTR(entry, 0x8000);
	set_mode(f, ROOT, VTD_TTM_SCALABLE);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->physmem = physmem_create();
	f->ram = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(guest_memory_init(&f->memory, f->physmem), 0);
	lock_take(&f->memory.lock);
	assert_int_equal(guest_memory_add(&f->memory, gpa(0), f->ram, LEN, true, &f->window), 0);
	lock_drop(&f->memory.lock);
	f->rules = (struct vtd_rules){.cap = vtd_CAP_with_CM(0, 1), .ecap = make_ecap(), .haw = 46};
	f->root = (struct guest_table_root){.rules = &f->rules, .memory = &f->memory};
	fill(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lock_take(&f->memory.lock);
	guest_memory_remove(&f->memory, &f->window);
	lock_drop(&f->memory.lock);
	guest_memory_fini(&f->memory);
	physmem_destroy(f->physmem);
	munmap(f->ram, LEN);
	free(f);
	return 0;
}

static void expect_context(struct fixture *f, rid_t source, enum vtd_fault fault, bool fpd)
{
	guest_context_read(&f->root, source, &f->context);
	assert_string_equal(vtd_fault_name(f->context.fault), vtd_fault_name(fault));
	assert_int_equal(f->context.fpd, fpd);
}

static void expect_pasid(struct fixture *f, uint32_t pasid, enum vtd_fault fault, bool fpd)
{
	struct guest_pasid out;

	guest_context_read(&f->root, LOW, &f->context);
	assert_int_equal(f->context.fault, VTD_FAULT_NONE);
	guest_pasid_read(&f->root, &f->context, pasid, &out);
	assert_string_equal(vtd_fault_name(out.fault), vtd_fault_name(fault));
	assert_int_equal(out.fpd, fpd);
}

/* Root and context */

static void test_good_context(void **state)
{
	struct fixture *f = *state;

	expect_context(f, LOW, VTD_FAULT_NONE, false);
	assert_true(f->context.dte && f->context.paside && !f->context.pre && !f->context.legacy);
	assert_int_equal(f->context.directory.v, DIRECTORY);
	assert_int_equal(f->context.pdts, 0);
}

static void test_rta_1_mode(void **state)
{
	struct fixture *f = *state;

	set_mode(f, ROOT, VTD_TTM_RESERVED);
	expect_context(f, LOW, VTD_FAULT_RTA_1, false);
	set_mode(f, ROOT, VTD_TTM_ABORT_DMA);
	expect_context(f, LOW, VTD_FAULT_RTA_1, false);
}

static void test_srt_root_entry(void **state)
{
	struct fixture *f = *state;

	set_mode(f, OUTSIDE, VTD_TTM_SCALABLE);
	expect_context(f, LOW, VTD_FAULT_SRT_1, false);
	set_mode(f, UINT64_C(0xffffffffff000), VTD_TTM_SCALABLE);
	expect_context(f, LOW, VTD_FAULT_SRT_1, false);
	set_mode(f, ROOT, VTD_TTM_SCALABLE);
	expect_context(f, HIGH, VTD_FAULT_SRT_2, false);
	expect_context(f, rid(0x0210), VTD_FAULT_SRT_2, false);
	at(f, ROOT)[2] |= 2;
	expect_context(f, LOW, VTD_FAULT_SRT_3, false);
	/* the other half has a reserved bit: nobody looks */
	at(f, ROOT)[2] = CONTEXT | 1;
	at(f, ROOT)[3] = 1 | 2;
	expect_context(f, LOW, VTD_FAULT_NONE, false);
	expect_context(f, HIGH, VTD_FAULT_SRT_3, false);
}

static void test_upper_half_has_its_own_table(void **state)
{
	struct fixture *f = *state;

	at(f, ROOT)[3] = (CONTEXT + 0x1000) | 1;
	expect_context(f, HIGH, VTD_FAULT_SCT_2, false);
	memcpy(f->ram + CONTEXT + 0x1000, f->ram + CONTEXT, 0x1000);
	expect_context(f, HIGH, VTD_FAULT_NONE, false);
}

static void test_sct_context_entry(void **state)
{
	struct fixture *f = *state;
	struct vtd_context_entry *context = context_at(f, LOW);

	at(f, ROOT)[2] = OUTSIDE | 1;
	expect_context(f, LOW, VTD_FAULT_SCT_1, false);
	at(f, ROOT)[2] = CONTEXT | 1;
	vtd_context_entry_set_FPD(context, 1);
	vtd_context_entry_set_P(context, 0);
	expect_context(f, LOW, VTD_FAULT_SCT_2, true);
	vtd_context_entry_set_P(context, 1);
	context->q[3] = 1;
	expect_context(f, LOW, VTD_FAULT_SCT_3, true);
	context->q[3] = 0;
	vtd_context_entry_set_RID_PASID(context, 1); /* RPS is not offered */
	expect_context(f, LOW, VTD_FAULT_SCT_3, true);
	vtd_context_entry_set_RID_PASID(context, 0);
	vtd_context_entry_set_PRE(context, 1);
	vtd_context_entry_set_DTE(context, 0);
	expect_context(f, LOW, VTD_FAULT_SCT_4, true);
	f->rules.ecap = vtd_ECAP_with_RPS(f->rules.ecap, 1);
	vtd_context_entry_set_DTE(context, 1);
	vtd_context_entry_set_RID_PASID(context, 8192); /* beyond PDTS 0 */
	expect_context(f, LOW, VTD_FAULT_SCT_4, true);
	vtd_context_entry_set_RID_PASID(context, 8191);
	expect_context(f, LOW, VTD_FAULT_NONE, true);
}

static void test_legacy_tables(void **state)
{
	struct fixture *f = *state;
	struct vtd_legacy_context *context =
		(struct vtd_legacy_context *)(void *)at(f, CONTEXT) + vtd_legacy_context_index(LOW);

	memset(f->ram + CONTEXT, 0, 0x1000);
	set_mode(f, OUTSIDE, VTD_TTM_LEGACY);
	expect_context(f, LOW, VTD_FAULT_LRT_1, false);
	set_mode(f, ROOT, VTD_TTM_LEGACY);
	expect_context(f, rid(0x0310), VTD_FAULT_LRT_2, false);
	at(f, ROOT)[3] = 1;
	expect_context(f, LOW, VTD_FAULT_LRT_3, false);
	at(f, ROOT)[3] = 0;
	at(f, ROOT)[2] = OUTSIDE | 1;
	expect_context(f, LOW, VTD_FAULT_LCT_1, false);
	at(f, ROOT)[2] = CONTEXT | 1;
	expect_context(f, LOW, VTD_FAULT_LCT_2, false);
	vtd_legacy_context_set_P(context, 1);
	vtd_legacy_context_set_FPD(context, 1);
	vtd_legacy_context_set_TT(context, VTD_TT_SECOND_STAGE);
	expect_context(f, LOW, VTD_FAULT_LCT_4, true);
	vtd_legacy_context_set_TT(context, VTD_TT_PASS_THROUGH);
	vtd_legacy_context_set_AW(context, VTD_AW_48);
	expect_context(f, LOW, VTD_FAULT_NONE, true);
	assert_true(f->context.legacy);
	context->q[1] |= UINT64_C(1) << 40;
	expect_context(f, LOW, VTD_FAULT_LCT_3, true);
}

static void test_contexts_are_compared(void **state)
{
	struct fixture *f = *state;
	struct guest_context before;

	expect_context(f, LOW, VTD_FAULT_NONE, false);
	before = f->context;
	assert_true(guest_context_is_same(&before, &f->context));
	vtd_context_entry_set_PDTS(context_at(f, LOW), 1);
	expect_context(f, LOW, VTD_FAULT_NONE, false);
	assert_false(guest_context_is_same(&before, &f->context));
}

/* PASIDs */

static void test_good_pasid(void **state)
{
	expect_pasid(*state, 5, VTD_FAULT_NONE, false);
}

static void test_sct_7_beyond_the_directory(void **state)
{
	struct fixture *f = *state;

	expect_pasid(f, 8191, VTD_FAULT_SPD_2, false);
	expect_pasid(f, 8192, VTD_FAULT_SCT_7, false);
	expect_pasid(f, VSVA_PASID_MAX, VTD_FAULT_SCT_7, false);
	vtd_context_entry_set_PDTS(context_at(f, LOW), 7);
	expect_pasid(f, VSVA_PASID_MAX, VTD_FAULT_SPD_2, false);
}

static void test_spd_directory_entry(void **state)
{
	struct fixture *f = *state;

	at(f, DIRECTORY)[0] = 2; /* FPD counts without P */
	expect_pasid(f, 5, VTD_FAULT_SPD_2, true);
	assert_false(guest_directory_entry_is_present(&f->root, &f->context, 0));
	at(f, DIRECTORY)[0] = TABLE | 1 | 4;
	expect_pasid(f, 5, VTD_FAULT_SPD_3, false);
	at(f, DIRECTORY)[0] = TABLE | 1;
	expect_pasid(f, 5, VTD_FAULT_NONE, false);
	assert_true(guest_directory_entry_is_present(&f->root, &f->context, 0));
	vtd_context_entry_set_PASIDDIRPTR(context_at(f, LOW), OUTSIDE);
	expect_pasid(f, 5, VTD_FAULT_SPD_1, false);
	/* the end of memory cuts a directory in two */
	vtd_context_entry_set_PASIDDIRPTR(context_at(f, LOW), LEN - 4096);
	vtd_context_entry_set_PDTS(context_at(f, LOW), 7);
	expect_pasid(f, 511 * 64, VTD_FAULT_SPD_2, false);
	expect_pasid(f, 512 * 64, VTD_FAULT_SPD_1, false);
}

static void test_spt_pasid_entry(void **state)
{
	struct fixture *f = *state;
	struct vtd_pasid_entry *entry = entry_at(f, 5);

	at(f, DIRECTORY)[0] = OUTSIDE | 1;
	expect_pasid(f, 5, VTD_FAULT_SPT_1, false);
	at(f, DIRECTORY)[0] = TABLE | 1;
	expect_pasid(f, 6, VTD_FAULT_SPT_2, false);
	vtd_pasid_entry_set_FPD(entry, 1);
	for (unsigned word = 3; word < 8; word++) {
		entry->q[word] = UINT64_C(1) << 63;
		expect_pasid(f, 5, VTD_FAULT_SPT_3, true);
		entry->q[word] = 0;
	}
	vtd_pasid_entry_set_SRE(entry, 1); /* not offered */
	expect_pasid(f, 5, VTD_FAULT_SPT_3, true);
	f->rules.ecap = vtd_ECAP_with_SRS(f->rules.ecap, 1);
	expect_pasid(f, 5, VTD_FAULT_NONE, true);
}

static void test_spt_4_types_and_levels(void **state)
{
	struct fixture *f = *state;
	struct vtd_pasid_entry *entry = entry_at(f, 5);

	for (unsigned pgtt = 0; pgtt < 8; pgtt++) {
		bool good = pgtt == VTD_PGTT_FIRST_STAGE || pgtt == VTD_PGTT_PASS_THROUGH;

		vtd_pasid_entry_set_PGTT(entry, pgtt);
		expect_pasid(f, 5, good ? VTD_FAULT_NONE : VTD_FAULT_SPT_4, false);
	}
	vtd_pasid_entry_set_PGTT(entry, VTD_PGTT_FIRST_STAGE);
	vtd_pasid_entry_set_FSPM(entry, VTD_FSPM_5_LEVEL);
	expect_pasid(f, 5, VTD_FAULT_SPT_4, false);
	f->rules.cap = vtd_CAP_with_FS5LP(f->rules.cap, 1);
	expect_pasid(f, 5, VTD_FAULT_NONE, false);
	vtd_pasid_entry_set_FSPM(entry, 2);
	expect_pasid(f, 5, VTD_FAULT_SPT_4, false);
}

static void test_fpd_on_the_way_counts(void **state)
{
	struct fixture *f = *state;

	at(f, DIRECTORY)[0] |= 2;
	expect_pasid(f, 5, VTD_FAULT_NONE, true);
	at(f, DIRECTORY)[0] = TABLE | 1;
	vtd_context_entry_set_FPD(context_at(f, LOW), 1);
	expect_pasid(f, 5, VTD_FAULT_NONE, true);
	expect_pasid(f, 8192, VTD_FAULT_SCT_7, true);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_good_context),
		CASE(test_rta_1_mode),
		CASE(test_srt_root_entry),
		CASE(test_upper_half_has_its_own_table),
		CASE(test_sct_context_entry),
		CASE(test_legacy_tables),
		CASE(test_contexts_are_compared),
		CASE(test_good_pasid),
		CASE(test_sct_7_beyond_the_directory),
		CASE(test_spd_directory_entry),
		CASE(test_spt_pasid_entry),
		CASE(test_spt_4_types_and_levels),
		CASE(test_fpd_on_the_way_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
