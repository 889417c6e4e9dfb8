/* SPDX-License-Identifier: MIT */
/* The virtual unit: what the guest's tables say and what is bound, virtual commands, reset,
 * registers. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "raw_guest.h"

#define VA UINT64_C(0x7f0000001000)

static void begin(struct raw_guest *raw)
{
	raw_create(raw, NULL);
	raw_boot(raw, NULL);
	raw_forget_events(raw);
}

/* PASID-selective */

static void test_pasid_flush_binds_what_is_new(void **state)
{
	struct raw_guest raw;
	struct vsva_vm_stats stats;

	(void)state;
	begin(&raw);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	stats = raw_stats(&raw);
	assert_int_equal(stats.binds, 1);
	assert_int_equal(stats.bound_now, 1);
	assert_int_not_equal(raw_hpasid(&raw, 5).v, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
	assert_int_equal(raw_dma_read(&raw, &raw.device[1], 5, VA, 0), 3);
	raw_destroy(&raw);
}

static void test_pasid_flush_unbinds_what_is_gone(void **state)
{
	struct raw_guest raw;
	hpasid_t host;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	assert_int_equal(raw_stats(&raw).bound_now, 1); /* not flushed yet */
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	assert_int_equal(raw_stats(&raw).unbinds, 1);
	assert_int_equal(vsva_vm_hpasid(raw.vm, gpasid(5), &host), -ENOENT);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 3);
	raw_destroy(&raw);
}

static void test_pasid_flush_of_another_pasid_changes_nothing(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	raw_set_first_stage(raw_entry(&raw, &raw.device[0], 6), raw_page_table(&raw), 1);
	raw_flush_pasid(&raw, 7);
	raw_flush_pasid(&raw, 0);
	assert_int_equal(raw_stats(&raw).binds, 1);
	assert_int_equal(raw_stats(&raw).unbinds, 0);
	raw_destroy(&raw);
}

static void test_pasid_flush_of_an_equal_entry_changes_nothing(void **state)
{
	struct raw_guest raw;
	hpasid_t before;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	before = raw_hpasid(&raw, 5);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_stats(&raw).binds, 1);
	assert_int_equal(raw_stats(&raw).unbinds, 0);
	assert_int_equal(raw_hpasid(&raw, 5).v, before.v);
	raw_destroy(&raw);
}

static void test_pasid_flush_replaces_what_has_changed(void **state)
{
	struct raw_guest raw;
	gpa_t table;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	table = raw_page_table(&raw);
	raw_map(&raw, table, VA + 0x1000, raw_pages(&raw, 0));
	raw_set_first_stage(raw_entry(&raw, &raw.device[0], 5), table, 1);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_stats(&raw).binds, 2);
	assert_int_equal(raw_stats(&raw).unbinds, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA + 0x1000, 0), 2);
	raw_destroy(&raw);
}

static void test_two_devices_share_one_host_pasid(void **state)
{
	struct raw_guest raw;
	hpasid_t host;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	raw_bind(&raw, &raw.device[1], 5, VA, 1);
	host = raw_hpasid(&raw, 5);
	assert_int_equal(raw_stats(&raw).bound_now, 2);
	assert_int_equal(raw_stats(&raw).pasids_now, 1);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_hpasid(&raw, 5).v, host.v);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_dma_read(&raw, &raw.device[1], 5, VA, 0), 2);
	raw_destroy(&raw);
}

/* Wider */

static void wide_flush(unsigned granularity)
{
	const uint32_t pasids[] = {1, 64, 4000, 0xfffff};
	struct raw_guest raw;
	struct vtd_desc flush = raw_pasid_cache(granularity, 0, 1);

	begin(&raw);
	for (unsigned i = 0; i < 4; i++)
		raw_set_first_stage(raw_entry(&raw, &raw.device[i % 2], pasids[i]),
				    raw_page_table(&raw), 1);
	raw_submit(&raw, &flush);
	assert_int_equal(raw_stats(&raw).bound_now, 4);
	for (unsigned i = 0; i < 4; i++)
		raw_hpasid(&raw, pasids[i]);
	raw_clear(raw_entry(&raw, &raw.device[0], 1));
	/* a directory entry that goes takes its PASIDs with it */
	memset((uint8_t *)raw_memory(&raw, raw.device[1].directory) +
		       8 * vtd_pasid_dir_index(0xfffff),
	       0, 8);
	raw_submit(&raw, &flush);
	assert_int_equal(raw_stats(&raw).bound_now, 2);
	assert_int_equal(raw_stats(&raw).unbinds, 2);
	raw_destroy(&raw);
}

