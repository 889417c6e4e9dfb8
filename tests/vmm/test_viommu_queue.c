/* SPDX-License-Identifier: MIT */
/* The guest's invalidation queue: what is flushed on the host and what is not, waits, errors. */
#include <errno.h>
#include <string.h>

#include "host/iommu.h"
#include "raw_guest.h"
#include "vsva/limits.h"

#define VA UINT64_C(0x7f0000001000)

static void begin(struct raw_guest *raw)
{
	raw_create(raw, NULL);
	raw_boot(raw, NULL);
}

/* PASID 5 of domain 1 and 6 of domain 2 on device 0, 5 of domain 1 on device 1. */
static void begin_with_three(struct raw_guest *raw, const struct raw_options *options)
{
	raw_create(raw, options);
	raw_boot(raw, options);
	raw_bind(raw, &raw->device[0], 5, VA, 1);
	raw_bind(raw, &raw->device[0], 6, VA, 2);
	raw_bind(raw, &raw->device[1], 5, VA, 1);
	raw_forget_events(raw);
}

static void expect(const struct raw_guest *raw, unsigned nth, const struct raw_device *device,
		   hpasid_t pasid, uint64_t address, uint64_t len)
{
	const struct vsva_event *event = raw_event(raw, VSVA_EV_INVALIDATE, nth);

	assert_int_equal(event->rid.v, vsva_device_rid(device->device).v);
	assert_int_equal(event->hpasid.v, pasid.v);
	assert_int_equal(event->addr, address);
	assert_int_equal(event->len, len);
}

/* IOTLB */

static void test_pasid_flush_of_a_range_is_passed_exactly(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d = raw_pasid_iotlb_page(6, 2, VA + 0x3000, 1);
	hpasid_t host;

	(void)state;
	begin_with_three(&raw, NULL);
	host = raw_hpasid(&raw, 6);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 1);
	/* naturally aligned to its 8 KiB */
	expect(&raw, 0, &raw.device[0], host, (VA + 0x3000) & ~UINT64_C(0x1fff), 8192);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), 1);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_DEV_TLB), 0);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_CACHE), 0);
	raw_destroy(&raw);
}

/* A whole PASID: the device TLB too, which Linux leaves out with caching mode. */
static void test_pasid_flush_reaches_every_device_that_has_it(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d = raw_pasid_iotlb(5, 1);

	(void)state;
	begin_with_three(&raw, NULL);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 2); /* both TLBs in one sequence */
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), 2);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_DEV_TLB), 2);
	assert_int_not_equal(raw_event(&raw, VSVA_EV_INVALIDATE, 0)->rid.v,
			     raw_event(&raw, VSVA_EV_INVALIDATE, 1)->rid.v);
	for (unsigned i = 0; i < 2; i++) {
		const struct vsva_event *event = raw_event(&raw, VSVA_EV_INVALIDATE, i);

		assert_int_equal(event->hpasid.v, raw_hpasid(&raw, 5).v);
		assert_int_equal(event->len, UINT64_MAX);
	}
	raw_destroy(&raw);
}

static void test_pasid_flush_with_another_domain_or_pasid_is_nothing(void **state)
{
	struct raw_guest raw;
	struct vtd_desc domain = raw_pasid_iotlb(5, 2), pasid = raw_pasid_iotlb(7, 1);

	(void)state;
	begin_with_three(&raw, NULL);
	raw_submit(&raw, &domain);
	raw_submit(&raw, &pasid);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 0);
	raw_destroy(&raw);
}

/* QEMU #3619: any AM up to 63 is legal here. */
static void test_pasid_flush_with_a_huge_mask_is_everything(void **state)
{
	struct raw_guest raw;
	hpasid_t host;

	(void)state;
	begin_with_three(&raw, NULL);
	host = raw_hpasid(&raw, 6);
	for (unsigned am = 40; am < 64; am++) {
		struct vtd_desc d = raw_pasid_iotlb_page(6, 2, VA, am);
		const struct vsva_event *event;

		raw_forget_events(&raw);
		raw_submit(&raw, &d);
		event = raw_event(&raw, VSVA_EV_INVALIDATE, 0);
		assert_int_equal(event->hpasid.v, host.v);
		if (am > 51)
			assert_int_equal(event->len, UINT64_MAX);
		else
			assert_int_equal(event->len, UINT64_C(4096) << am);
		assert_true(event->addr <= VA &&
			    (event->len == UINT64_MAX || VA - event->addr < event->len));
	}
	raw_destroy(&raw);
}

