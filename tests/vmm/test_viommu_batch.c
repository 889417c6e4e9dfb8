/* SPDX-License-Identifier: MIT */
/* A bind or an unbind, and what the guest asks to be flushed and drained with it: once is enough where
 * nobody can tell, and not where somebody could. */
#include "base/seams.h"
#include "raw_guest.h"
#include "vtd/regfile.h"

#define VA UINT64_C(0x7f0000001000)

static void begin(struct raw_guest *raw)
{
	raw_create(raw, NULL);
	raw_boot(raw, NULL);
}

static void post_pasid_cache(struct raw_guest *raw, uint32_t pasid)
{
	struct vtd_desc d = raw_pasid_cache(VTD_PASID_CACHE_PASID, pasid, 1);

	raw_post(raw, &d);
}

static void post_flushes(struct raw_guest *raw, const struct raw_device *device, uint32_t pasid)
{
	struct vtd_desc iotlb = raw_pasid_iotlb(pasid, 1);
	struct vtd_desc device_tlb = raw_pasid_device_tlb(device->rid, pasid, 0, 52);

	raw_post(raw, &iotlb);
	raw_post(raw, &device_tlb);
}

static void post_wait(struct raw_guest *raw)
{
	struct vtd_desc wait = vtd_desc_of_type(VTD_DESC_WAIT);

	vtd_desc_wait_set_FN(&wait, 1);
	raw_post(raw, &wait);
}

static gpa_t mapped(struct raw_guest *raw)
{
	gpa_t table = raw_page_table(raw);

	raw_map(raw, table, VA, raw_pages(raw, 0));
	return table;
}

static void set_entry(struct raw_guest *raw, const struct raw_device *device, uint32_t pasid,
		      gpa_t table)
{
	raw_set_first_stage(raw_entry(raw, device, pasid), table, 1);
}

/* Of the IOTLB and of the device TLB, that the host was asked for. */
static void expect_flushes(const struct raw_guest *raw, unsigned iotlb, unsigned device_tlb)
{
	assert_int_equal(raw_count_descriptors(raw, VTD_DESC_PASID_IOTLB), iotlb);
	assert_int_equal(raw_count_descriptors(raw, VTD_DESC_PASID_DEV_TLB), device_tlb);
}

/* Does what stands last in the physical unit's queue, a wait, drain page requests? */
static bool last_wait_drains(const struct raw_guest *raw)
{
	struct vtd_regfile *registers = calloc(1, sizeof(*registers));
	const struct vtd_desc *ring, *last;
	uint64_t iqa = 0, iqt = 0;

	machine_copy_registers(raw->machine, registers);
	assert_int_equal(vtd_regfile_read(registers, VTD_REG_IQA, 8, &iqa), 0);
	assert_int_equal(vtd_regfile_read(registers, VTD_REG_IQT, 8, &iqt), 0);
	free(registers);
	assert_true(iqt > 0); /* the ring has not wrapped around just now */
	ring = physmem_own_page(machine_seams(raw->machine)->physmem, hpa(vtd_IQA_IQA(iqa)));
	last = &ring[iqt / sizeof(*ring) - 1];
	assert_int_equal(vtd_desc_type(last), VTD_DESC_WAIT);
	return vtd_desc_wait_PD(last);
}

/* Binds */

static void test_new_entry_is_not_flushed_again(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	set_entry(&raw, &raw.device[0], 5, mapped(&raw));
	raw_forget_events(&raw);
	post_pasid_cache(&raw, 5);
	post_flushes(&raw, &raw.device[0], 5);
	raw_wait(&raw, false);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	expect_flushes(&raw, 0, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 2);
	raw_destroy(&raw);
}

/* From the wait on the guest knows that it is bound: what it flushes then it may have changed since. */
static void test_new_entry_is_flushed_behind_a_wait(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	set_entry(&raw, &raw.device[0], 5, mapped(&raw));
	raw_forget_events(&raw);
	post_pasid_cache(&raw, 5);
	post_wait(&raw);
	post_flushes(&raw, &raw.device[0], 5);
	raw_wait(&raw, false);
	expect_flushes(&raw, 1, 2); /* the IOTLB's of a whole PASID takes the device TLB with it */
	raw_destroy(&raw);
}