static void test_domain_flush_reads_all(void **state)
{
	(void)state;
	wide_flush(VTD_PASID_CACHE_DOMAIN);
}

static void test_global_flush_reads_all(void **state)
{
	(void)state;
	wide_flush(VTD_PASID_CACHE_GLOBAL);
}

/* A wait behind a flush is complete only when the flush is. */
static void test_wait_does_not_overtake_a_scan(void **state)
{
	struct raw_guest raw;
	struct vtd_desc flush = raw_pasid_cache(VTD_PASID_CACHE_GLOBAL, 0, 1);
	struct vtd_desc wait = vtd_desc_of_type(VTD_DESC_WAIT);
	uint32_t *status;

	(void)state;
	begin(&raw);
	status = raw_memory(&raw, raw.status);
	vtd_desc_wait_set_SW(&wait, 1);
	vtd_desc_wait_set_STDATA(&wait, 99);
	vtd_desc_wait_set_STADDR(&wait, raw.status.v);
	raw_set_first_stage(raw_entry(&raw, &raw.device[0], 0xfffff), raw_page_table(&raw), 1);
	raw_post(&raw, &flush);
	raw_post(&raw, &wait);
	while (*status != 99)
		assert_true(vsva_machine_step(raw.machine));
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	raw_run(&raw);
	raw_destroy(&raw);
}

/* Every directory entry of a small directory is the same table with 64 entries. */
static void alias_directory(struct raw_guest *raw, struct raw_device *device, unsigned pdts)
{
	uint64_t *directory = raw_memory(raw, device->directory);
	gpa_t root = raw_page_table(raw);

	for (uint32_t i = 1; i < VTD_PASID_TABLE_COUNT; i++)
		raw_set_first_stage(raw_entry(raw, device, i), root, 1);
	for (uint32_t i = 1; i < vtd_pasid_dir_count(pdts); i++)
		directory[i] = directory[0];
	vtd_context_entry_set_PDTS(raw_context(raw, device), pdts);
}

static void test_aliased_directory_is_read_in_bounded_pieces(void **state)
{
	enum { PDTS = 2, ENTRIES = 1 << (PDTS + 13) };
	struct raw_options options = {.vm.pasid_quota = 16};
	struct raw_guest raw;
	struct vtd_desc flush;
	size_t before, steps = 0;

	(void)state;
	raw_create(&raw, &options);
	raw_boot(&raw, &options);
	alias_directory(&raw, &raw.device[0], PDTS);
	flush = raw_context_device(raw.device[0].rid);
	raw_post(&raw, &flush);
	while (vsva_machine_step(raw.machine))
		steps++;
	assert_int_equal(raw_stats(&raw).bound_now, 16);
	assert_true(steps >= ENTRIES / 4096);
	before = base_bytes_in_use();
	flush = raw_pasid_cache(VTD_PASID_CACHE_GLOBAL, 0, 1);
	raw_submit(&raw, &flush);
	/* what was refused is not kept */
	assert_true(base_bytes_in_use() < before + 4096);
	assert_int_equal(raw_stats(&raw).bound_now, 16);
	raw_destroy(&raw);
}

/* Many wide flushes in one go share one run's work. */
static void test_flood_of_global_flushes_is_bounded_per_run(void **state)
{
	struct raw_guest raw;
	struct vtd_desc flush = raw_pasid_cache(VTD_PASID_CACHE_GLOBAL, 0, 1);
	struct vsva_vm_stats before, after;
	unsigned steps = 0;

	(void)state;
	begin(&raw);
	for (unsigned i = 0; i < 200; i++)
		raw_post(&raw, &flush);
	before = raw_stats(&raw);
	while (vsva_machine_step(raw.machine))
		steps++;
	after = raw_stats(&raw);
	assert_int_equal(after.descriptors - before.descriptors, 200);
	/* 2 devices with 16384 directory entries each, 4096 reads a run */
	assert_true(steps >= 200 * 8);
	raw_destroy(&raw);
}