static void test_iotlb_flush_by_domain_takes_all_of_it(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_IOTLB);

	(void)state;
	begin_with_three(&raw, NULL);
	vtd_desc_iotlb_set_G(&d, VTD_IOTLB_DOMAIN);
	vtd_desc_iotlb_set_DID(&d, 2);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), 1);
	expect(&raw, 0, &raw.device[0], raw_hpasid(&raw, 6), 0, UINT64_MAX);
	/* of first-stage translations a range of pages takes the whole domain too */
	vtd_desc_iotlb_set_G(&d, VTD_IOTLB_PAGE);
	vtd_desc_iotlb_set_DID(&d, 1);
	raw_forget_events(&raw);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), 2);
	vtd_desc_iotlb_set_G(&d, VTD_IOTLB_GLOBAL);
	raw_forget_events(&raw);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), 3);
	raw_destroy(&raw);
}

static void test_rid_translation_is_flushed_under_its_pasid(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d = raw_pasid_iotlb_page(0, 3, 0x50000000, 0);
	gpa_t table;

	(void)state;
	begin_with_three(&raw, NULL);
	raw_submit(&raw, &d); /* blocked: there is nothing */
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 0);
	table = raw_page_table(&raw);
	raw_map(&raw, table, 0x50000000, raw_pages(&raw, 0));
	raw_set_first_stage(raw_entry(&raw, &raw.device[0], 0), table, 3);
	raw_flush_pasid(&raw, 0);
	raw_forget_events(&raw);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 1);
	expect(&raw, 0, &raw.device[0], hpasid(VSVA_PASID_INVALID), 0x50000000, 4096);
	raw_destroy(&raw);
}

/* Linux gives all first-stage entries one domain id; on the host each has its own, so that flushing
 * one leaves the others alone. */
static void test_guest_domain_ids_are_not_the_hosts(void **state)
{
	struct raw_guest raw;
	struct vsva_dev *dev;
	did_t first, second;

	(void)state;
	begin(&raw);
	dev = vsva_device_dev(raw.device[0].device);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	raw_bind(&raw, &raw.device[0], 6, VA, 1);
	assert_int_equal(host_child_did(dev, raw_hpasid(&raw, 5), &first), 0);
	assert_int_equal(host_child_did(dev, raw_hpasid(&raw, 6), &second), 0);
	assert_int_not_equal(first.v, second.v);
	raw_destroy(&raw);
}

/* Device TLB */

static void test_device_tlb_flush_reaches_the_device_named(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d;

	(void)state;
	begin_with_three(&raw, NULL);
	d = raw_pasid_device_tlb(raw.device[1].rid, 5, VA, 0);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 1);
	expect(&raw, 0, &raw.device[1], raw_hpasid(&raw, 5), VA, 4096);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_DEV_TLB), 1);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), 0);
	raw_forget_events(&raw);
	d = raw_device_tlb(raw.device[0].rid, 0, 52);
	raw_submit(&raw, &d);
	expect(&raw, 0, &raw.device[0], hpasid(VSVA_PASID_INVALID), 0, UINT64_MAX);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_DEV_TLB), 1);
	raw_destroy(&raw);
}

static void test_device_tlb_flush_of_what_is_not_there_is_nothing(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d;

	(void)state;
	begin_with_three(&raw, NULL);
	d = raw_pasid_device_tlb(rid(0x999), 5, VA, 0);
	raw_submit(&raw, &d);
	d = raw_device_tlb(rid(0x999), 0, 52);
	raw_submit(&raw, &d);
	d = raw_pasid_device_tlb(raw.device[0].rid, 77, VA, 0);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 0);
	raw_destroy(&raw);
}

static void test_device_tlb_flush_of_all_pasids(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d;

	(void)state;
	begin_with_three(&raw, NULL);
	d = raw_pasid_device_tlb(raw.device[0].rid, 0, 0, 52);
	vtd_desc_pasid_dev_tlb_set_G(&d, 1);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 1);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_DEV_TLB), 1);
	raw_destroy(&raw);
}

/* The physical device caches although the guest knows of no device TLB. */
static void test_guest_without_ats_gets_its_device_tlb_flushed(void **state)
{
	struct raw_options options = {.no_ats = true};
	struct raw_guest raw;
	struct vtd_desc d = raw_pasid_iotlb_page(6, 2, VA, 0);

	(void)state;
	begin_with_three(&raw, &options);
	raw_submit(&raw, &d);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), 1);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_DEV_TLB), 1);
	raw_destroy(&raw);
}

