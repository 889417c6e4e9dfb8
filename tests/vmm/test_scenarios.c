/* SPDX-License-Identifier: MIT */
/* Defects that other stacks have had, as far as they concern the virtual unit; each test is named
 * after one. */
#include <errno.h>
#include <string.h>

#include "raw_guest.h"
#include "vsva/dsa.h"

#define VA  UINT64_C(0x7f0000001000)
#define ATS 0x100u

static const enum vsva_cache_policy policies[] = {VSVA_CACHE_LRU, VSVA_CACHE_NEVER,
						  VSVA_CACHE_RANDOM, VSVA_CACHE_ADVERSARIAL};
#define POLICIES (sizeof(policies) / sizeof(policies[0]))

/* PASID 5 on device 0, with a page at VA; returns its page table. */
static gpa_t begin_bound(struct raw_guest *raw, const struct raw_options *options)
{
	gpa_t table;

	raw_create(raw, options);
	raw_boot(raw, options);
	table = raw_page_table(raw);
	raw_map(raw, table, VA, raw_pages(raw, 0));
	raw_set_first_stage(raw_entry(raw, &raw->device[0], 5), table, 1);
	raw_flush_pasid(raw, 5);
	return table;
}

/* Negative control: as long as the guest has not flushed, what was cached is still in force. Whether
 * it was cached is the policy's choice. */
static void expect_kept(struct raw_guest *raw, enum vsva_cache_policy policy, uint64_t address)
{
	if (policy == VSVA_CACHE_LRU || policy == VSVA_CACHE_ADVERSARIAL)
		assert_int_equal(raw_dma_read(raw, &raw->device[0], 5, address, ATS), 2);
}

static void expect_no_error_on_the_host(struct raw_guest *raw)
{
	struct vsva_iommu_stats stats;

	vsva_iommu_get_stats(vsva_machine_iommu(raw->machine), &stats);
	assert_int_equal(stats.timeouts, 0);
}

/* 0fa1a15fa9b3: a flush of a whole PASID must reach all of the device TLB, not one page of it. */
static void test_devtlb_flush_for_vsva_is_of_all_addresses(void **state)
{
	static const uint64_t addresses[] = {0x1000, VA, UINT64_C(0x7ffffffff000)};

	(void)state;
	for (size_t p = 0; p < POLICIES; p++) {
		struct raw_options options = {.policy = policies[p], .no_ats = true};
		struct raw_guest raw;
		gpa_t table = begin_bound(&raw, &options);
		struct vtd_desc flush = raw_pasid_iotlb(5, 1);

		for (unsigned i = 0; i < 3; i++)
			raw_map(&raw, table, addresses[i], raw_pages(&raw, 0));
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, addresses[i], ATS),
					 2);
		for (unsigned i = 0; i < 3; i++)
			raw_unmap(&raw, table, addresses[i]);
		expect_kept(&raw, policies[p], addresses[1]);
		raw_forget_events(&raw);
		raw_submit(&raw, &flush);
		assert_int_equal(raw_event(&raw, VSVA_EV_INVALIDATE, 0)->len, UINT64_MAX);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, addresses[i], ATS),
					 3);
		raw_destroy(&raw);
	}
}

/* 288d08e78008: an address inside the range that a mask makes must not end in reserved bits. */
static void test_flush_of_a_non_page_aligned_address(void **state)
{
	struct raw_guest raw;
	gpa_t table = begin_bound(&raw, NULL);

	(void)state;
	for (unsigned am = 0; am < 20; am++) {
		struct vtd_desc iotlb = raw_pasid_iotlb_page(5, 1, VA + 0x5000, am);
		struct vtd_desc device =
			raw_pasid_device_tlb(raw.device[0].rid, 5, VA + 0x5000, am);

		raw_submit(&raw, &iotlb);
		raw_submit(&raw, &device);
		expect_no_error_on_the_host(&raw);
	}
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS), 2);
	raw_unmap(&raw, table, VA);
	expect_kept(&raw, VSVA_CACHE_LRU, VA);
	/* 64 KiB around an address that is not the first of them */
	struct vtd_desc iotlb = raw_pasid_iotlb_page(5, 1, VA + 0x3000, 4);
	struct vtd_desc device = raw_pasid_device_tlb(raw.device[0].rid, 5, VA + 0x3000, 4);

	raw_submit(&raw, &iotlb);
	raw_submit(&raw, &device);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS), 3);
	raw_destroy(&raw);
}