/* Refused */

static void test_refused_for_quota_is_tried_again(void **state)
{
	struct raw_options options = {.vm.pasid_quota = 1};
	struct raw_guest raw;

	(void)state;
	raw_create(&raw, &options);
	raw_boot(&raw, &options);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	raw_bind(&raw, &raw.device[0], 6, VA, 1);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	assert_int_equal(raw_stats(&raw).refused_binds, 1);
	raw_flush_pasid(&raw, 6);
	assert_int_equal(raw_stats(&raw).refused_binds, 2);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	raw_flush_pasid(&raw, 5);
	raw_flush_pasid(&raw, 6);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 6, VA, 0), 2);
	raw_destroy(&raw);
}

static void test_root_beyond_the_guest_is_refused(void **state)
{
	struct raw_guest raw;
	struct vtd_pasid_entry *entry;

	(void)state;
	begin(&raw);
	entry = raw_entry(&raw, &raw.device[0], 5);
	raw_set_first_stage(entry, gpa(UINT64_C(1) << 45), 1);
	raw_flush_pasid(&raw, 5); /* within the width, but no memory: bound, and faults */
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	raw_set_first_stage(entry, gpa(UINT64_C(1) << 50), 1);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	raw_destroy(&raw);
}

static void test_entry_of_a_type_not_offered_is_not_bound(void **state)
{
	struct raw_guest raw;
	struct vtd_pasid_entry *entry;

	(void)state;
	begin(&raw);
	entry = raw_entry(&raw, &raw.device[0], 5);
	raw_set_first_stage(entry, raw_page_table(&raw), 1);
	vtd_pasid_entry_set_PGTT(entry, VTD_PGTT_NESTED);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	vtd_pasid_entry_set_PGTT(entry, VTD_PGTT_FIRST_STAGE);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	raw_destroy(&raw);
}

static void test_pass_through_with_pasid_reaches_guest_memory(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	raw_set_pass_through(raw_entry(&raw, &raw.device[0], 9), 1);
	raw_flush_pasid(&raw, 9);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 9, 0x3000, 0), 2);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 9, 0x3000, 0x100), 2);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 9, RAW_RAM, 0), 3);
	raw_destroy(&raw);
}

/* Context, root, TE */

static void test_context_flush_takes_pasids_and_gives_them_back(void **state)
{
	struct raw_guest raw;
	struct vtd_desc flush;

	(void)state;
	begin(&raw);
	flush = raw_context_device(raw.device[0].rid);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	raw_bind(&raw, &raw.device[1], 6, VA, 1);
	vtd_context_entry_set_PASIDE(raw_context(&raw, &raw.device[0]), 0);
	vtd_context_entry_set_PASIDE(raw_context(&raw, &raw.device[1]), 0);
	raw_submit(&raw, &flush); /* names device 0 only */
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SCT_6);
	assert_int_equal(raw_dma_read(&raw, &raw.device[1], 6, VA, 0), 2);
	vtd_context_entry_set_PASIDE(raw_context(&raw, &raw.device[0]), 1);
	raw_submit(&raw, &flush);
	assert_int_equal(raw_stats(&raw).bound_now, 2);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
	raw_destroy(&raw);
}

static void test_context_flush_by_function_mask(void **state)
{
	struct raw_guest raw;
	struct vtd_desc flush;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	vtd_context_entry_set_PASIDE(raw_context(&raw, &raw.device[0]), 0);
	flush = raw_context_device(rid((uint16_t)(raw.device[0].rid.v + 3)));
	raw_submit(&raw, &flush);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	vtd_desc_context_set_FM(&flush, 3);
	raw_submit(&raw, &flush);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	raw_destroy(&raw);
}