static void test_flush_removes_what_was_cached(void **state)
{
	static const enum vsva_cache_policy policies[] = {VSVA_CACHE_LRU, VSVA_CACHE_RANDOM,
							  VSVA_CACHE_ADVERSARIAL};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct raw_options options = {.policy = policies[i]};
		struct raw_guest raw;
		struct vtd_desc iotlb = raw_pasid_iotlb_page(5, 1, VA, 0), device;
		gpa_t table;

		raw_create(&raw, &options);
		raw_boot(&raw, &options);
		table = raw_page_table(&raw);
		raw_map(&raw, table, VA, raw_pages(&raw, 0));
		raw_set_first_stage(raw_entry(&raw, &raw.device[0], 5), table, 1);
		raw_flush_pasid(&raw, 5);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 2);
		raw_unmap(&raw, table, VA);
		device = raw_pasid_device_tlb(raw.device[0].rid, 5, VA, 0);
		raw_submit(&raw, &iotlb);
		raw_submit(&raw, &device);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
		assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 3);
		raw_destroy(&raw);
	}
}

/* Sequences */

static void post_flushes(struct raw_guest *raw, const struct raw_device *device, uint32_t pasid,
			 uint16_t domain)
{
	struct vtd_desc iotlb = raw_pasid_iotlb_page(pasid, domain, VA, 0);
	struct vtd_desc device_tlb = raw_pasid_device_tlb(device->rid, pasid, VA, 0);

	raw_post(raw, &iotlb);
	raw_post(raw, &device_tlb);
}

/* What a driver puts before its wait is waited for once on the host, its drain included. */
static void test_flushes_before_a_wait_are_one_sequence(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_with_three(&raw, NULL);
	post_flushes(&raw, &raw.device[0], 6, 2);
	post_flushes(&raw, &raw.device[1], 5, 1);
	raw_wait(&raw, true);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), 3); /* 5 is on both */
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_DEV_TLB), 2);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 1);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 5);
	raw_destroy(&raw);
}

/* They have been carried out when the queue goes on to something else, and when it ends. */
static void test_flushes_are_not_overtaken(void **state)
{
	struct vtd_desc unbind;
	struct raw_guest raw;

	(void)state;
	begin_with_three(&raw, NULL);
	post_flushes(&raw, &raw.device[0], 6, 2);
	raw_clear(raw_entry(&raw, &raw.device[0], 6));
	unbind = raw_pasid_cache(VTD_PASID_CACHE_PASID, 6, 2);
	raw_post(&raw, &unbind);
	post_flushes(&raw, &raw.device[0], 5, 1);
	raw_run(&raw);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 5);
	assert_ptr_not_equal(raw_event(&raw, VSVA_EV_UNBIND, 0), NULL);
	assert_true(raw_event(&raw, VSVA_EV_INVALIDATE_DONE, 1) <
		    raw_event(&raw, VSVA_EV_UNBIND, 0));
	assert_true(raw_event(&raw, VSVA_EV_UNBIND_DONE, 0) <
		    raw_event(&raw, VSVA_EV_INVALIDATE, 2));
	assert_int_equal(raw_reg(&raw, VTD_REG_IQH, 8), raw.tail * sizeof(unbind));
	raw_destroy(&raw);
}

/* More than go in one sequence. */
static void test_many_flushes_are_all_carried_out(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_with_three(&raw, NULL);
	for (unsigned i = 0; i < VSVA_LIMIT_FLUSH_STEPS; i++)
		post_flushes(&raw, &raw.device[0], 6, 2);
	raw_wait(&raw, false);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_IOTLB), VSVA_LIMIT_FLUSH_STEPS);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_PASID_DEV_TLB),
			 VSVA_LIMIT_FLUSH_STEPS);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 2);
	raw_destroy(&raw);
}

static int last_result_of(const struct raw_guest *raw, const struct raw_device *device)
{
	const struct vsva_event *last = NULL;

	for (unsigned i = 0; i < raw_count(raw, VSVA_EV_INVALIDATE_DONE); i++) {
		const struct vsva_event *event = raw_event(raw, VSVA_EV_INVALIDATE_DONE, i);

		if (event->rid.v == vsva_device_rid(device->device).v)
			last = event;
	}
	assert_non_null(last);
	return (int)last->result;
}

/* A device that does not answer takes from nobody else that his flush is sure. */
static void test_silent_device_spoils_no_flush_of_others(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_with_three(&raw, NULL);
	vsva_device_set_gone(raw.device[0].device, true);
	post_flushes(&raw, &raw.device[0], 6, 2);
	post_flushes(&raw, &raw.device[1], 5, 1);
	raw_wait(&raw, false);
	assert_int_equal(last_result_of(&raw, &raw.device[1]), 0);
	vsva_device_set_gone(raw.device[0].device, false);
	raw_destroy(&raw);
}