static void test_new_entry_is_flushed_in_a_later_submission(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	set_entry(&raw, &raw.device[0], 5, mapped(&raw));
	post_pasid_cache(&raw, 5);
	raw_run(&raw);
	raw_forget_events(&raw);
	post_flushes(&raw, &raw.device[0], 5);
	raw_wait(&raw, false);
	expect_flushes(&raw, 1, 2);
	raw_destroy(&raw);
}

/* What is cached of the page that was there must go, whatever the guest has bound with it. */
static void test_unmap_is_flushed_beside_a_bind(void **state)
{
	struct raw_guest raw;
	gpa_t table;

	(void)state;
	begin(&raw);
	table = mapped(&raw);
	set_entry(&raw, &raw.device[0], 5, table);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 2);
	raw_unmap(&raw, table, VA);
	set_entry(&raw, &raw.device[0], 6, mapped(&raw));
	raw_forget_events(&raw);
	post_pasid_cache(&raw, 6);
	post_flushes(&raw, &raw.device[0], 5);
	post_flushes(&raw, &raw.device[0], 6);
	raw_wait(&raw, false);
	expect_flushes(&raw, 1, 2);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 3);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 6, VA, 0x100), 2);
	raw_destroy(&raw);
}

/* The device that has had it for long is flushed, also where another gets it now. */
static void test_bind_on_another_device_flushes_the_first(void **state)
{
	struct raw_guest raw;
	gpa_t table;

	(void)state;
	begin(&raw);
	table = mapped(&raw);
	set_entry(&raw, &raw.device[0], 5, table);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 2);
	raw_unmap(&raw, table, VA);
	set_entry(&raw, &raw.device[1], 5, table);
	raw_forget_events(&raw);
	post_pasid_cache(&raw, 5);
	post_flushes(&raw, &raw.device[0], 5);
	post_flushes(&raw, &raw.device[1], 5);
	raw_wait(&raw, false);
	assert_int_equal(raw_stats(&raw).bound_now, 2);
	expect_flushes(&raw, 2, 3); /* device 0 alone: twice, as the IOTLB's is each one's */
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 3);
	assert_int_equal(raw_dma_read(&raw, &raw.device[1], 5, VA, 0x100), 3);
	raw_destroy(&raw);
}

/* The same number again with other tables: what the old entry left went with its unbind. */
static void test_replaced_entry_is_not_flushed_again(void **state)
{
	struct raw_guest raw;
	gpa_t empty;

	(void)state;
	begin(&raw);
	set_entry(&raw, &raw.device[0], 5, mapped(&raw));
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 2);
	empty = raw_page_table(&raw);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	set_entry(&raw, &raw.device[0], 5, empty);
	raw_forget_events(&raw);
	post_pasid_cache(&raw, 5);
	post_flushes(&raw, &raw.device[0], 5);
	raw_wait(&raw, true);
	expect_flushes(&raw, 0, 1);                                      /* the unbind's */
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 3); /* and the drain's */
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x100), 3);
	raw_destroy(&raw);
}

/* Unbinds: with one go two waits, a fence and the one that drains. */

static void begin_to_unbind(struct raw_guest *raw, const struct raw_options *options)
{
	raw_create(raw, options);
	raw_boot(raw, options);
	for (uint32_t pasid = 5; pasid <= 6; pasid++) {
		set_entry(raw, &raw->device[0], pasid, mapped(raw));
		raw_flush_pasid(raw, pasid);
	}
	assert_int_equal(raw_stats(raw).bound_now, 2);
	raw_clear(raw_entry(raw, &raw->device[0], 5));
	raw_forget_events(raw);
	post_pasid_cache(raw, 5);
}

static void test_unbind_is_flushed_and_drained_once(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_to_unbind(&raw, NULL);
	post_flushes(&raw, &raw.device[0], 5);
	raw_wait(&raw, true);
	assert_int_equal(raw_stats(&raw).bound_now, 1);
	expect_flushes(&raw, 0, 1);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 2);
	raw_destroy(&raw);
}

static void test_drain_behind_a_wait_is_another(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_to_unbind(&raw, NULL);
	post_wait(&raw);
	raw_wait(&raw, true);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 3);
	raw_destroy(&raw);
}

static void test_drain_in_a_later_submission_is_another(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_to_unbind(&raw, NULL);
	raw_run(&raw);
	raw_wait(&raw, true);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 3);
	raw_destroy(&raw);
}