static void test_smaller_directory_drops_what_it_no_longer_has(void **state)
{
	struct raw_guest raw;
	struct vtd_desc flush;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	raw_bind(&raw, &raw.device[0], 0x80000, VA, 1);
	vtd_context_entry_set_PDTS(raw_context(&raw, &raw.device[0]), 0);
	flush = raw_context_device(raw.device[0].rid);
	raw_submit(&raw, &flush);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	raw_hpasid(&raw, 5);
	raw_destroy(&raw);
}

static void latch_root(struct raw_guest *raw, gpa_t root, uint64_t mode)
{
	raw_set_reg(raw, VTD_REG_RTADDR, 8,
		    vtd_RTADDR_with_TTM(vtd_RTADDR_with_RTA(0, root.v), mode));
	raw_command(raw, VTD_GCMD_SRTP, true);
}

static void test_root_latch_reads_everything_again(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	latch_root(&raw, raw_pages(&raw, 0), VTD_TTM_SCALABLE);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x3000, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SRT_2);
	latch_root(&raw, raw.root, VTD_TTM_SCALABLE);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
	raw_destroy(&raw);
}

/* The address register alone changes nothing. */
static void test_root_address_counts_when_it_is_latched(void **state)
{
	struct raw_guest raw;
	struct vtd_desc flush = raw_pasid_cache(VTD_PASID_CACHE_GLOBAL, 0, 1);

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	raw_set_reg(&raw, VTD_REG_RTADDR, 8, raw_pages(&raw, 0).v);
	raw_submit(&raw, &flush);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	raw_destroy(&raw);
}

static void test_legacy_mode_is_pass_through_or_nothing(void **state)
{
	struct raw_guest raw;
	struct vtd_legacy_context *context;
	struct vtd_root_entry *root;
	gpa_t table;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	table = raw_pages(&raw, 0);
	root = raw_memory(&raw, table);
	context = raw_memory(&raw, raw_pages(&raw, 0));
	vtd_legacy_root_set_CTP(root, (uint64_t)((uint8_t *)context - raw.ram));
	vtd_legacy_root_set_P(root, 1);
	context += raw.device[0].rid.v & 0xff;
	vtd_legacy_context_set_P(context, 1);
	vtd_legacy_context_set_TT(context, VTD_TT_PASS_THROUGH);
	vtd_legacy_context_set_AW(context, VTD_AW_48);
	vtd_legacy_context_set_DID(context, 2);
	latch_root(&raw, table, VTD_TTM_LEGACY);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x3000, 0), 2);
	assert_int_equal(raw_dma_read(&raw, &raw.device[1], RAW_NO_PASID, 0x3000, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_LCT_2);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_RTA_2);
	raw_destroy(&raw);
}

static void test_translation_off_is_guest_physical(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x3000, 0), 3);
	raw_command(&raw, VTD_GCMD_TE, false);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x3000, 0), 2);
	raw_command(&raw, VTD_GCMD_TE, true);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x3000, 0), 3);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
	raw_destroy(&raw);
}

/* Requests without PASID */

static void test_rid_entry_first_stage_pass_through_blocked(void **state)
{
	struct raw_guest raw;
	struct vtd_pasid_entry *entry;
	gpa_t table;

	(void)state;
	begin(&raw);
	entry = raw_entry(&raw, &raw.device[0], 0);
	table = raw_page_table(&raw);
	raw_map(&raw, table, 0x50000000, raw_pages(&raw, 0));
	raw_set_first_stage(entry, table, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x50000000, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SPT_2);
	raw_flush_pasid(&raw, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x50000000, 0), 2);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x50000000, 0x100), 2);
	assert_int_equal(raw_stats(&raw).binds, 0);
	raw_set_pass_through(entry, 1);
	raw_flush_pasid(&raw, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x50000000, 0x100), 3);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x3000, 0x100), 2);
	raw_clear(entry);
	raw_flush_pasid(&raw, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x3000, 0x100), 3);
	raw_destroy(&raw);
}