static void test_flush_sequence_is_of_one_unit(void **state)
{
	struct raw_guest raw, other;
	struct vsva_flush_step steps[2];

	(void)state;
	begin_with_three(&raw, NULL);
	begin_with_three(&other, NULL);
	steps[0] = (struct vsva_flush_step){vsva_device_dev(raw.device[0].device),
					    VSVA_FLUSH_IOTLB,
					    {.pasid = raw_hpasid(&raw, 5), .all = true}};
	steps[1] = steps[0];
	assert_int_equal(vsva_flush_sequence(steps, 2), 0);
	steps[1].dev = vsva_device_dev(other.device[0].device);
	assert_int_equal(vsva_flush_sequence(steps, 2), -EINVAL);
	assert_int_equal(raw_count(&raw, VSVA_EV_INVALIDATE), 2);
	assert_int_equal(raw_count(&other, VSVA_EV_INVALIDATE), 0);
	raw_destroy(&other);
	raw_destroy(&raw);
}

/* Waits */

static void test_wait_writes_status_and_interrupts(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_WAIT);

	(void)state;
	begin(&raw);
	raw_wait(&raw, false);
	vtd_desc_wait_set_IF(&d, 1);
	raw_submit(&raw, &d);
	raw_submit(&raw, &d);
	assert_int_equal(raw_reg(&raw, VTD_REG_ICS, 4), VTD_ICS_IWC);
	assert_int_equal(raw.msi[RAW_MSI_QUEUE], 1); /* the first was not served */
	raw_set_reg(&raw, VTD_REG_ICS, 4, VTD_ICS_IWC);
	raw_submit(&raw, &d);
	assert_int_equal(raw.msi[RAW_MSI_QUEUE], 2);
	raw_destroy(&raw);
}

static void test_wait_without_memory_for_its_status_goes_on(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_WAIT);

	(void)state;
	begin(&raw);
	vtd_desc_wait_set_SW(&d, 1);
	vtd_desc_wait_set_STADDR(&d, RAW_RAM);
	raw_submit(&raw, &d);
	vtd_desc_wait_set_STADDR(&d, UINT64_C(0xfffffffffffffffc));
	raw_submit(&raw, &d);
	raw_wait(&raw, false);
	raw_destroy(&raw);
}

/* Disabling the queue waits for what is in it (VT-d 6.5.2). */
static void test_queue_is_drained_before_it_is_off(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_WAIT);
	uint32_t *status;

	(void)state;
	begin(&raw);
	status = raw_memory(&raw, raw.status);
	vtd_desc_wait_set_SW(&d, 1);
	vtd_desc_wait_set_STADDR(&d, raw.status.v);
	for (uint32_t i = 1; i <= 100; i++) {
		vtd_desc_wait_set_STDATA(&d, i);
		raw_post(&raw, &d);
	}
	raw_command(&raw, VTD_GCMD_QIE, false);
	assert_int_equal(*status, 100);
	assert_int_equal(raw_reg(&raw, VTD_REG_IQH, 8), 0);
	raw_destroy(&raw);
}

/* Errors */

static void expect_error(struct raw_guest *raw, unsigned iqei)
{
	raw_run(raw);
	assert_int_equal(raw_reg(raw, VTD_REG_FSTS, 4) & VTD_FSTS_IQE, VTD_FSTS_IQE);
	assert_int_equal(vtd_IQERCD_IQEI(raw_reg(raw, VTD_REG_IQERCD, 8)), iqei);
}

static void test_bad_descriptors_stop_the_queue(void **state)
{
	struct raw_guest raw;
	struct vtd_desc type = {{0xf}}, reserved = vtd_desc_of_type(VTD_DESC_WAIT), *slots;
	uint64_t head;

	(void)state;
	begin(&raw);
	slots = raw_memory(&raw, raw.queue);
	raw_post(&raw, &type);
	raw_post(&raw, &type);
	expect_error(&raw, VTD_IQEI_TYPE);
	assert_int_equal(raw.msi[RAW_MSI_FAULT], 1);
	head = raw_reg(&raw, VTD_REG_IQH, 8) / sizeof(type);
	slots[head] = reserved; /* a wait that does nothing: as a driver does it */
	raw_set_reg(&raw, VTD_REG_FSTS, 4, VTD_FSTS_IQE);
	expect_error(&raw, VTD_IQEI_TYPE);
	assert_int_equal(raw_reg(&raw, VTD_REG_IQH, 8) / sizeof(type), head + 1);
	reserved.q[3] = 1;
	slots[head + 1] = reserved;
	raw_set_reg(&raw, VTD_REG_FSTS, 4, VTD_FSTS_IQE);
	expect_error(&raw, VTD_IQEI_RESERVED_FIELD);
	slots[head + 1].q[3] = 0;
	raw_set_reg(&raw, VTD_REG_FSTS, 4, VTD_FSTS_IQE);
	raw_run(&raw);
	raw_wait(&raw, false);
	raw_destroy(&raw);
}