/* What the guest asks for in between may bring page requests that the drain must find. */
static void test_drain_behind_a_flush_is_another(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_to_unbind(&raw, NULL);
	post_flushes(&raw, &raw.device[0], 6);
	raw_wait(&raw, true);
	expect_flushes(&raw, 1, 3);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 3);
	assert_true(last_wait_drains(&raw));
	raw_destroy(&raw);
}

static void test_drain_behind_a_bind_is_another(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_to_unbind(&raw, NULL);
	set_entry(&raw, &raw.device[0], 7, mapped(&raw));
	post_pasid_cache(&raw, 7);
	raw_wait(&raw, true);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 3);
	raw_destroy(&raw);
}

static void test_drain_behind_a_context_entry_is_another(void **state)
{
	struct raw_guest raw;
	struct vtd_desc d;

	(void)state;
	begin_to_unbind(&raw, NULL);
	d = raw_context_device(raw.device[1].rid);
	raw_post(&raw, &d);
	raw_wait(&raw, true);
	assert_int_equal(raw_count_descriptors(&raw, VTD_DESC_WAIT), 3);
	raw_destroy(&raw);
}

static void ask_for_a_page(struct raw_guest *raw, uint32_t pasid)
{
	struct vsva_assigned *engine = raw->device[0].assigned;

	assert_int_equal(vsva_assigned_write(engine, 0, 0x08, 8, VA + 0x100000), 0);
	assert_int_equal(vsva_assigned_write(engine, 0, 0x18, 4, 8), 0);
	assert_int_equal(vsva_assigned_write(engine, 0, 0x1c, 4, pasid | 1u << 31), 0);
	assert_int_equal(vsva_assigned_write(engine, 0, 0x20, 4, 3 | 0x300), 0);
	while (!raw_count(raw, VSVA_EV_PAGE_REQUEST_QUEUED))
		assert_true(vsva_machine_step(raw->machine));
}

/* Until it has written its status. */
static void step_to_the_end_of_a_drain(struct raw_guest *raw)
{
	struct vtd_desc wait = vtd_desc_of_type(VTD_DESC_WAIT);
	const uint32_t *status = raw_memory(raw, raw->status);

	vtd_desc_wait_set_SW(&wait, 1);
	vtd_desc_wait_set_PD(&wait, 1);
	vtd_desc_wait_set_STDATA(&wait, ++raw->wait_data);
	vtd_desc_wait_set_STADDR(&wait, raw->status.v);
	raw_post(raw, &wait);
	while (*status != raw->wait_data)
		assert_true(vsva_machine_step(raw->machine));
}

/* What another process has asked before the unbind is in the guest's queue when the wait is over, in
 * whatever order workers run. */
static void test_drain_with_an_unbind_reports_what_others_have_asked(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		const struct raw_options options = {.seed = seed};
		const struct vtd_page_request *request;
		struct raw_guest raw;

		begin_to_unbind(&raw, &options);
		post_flushes(&raw, &raw.device[0], 5);
		ask_for_a_page(&raw, 6);
		step_to_the_end_of_a_drain(&raw);
		assert_int_not_equal(raw_reg(&raw, VTD_REG_PQT, 8), raw_reg(&raw, VTD_REG_PQH, 8));
		request = raw_memory(&raw, raw.prq);
		assert_int_equal(vtd_page_request_PASID(request), 6);
		raw_run(&raw);
		raw_destroy(&raw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_entry_is_not_flushed_again),
		cmocka_unit_test(test_new_entry_is_flushed_behind_a_wait),
		cmocka_unit_test(test_new_entry_is_flushed_in_a_later_submission),
		cmocka_unit_test(test_unmap_is_flushed_beside_a_bind),
		cmocka_unit_test(test_bind_on_another_device_flushes_the_first),
		cmocka_unit_test(test_replaced_entry_is_not_flushed_again),
		cmocka_unit_test(test_unbind_is_flushed_and_drained_once),
		cmocka_unit_test(test_drain_behind_a_wait_is_another),
		cmocka_unit_test(test_drain_in_a_later_submission_is_another),
		cmocka_unit_test(test_drain_behind_a_flush_is_another),
		cmocka_unit_test(test_drain_behind_a_bind_is_another),
		cmocka_unit_test(test_drain_behind_a_context_entry_is_another),
		cmocka_unit_test(test_drain_with_an_unbind_reports_what_others_have_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