/* 5f77d6ca5ca7: a PASID of more than 20 bits must not spill into its neighbours. */
static void test_pasid_field_does_not_spill(void **state)
{
	struct raw_options options = {.dsa = true};
	struct raw_guest raw;
	uint8_t bytes[64] = {0};
	struct vtd_desc d;

	(void)state;
	begin_bound(&raw, &options);
	assert_int_equal(vsva_assigned_enqcmd(raw.device[0].assigned, 0x5000,
					      UINT32_C(0x80000000) | UINT32_C(0x7ff00000) | 6,
					      bytes),
			 -ENOENT);
	/* it is the PASID that was not found, for the one without those bits is */
	raw_bind(&raw, &raw.device[0], 6, VA, 1);
	assert_int_not_equal(
		vsva_assigned_enqcmd(raw.device[0].assigned, 0x5000, UINT32_C(0x80000006), bytes),
		-ENOENT);
	raw_set_reg(&raw, VTD_REG_VCMD, 8, VTD_VCMD_FREE_PASID | UINT64_MAX << 16);
	raw_run(&raw);
	assert_int_equal(vtd_VCRSP_SC(raw_reg(&raw, VTD_REG_VCRSP, 8)), VTD_VCMD_INVALID_PASID);
	d = raw_pasid_cache(VTD_PASID_CACHE_PASID, 5, 1);
	d.q[0] |= UINT64_C(1) << 52; /* bit 20 of the PASID is no bit of the PASID */
	raw_post(&raw, &d);
	raw_run(&raw);
	assert_int_equal(vtd_IQERCD_IQEI(raw_reg(&raw, VTD_REG_IQERCD, 8)),
			 VTD_IQEI_RESERVED_FIELD);
	raw_destroy(&raw);
}

/* 971401015d14: with caching mode a new entry is flushed under its own PASID; a flush of PASID 0 is
 * not it. */
static void test_real_pasid_for_flush_in_caching_mode(void **state)
{
	(void)state;
	for (size_t p = 0; p < POLICIES; p++) {
		struct raw_options options = {.policy = policies[p]};
		struct raw_guest raw;
		gpa_t table;

		raw_create(&raw, &options);
		raw_boot(&raw, &options);
		assert_true(vtd_CAP_CM(raw_reg(&raw, VTD_REG_CAP, 8)));
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
		table = raw_page_table(&raw);
		raw_map(&raw, table, VA, raw_pages(&raw, 0));
		raw_set_first_stage(raw_entry(&raw, &raw.device[0], 5), table, 1);
		raw_flush_pasid(&raw, 0);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
		raw_flush_pasid(&raw, 5);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
		raw_destroy(&raw);
	}
}

/* 1f5e307ca16c: older guests leave the device TLB out of a teardown when CM=1; it is flushed all
 * the same. */
static void test_devtlb_is_flushed_for_pasid_updates_with_caching_mode(void **state)
{
	(void)state;
	for (size_t p = 0; p < POLICIES; p++) {
		struct raw_options options = {.policy = policies[p]};
		struct raw_guest raw;

		begin_bound(&raw, &options);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS), 2);
		raw_clear(raw_entry(&raw, &raw.device[0], 5));
		expect_kept(&raw, policies[p], VA);
		raw_forget_events(&raw);
		raw_flush_pasid(&raw, 5); /* and no device-TLB descriptor */
		assert_true(raw_count_descriptors(&raw, VTD_DESC_PASID_DEV_TLB) >= 1);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS), 3);
		/* replaced: the old page is out of reach too */
		raw_bind(&raw, &raw.device[0], 5, VA, 1);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS), 2);
		raw_set_first_stage(raw_entry(&raw, &raw.device[0], 5), raw_page_table(&raw), 1);
		raw_flush_pasid(&raw, 5);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS), 3);
		raw_destroy(&raw);
	}
}

static void dsa_write(struct raw_guest *raw, uint64_t offset, uint64_t value)
{
	assert_int_equal(vsva_assigned_write(raw->device[0].assigned, 0, offset, 4, value), 0);
	raw_run(raw);
}

/* An accelerator whose dedicated queue has guest PASID 5 programmed. */
static void begin_with_queue(struct raw_guest *raw)
{
	struct raw_options options = {.dsa = true};

	begin_bound(raw, &options);
	dsa_write(raw, 0x400, 1);
	dsa_write(raw, 0x420, 1);
	dsa_write(raw, 0x500, 16);
	dsa_write(raw, 0x504, 16);
	dsa_write(raw, 0x50c, 21 | 5 << 5);
	dsa_write(raw, 0x508, UINT32_C(0x100000a1) | 5 << 8);
	dsa_write(raw, 0xa0, 1 << 20);
	dsa_write(raw, 0xa0, 6 << 20);
}

/* 2667ed10d9f0: a process dies, the device still has its PASID programmed, and another process gets
 * a number: work of the dead one must not reach the new one's memory. */