static void enable_queue_at(struct raw_guest *raw, uint64_t address, bool wide)
{
	raw_command(raw, VTD_GCMD_QIE, false);
	raw_set_reg(raw, VTD_REG_IQT, 8, 0);
	raw_set_reg(raw, VTD_REG_IQA, 8, vtd_IQA_with_DW(vtd_IQA_with_IQA(0, address), wide));
	raw_command(raw, VTD_GCMD_QIE, true);
}

static void test_queue_that_cannot_be_read(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	enable_queue_at(&raw, RAW_RAM, true);
	raw_set_reg(&raw, VTD_REG_IQT, 8, 32);
	expect_error(&raw, VTD_IQEI_FETCH);
	enable_queue_at(&raw, raw.queue.v, false); /* 16-byte descriptors in scalable mode */
	raw_set_reg(&raw, VTD_REG_FSTS, 4, VTD_FSTS_IQE);
	raw_set_reg(&raw, VTD_REG_IQT, 8, 16);
	expect_error(&raw, VTD_IQEI_WIDTH);
	raw_set_reg(&raw, VTD_REG_FSTS, 4, VTD_FSTS_IQE);
	raw_command(&raw, VTD_GCMD_QIE, false);
	raw_destroy(&raw);
}

static void test_tail_outside_the_queue(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	raw_set_reg(&raw, VTD_REG_IQT, 8, 0x10);
	expect_error(&raw, VTD_IQEI_MISALIGNED_TAIL);
	raw_set_reg(&raw, VTD_REG_IQT, 8, raw.tail * 32);
	raw_set_reg(&raw, VTD_REG_FSTS, 4, VTD_FSTS_IQE);
	raw_set_reg(&raw, VTD_REG_IQT, 8, 0x7ffe0);
	expect_error(&raw, VTD_IQEI_BAD_TAIL);
	raw_set_reg(&raw, VTD_REG_IQT, 8, raw.tail * 32);
	raw_set_reg(&raw, VTD_REG_FSTS, 4, VTD_FSTS_IQE);
	raw_wait(&raw, false);
	raw_destroy(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pasid_flush_of_a_range_is_passed_exactly),
		cmocka_unit_test(test_pasid_flush_reaches_every_device_that_has_it),
		cmocka_unit_test(test_pasid_flush_with_another_domain_or_pasid_is_nothing),
		cmocka_unit_test(test_pasid_flush_with_a_huge_mask_is_everything),
		cmocka_unit_test(test_iotlb_flush_by_domain_takes_all_of_it),
		cmocka_unit_test(test_rid_translation_is_flushed_under_its_pasid),
		cmocka_unit_test(test_guest_domain_ids_are_not_the_hosts),
		cmocka_unit_test(test_device_tlb_flush_reaches_the_device_named),
		cmocka_unit_test(test_device_tlb_flush_of_what_is_not_there_is_nothing),
		cmocka_unit_test(test_device_tlb_flush_of_all_pasids),
		cmocka_unit_test(test_guest_without_ats_gets_its_device_tlb_flushed),
		cmocka_unit_test(test_flush_removes_what_was_cached),
		cmocka_unit_test(test_flushes_before_a_wait_are_one_sequence),
		cmocka_unit_test(test_flushes_are_not_overtaken),
		cmocka_unit_test(test_many_flushes_are_all_carried_out),
		cmocka_unit_test(test_silent_device_spoils_no_flush_of_others),
		cmocka_unit_test(test_flush_sequence_is_of_one_unit),
		cmocka_unit_test(test_wait_writes_status_and_interrupts),
		cmocka_unit_test(test_wait_without_memory_for_its_status_goes_on),
		cmocka_unit_test(test_queue_is_drained_before_it_is_off),
		cmocka_unit_test(test_bad_descriptors_stop_the_queue),
		cmocka_unit_test(test_queue_that_cannot_be_read),
		cmocka_unit_test(test_tail_outside_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