static void test_wide_flush_reads_the_rid_entry_too(void **state)
{
	struct raw_guest raw;
	struct vtd_desc flush = raw_pasid_cache(VTD_PASID_CACHE_DOMAIN, 0, 1);

	(void)state;
	begin(&raw);
	raw_set_pass_through(raw_entry(&raw, &raw.device[0], 0), 1);
	raw_submit(&raw, &flush);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x3000, 0), 2);
	raw_destroy(&raw);
}

/* Virtual command */

static uint64_t vcmd(struct raw_guest *raw, uint64_t command, uint64_t operand)
{
	raw_set_reg(raw, VTD_REG_VCMD, 8, vtd_VCMD_with_OA(vtd_VCMD_with_CMD(0, command), operand));
	raw_run(raw);
	return raw_reg(raw, VTD_REG_VCRSP, 8);
}

static void test_vcmd_allocates_and_frees(void **state)
{
	struct raw_guest raw;
	uint64_t first, second;

	(void)state;
	begin(&raw);
	first = vcmd(&raw, VTD_VCMD_ALLOC_PASID, 0);
	second = vcmd(&raw, VTD_VCMD_ALLOC_PASID, 0);
	assert_int_equal(vtd_VCRSP_SC(first) | vtd_VCRSP_IP(first), 0);
	assert_int_not_equal(vtd_VCRSP_RSLT(first), vtd_VCRSP_RSLT(second));
	assert_true(vtd_VCRSP_RSLT(first) >= 1 && vtd_VCRSP_RSLT(first) <= VSVA_PASID_MAX);
	raw_hpasid(&raw, (uint32_t)vtd_VCRSP_RSLT(first));
	assert_int_equal(raw_stats(&raw).pasids_now, 2);
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, VTD_VCMD_FREE_PASID, vtd_VCRSP_RSLT(first))), 0);
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, VTD_VCMD_NULL, 0)), 0);
	assert_int_equal(raw_stats(&raw).pasids_now, 1);
	raw_destroy(&raw);
}

static void test_vcmd_errors(void **state)
{
	struct raw_options options = {.vm.pasid_quota = 2};
	struct raw_guest raw;

	(void)state;
	raw_create(&raw, &options);
	raw_boot(&raw, &options);
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, 3, 0)), VTD_VCMD_UNDEFINED);
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, VTD_VCMD_FREE_PASID, 5)), VTD_VCMD_INVALID_PASID);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	/* mentioned, but not the virtual command's to free */
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, VTD_VCMD_FREE_PASID, 5)), VTD_VCMD_INVALID_PASID);
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, VTD_VCMD_ALLOC_PASID, 0)), 0);
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, VTD_VCMD_ALLOC_PASID, 0)), VTD_VCMD_NO_PASID);
	assert_int_equal(raw_stats(&raw).pasids_now, 2);
	raw_destroy(&raw);
}

static void test_vcmd_free_before_unbind_harms_nothing(void **state)
{
	struct raw_guest raw;
	uint32_t pasid;

	(void)state;
	begin(&raw);
	pasid = (uint32_t)vtd_VCRSP_RSLT(vcmd(&raw, VTD_VCMD_ALLOC_PASID, 0));
	raw_bind(&raw, &raw.device[0], pasid, VA, 1);
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, VTD_VCMD_FREE_PASID, pasid)), 0);
	assert_int_equal(vtd_VCRSP_SC(vcmd(&raw, VTD_VCMD_FREE_PASID, pasid)),
			 VTD_VCMD_INVALID_PASID);
	assert_int_not_equal(vtd_VCRSP_RSLT(vcmd(&raw, VTD_VCMD_ALLOC_PASID, 0)), pasid);
	raw_clear(raw_entry(&raw, &raw.device[0], pasid));
	raw_flush_pasid(&raw, pasid);
	assert_int_equal(raw_stats(&raw).pasids_now, 1);
	raw_destroy(&raw);
}

static void test_vcmd_is_absent_if_not_offered(void **state)
{
	struct raw_options options = {.vm.no_vcmd = true};
	struct raw_guest raw;

	(void)state;
	raw_create(&raw, &options);
	raw_boot(&raw, &options);
	assert_false(vtd_ECAP_VCS(raw_reg(&raw, VTD_REG_ECAP, 8)));
	assert_int_equal(raw_reg(&raw, VTD_REG_VCCAP, 8), 0);
	assert_int_equal(vcmd(&raw, VTD_VCMD_ALLOC_PASID, 0), 0);
	assert_int_equal(raw_stats(&raw).vcmd_allocs, 0);
	raw_destroy(&raw);
}