static void test_pasid_use_after_free(void **state)
{
	struct raw_guest raw;
	struct vsva_dsa_descriptor d = {.flags_opcode = (uint32_t)VSVA_DSA_NOOP << 24 |
							VSVA_DSA_COMPLETION_VALID |
							VSVA_DSA_REQUEST_COMPLETION,
					.completion = VA};
	hpasid_t dead;
	gpa_t page;

	(void)state;
	begin_with_queue(&raw);
	/* negative control: what the living submits does reach memory */
	page = raw_bind(&raw, &raw.device[0], 5, VA, 1);
	assert_int_equal(vsva_assigned_movdir64b(raw.device[0].assigned, 0x1000, &d), 0);
	raw_run(&raw);
	assert_int_equal(*(uint8_t *)raw_memory(&raw, page), 1);
	dead = raw_hpasid(&raw, 5);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	raw_flush_pasid(&raw, 5);
	for (uint32_t pasid = 6; pasid < 40; pasid++) {
		page = raw_bind(&raw, &raw.device[0], pasid, VA, 1);
		assert_int_not_equal(raw_hpasid(&raw, pasid).v, dead.v);
		assert_int_equal(vsva_assigned_movdir64b(raw.device[0].assigned, 0x1000, &d), 0);
		raw_run(&raw);
		assert_int_equal(*(uint8_t *)raw_memory(&raw, page), 0);
	}
	raw_destroy(&raw);
}

/* The same where nothing has the number programmed any more: it is not the first to be given out
 * again. */
static void test_pasid_just_freed_is_not_reused_at_once(void **state)
{
	struct raw_guest raw;
	hpasid_t dead;

	(void)state;
	begin_bound(&raw, NULL);
	dead = raw_hpasid(&raw, 5);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	raw_flush_pasid(&raw, 5);
	/* negative control: whoever takes the first free number takes this one */
	assert_null(
		vsva_ioasid_set_of(vsva_iommu_ioasid_space(vsva_machine_iommu(raw.machine)), dead));
	for (uint32_t pasid = 5; pasid < 100; pasid++) {
		raw_set_first_stage(raw_entry(&raw, &raw.device[0], pasid), raw_page_table(&raw),
				    1);
		raw_flush_pasid(&raw, pasid);
		assert_int_not_equal(raw_hpasid(&raw, pasid).v, dead.v);
	}
	raw_destroy(&raw);
}

/* QEMU 905aec7f: one flush stands for "deleted, and added again". */
static void test_pasid_entry_deleted_and_added_with_one_flush(void **state)
{
	(void)state;
	for (size_t p = 0; p < POLICIES; p++) {
		struct raw_options options = {.policy = policies[p]};
		struct raw_guest raw;
		struct vtd_pasid_entry *entry, kept;
		gpa_t table;

		begin_bound(&raw, &options);
		entry = raw_entry(&raw, &raw.device[0], 5);
		kept = *entry;
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS), 2);
		/* the same again */
		raw_clear(entry);
		*entry = kept;
		raw_flush_pasid(&raw, 5);
		assert_int_equal(raw_stats(&raw).bound_now, 1);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
		/* another one */
		table = raw_page_table(&raw);
		raw_map(&raw, table, VA + 0x1000, raw_pages(&raw, 0));
		raw_clear(entry);
		raw_set_first_stage(entry, table, 2);
		expect_kept(&raw, policies[p], VA);
		raw_flush_pasid(&raw, 5);
		assert_int_equal(raw_stats(&raw).bound_now, 1);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS), 3);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA + 0x1000, ATS), 2);
		/* another type */
		raw_clear(entry);
		raw_set_pass_through(entry, 2);
		raw_flush_pasid(&raw, 5);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA + 0x1000, ATS), 3);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, 0x3000, ATS), 2);
		raw_destroy(&raw);
	}
}

/* "Invalidate PASID cache when root/context entry changed": another directory behind the context
 * entry. */
static void test_context_entry_changed_takes_the_pasid_cache_along(void **state)
{
	(void)state;
	for (size_t p = 0; p < POLICIES; p++) {
		struct raw_options options = {.policy = policies[p]};
		struct raw_guest raw;
		struct vtd_desc flush;

		begin_bound(&raw, &options);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
		raw.device[0].directory = raw_pages(&raw, 5);
		vtd_context_entry_set_PASIDDIRPTR(raw_context(&raw, &raw.device[0]),
						  raw.device[0].directory.v);
		flush = raw_context_device(raw.device[0].rid);
		expect_kept(&raw, policies[p], VA);
		raw_submit(&raw, &flush);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
		assert_int_equal(raw_stats(&raw).bound_now, 0);
		raw_destroy(&raw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devtlb_flush_for_vsva_is_of_all_addresses),
		cmocka_unit_test(test_flush_of_a_non_page_aligned_address),
		cmocka_unit_test(test_pasid_field_does_not_spill),
		cmocka_unit_test(test_context_entry_changed_takes_the_pasid_cache_along),
		cmocka_unit_test(test_real_pasid_for_flush_in_caching_mode),
		cmocka_unit_test(test_devtlb_is_flushed_for_pasid_updates_with_caching_mode),
		cmocka_unit_test(test_pasid_use_after_free),
		cmocka_unit_test(test_pasid_just_freed_is_not_reused_at_once),
		cmocka_unit_test(test_pasid_entry_deleted_and_added_with_one_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