/* Reset and assignment */

static void test_system_reset_with_bindings(void **state)
{
	struct raw_guest raw;
	uint64_t value;

	(void)state;
	begin(&raw);
	for (int round = 0; round < 2; round++) {
		raw_bind(&raw, &raw.device[0], 5, VA, 1);
		raw_bind(&raw, &raw.device[1], 6, VA, 1);
		vcmd(&raw, VTD_VCMD_ALLOC_PASID, 0);
		/* negative control: without the reset all of it stands */
		assert_int_equal(raw_stats(&raw).bound_now, 2);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
		vsva_vm_reset(raw.vm);
		assert_int_equal(raw_stats(&raw).bound_now, 0);
		assert_int_equal(raw_stats(&raw).pasids_now, 0);
		assert_int_equal(raw_stats(&raw).windows_now, 1);
		assert_int_equal(raw_reg(&raw, VTD_REG_GSTS, 4), 0);
		assert_int_equal(raw_reg(&raw, VTD_REG_RTADDR, 8), 0);
		vsva_assigned_read(raw.device[0].assigned, 0, 0x08, 8, &value);
		assert_int_equal(value, 0);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
		raw_boot(&raw, NULL);
		assert_int_equal(raw_stats(&raw).bound_now, 0);
	}
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
	raw_destroy(&raw);
}

static void test_reset_while_descriptors_wait(void **state)
{
	struct raw_guest raw;
	struct vtd_desc flush = raw_pasid_cache(VTD_PASID_CACHE_GLOBAL, 0, 1);

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	for (unsigned i = 0; i < 20; i++)
		raw_post(&raw, &flush);
	vsva_machine_step(raw.machine);
	vsva_vm_reset(raw.vm);
	raw_run(&raw);
	assert_int_equal(raw_reg(&raw, VTD_REG_IQH, 8), 0);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	raw_destroy(&raw);
}

static void test_assign_refuses_what_is_taken(void **state)
{
	struct raw_guest raw;
	struct vsva_device_options options = {.kind = VSVA_DEVICE_TEST_ENGINE};
	struct vsva_device *device;
	struct vsva_assigned *assigned;
	struct vsva_vm *other;

	(void)state;
	begin(&raw);
	assert_int_equal(vsva_device_create(raw.machine, &options, &device), 0);
	assert_int_equal(vsva_vm_assign(raw.vm, device, raw.device[0].rid, NULL, NULL, &assigned),
			 -EEXIST);
	assert_int_equal(vsva_vm_create(raw.machine, NULL, &other), 0);
	assert_int_equal(vsva_vm_assign(other, raw.device[0].device, rid(8), NULL, NULL, &assigned),
			 -EBUSY);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
	vsva_vm_unassign(raw.device[0].assigned);
	assert_int_equal(raw_stats(&raw).bound_now, 0);
	assert_int_equal(vsva_vm_assign(other, raw.device[0].device, rid(8), NULL, NULL, &assigned),
			 0);
	vsva_vm_destroy(other);
	raw_destroy(&raw);
}

static void test_assign_finds_tables_that_are_there(void **state)
{
	struct raw_guest raw;
	struct raw_device *device;

	(void)state;
	begin(&raw);
	device = &raw.device[0];
	raw_bind(&raw, device, 5, VA, 1);
	vsva_vm_unassign(device->assigned);
	assert_int_equal(
		vsva_vm_assign(raw.vm, device->device, device->rid, NULL, NULL, &device->assigned),
		0);
	raw_run(&raw);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	vsva_assigned_config_write(device->assigned, 0x04, 2, 0x6);
	assert_int_equal(raw_dma_read(&raw, device, 5, VA, 0), 2);
	raw_destroy(&raw);
}

/* Registers: QEMU cd2729fb, d9fb35ec */

static void test_register_page_takes_accesses_of_every_size(void **state)
{
	struct raw_guest raw;
	static const uint64_t patterns[] = {0, UINT64_MAX, UINT64_C(0x5555555555555555), 1};

	(void)state;
	begin(&raw);
	for (uint32_t offset = 0; offset < VTD_REGISTER_PAGE_SIZE + 16; offset++)
		for (unsigned size = 0; size <= 16; size++) {
			uint64_t value = UINT64_C(0x1234567890abcdef), kept = value;
			bool valid = (size == 4 || size == 8) && offset % size == 0 &&
				     offset < VTD_REGISTER_PAGE_SIZE;
			int err = vsva_viommu_read(raw.vm, offset, size, &value);

			assert_int_equal(err, valid ? 0 : -EINVAL);
			if (err)
				assert_int_equal(value, kept);
			if (!valid)
				assert_int_equal(
					vsva_viommu_write(raw.vm, offset, size, UINT64_MAX),
					-EINVAL);
		}
	for (unsigned i = 0; i < 4; i++)
		for (uint32_t offset = 0; offset < VTD_REGISTER_PAGE_SIZE; offset += 4) {
			vsva_viommu_write(raw.vm, offset, 4, patterns[i]);
			if (offset % 8 == 0)
				vsva_viommu_write(raw.vm, offset, 8, patterns[i]);
			vsva_machine_run_idle(raw.machine, 1000);
		}
	vsva_vm_reset(raw.vm);
	raw_run(&raw);
	memset(raw.msi, 0, sizeof(raw.msi));
	raw_boot(&raw, NULL);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
	raw_destroy(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pasid_flush_binds_what_is_new),
		cmocka_unit_test(test_pasid_flush_unbinds_what_is_gone),
		cmocka_unit_test(test_pasid_flush_of_another_pasid_changes_nothing),
		cmocka_unit_test(test_pasid_flush_of_an_equal_entry_changes_nothing),
		cmocka_unit_test(test_pasid_flush_replaces_what_has_changed),
		cmocka_unit_test(test_two_devices_share_one_host_pasid),
		cmocka_unit_test(test_domain_flush_reads_all),
		cmocka_unit_test(test_global_flush_reads_all),
		cmocka_unit_test(test_wait_does_not_overtake_a_scan),
		cmocka_unit_test(test_aliased_directory_is_read_in_bounded_pieces),
		cmocka_unit_test(test_flood_of_global_flushes_is_bounded_per_run),
		cmocka_unit_test(test_refused_for_quota_is_tried_again),
		cmocka_unit_test(test_root_beyond_the_guest_is_refused),
		cmocka_unit_test(test_entry_of_a_type_not_offered_is_not_bound),
		cmocka_unit_test(test_pass_through_with_pasid_reaches_guest_memory),
		cmocka_unit_test(test_context_flush_takes_pasids_and_gives_them_back),
		cmocka_unit_test(test_context_flush_by_function_mask),
		cmocka_unit_test(test_smaller_directory_drops_what_it_no_longer_has),
		cmocka_unit_test(test_root_latch_reads_everything_again),
		cmocka_unit_test(test_root_address_counts_when_it_is_latched),
		cmocka_unit_test(test_legacy_mode_is_pass_through_or_nothing),
		cmocka_unit_test(test_translation_off_is_guest_physical),
		cmocka_unit_test(test_rid_entry_first_stage_pass_through_blocked),
		cmocka_unit_test(test_wide_flush_reads_the_rid_entry_too),
		cmocka_unit_test(test_vcmd_allocates_and_frees),
		cmocka_unit_test(test_vcmd_errors),
		cmocka_unit_test(test_vcmd_free_before_unbind_harms_nothing),
		cmocka_unit_test(test_vcmd_is_absent_if_not_offered),
		cmocka_unit_test(test_system_reset_with_bindings),
		cmocka_unit_test(test_reset_while_descriptors_wait),
		cmocka_unit_test(test_assign_refuses_what_is_taken),
		cmocka_unit_test(test_assign_finds_tables_that_are_there),
		cmocka_unit_test(test_register_page_takes_accesses_of_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
