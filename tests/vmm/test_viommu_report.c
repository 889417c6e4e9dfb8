/* SPDX-License-Identifier: MIT */
/* What comes up from the host: page requests, their answers, faults. */
#include <string.h>

#include "raw_guest.h"

#define VA          UINT64_C(0x7f0000001000)
#define ATS_AND_PRI 0x300u
#define PRQ_SLOTS   128u

static gpa_t begin_bound(struct raw_guest *raw, const struct raw_options *options)
{
	gpa_t table;

	raw_create(raw, options);
	raw_boot(raw, options);
	table = raw_page_table(raw);
	raw_set_first_stage(raw_entry(raw, &raw->device[0], 5), table, 1);
	raw_flush_pasid(raw, 5);
	raw_forget_events(raw);
	return table;
}

static struct vtd_page_request *request_at(struct raw_guest *raw, unsigned slot)
{
	return (struct vtd_page_request *)raw_memory(raw, raw->prq) + slot;
}

static unsigned queued(struct raw_guest *raw)
{
	return (unsigned)raw_reg(raw, VTD_REG_PQT, 8) / (unsigned)sizeof(struct vtd_page_request);
}

static void respond(struct raw_guest *raw, const struct vtd_page_request *request, unsigned code)
{
	uint32_t pasid = vtd_page_request_PP(request) ? (uint32_t)vtd_page_request_PASID(request)
						      : RAW_NO_PASID;
	struct vtd_desc d = raw_response(rid((uint16_t)vtd_page_request_RID(request)), pasid,
					 (uint16_t)vtd_page_request_PRGI(request), code);

	raw_submit(raw, &d);
}

/* Page requests */

static void test_page_request_comes_in_the_guests_words(void **state)
{
	struct raw_guest raw;
	gpa_t table = begin_bound(&raw, NULL);
	struct vtd_page_request *request = request_at(&raw, 0);

	(void)state;
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA + 0x123, ATS_AND_PRI), 1);
	assert_int_equal(queued(&raw), 1);
	assert_int_equal(raw.msi[RAW_MSI_PAGE], 1);
	assert_int_equal(vtd_page_request_TYPE(request), VTD_PAGE_REQUEST_TYPE);
	assert_true(vtd_page_request_PP(request) && vtd_page_request_LPIG(request));
	assert_int_equal(vtd_page_request_PASID(request), 5);
	assert_int_equal(vtd_page_request_RID(request), raw.device[0].rid.v);
	assert_int_equal(vtd_page_request_ADDR(request), VA);
	assert_true(vtd_page_request_RDR(request) && !vtd_page_request_WRR(request));
	raw_map(&raw, table, VA, raw_pages(&raw, 0));
	respond(&raw, request, VTD_RESPONSE_SUCCESS);
	assert_int_equal(raw_engine_status(&raw, &raw.device[0]), 2);
	assert_int_equal(raw_stats(&raw).page_requests, 1);
	assert_int_equal(raw_stats(&raw).page_responses, 1);
	raw_destroy(&raw);
}

static void test_page_request_refused_by_the_guest(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_bound(&raw, NULL);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI), 1);
	respond(&raw, request_at(&raw, 0), VTD_RESPONSE_INVALID);
	assert_int_equal(raw_engine_status(&raw, &raw.device[0]), 3);
	raw_destroy(&raw);
}

static void test_page_request_without_pasid(void **state)
{
	struct raw_guest raw;
	struct vtd_page_request *request;
	gpa_t table;

	(void)state;
	begin_bound(&raw, NULL);
	table = raw_page_table(&raw);
	raw_set_first_stage(raw_entry(&raw, &raw.device[0], 0), table, 1);
	raw_flush_pasid(&raw, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, 0x50000000, ATS_AND_PRI),
			 1);
	request = request_at(&raw, 0);
	assert_false(vtd_page_request_PP(request));
	assert_int_equal(vtd_page_request_ADDR(request), 0x50000000);
	raw_map(&raw, table, 0x50000000, raw_pages(&raw, 0));
	respond(&raw, request, VTD_RESPONSE_SUCCESS);
	assert_int_equal(raw_engine_status(&raw, &raw.device[0]), 2);
	raw_destroy(&raw);
}

static void test_page_request_of_a_guest_that_has_them_off_is_refused(void **state)
{
	struct raw_options options = {.no_pri = true};
	struct raw_guest raw;

	(void)state;
	begin_bound(&raw, &options);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI), 3);
	assert_int_equal(queued(&raw), 0);
	raw_destroy(&raw);
}

static void test_page_requests_are_not_offered(void **state)
{
	struct raw_options options = {.no_pri = true, .vm.no_page_requests = true};
	struct raw_guest raw;

	(void)state;
	begin_bound(&raw, &options);
	assert_false(vtd_ECAP_PRS(raw_reg(&raw, VTD_REG_ECAP, 8)));
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI), 3);
	raw_destroy(&raw);
}

/* VT-d 7.4: a full queue sets PRO, and the device, told "success", asks again. */
static void test_page_request_queue_overflow(void **state)
{
	struct raw_guest raw;
	gpa_t table = begin_bound(&raw, NULL);

	(void)state;
	raw_set_reg(&raw, VTD_REG_PQH, 8, 32); /* tail 0: full */
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI),
			 3); /* asked in vain */
	assert_int_equal(raw_reg(&raw, VTD_REG_PRS, 4), VTD_PRS_PRO);
	assert_int_equal(raw.msi[RAW_MSI_PAGE], 1);
	assert_int_equal(queued(&raw), 0);
	/* room, but PRO not cleared yet: still nothing is queued */
	raw_set_reg(&raw, VTD_REG_PQH, 8, 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI), 3);
	assert_int_equal(queued(&raw), 0);
	raw_set_reg(&raw, VTD_REG_PRS, 4, VTD_PRS_PRO);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI), 1);
	assert_int_equal(queued(&raw), 1);
	raw_map(&raw, table, VA, raw_pages(&raw, 0));
	respond(&raw, request_at(&raw, 0), VTD_RESPONSE_SUCCESS);
	assert_int_equal(raw_engine_status(&raw, &raw.device[0]), 2);
	raw_destroy(&raw);
}

static void test_page_request_queue_wraps(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_bound(&raw, NULL);
	for (unsigned i = 0; i < 2 * PRQ_SLOTS; i++) {
		raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI);
		assert_int_equal(queued(&raw), (i + 1) % PRQ_SLOTS);
		respond(&raw, request_at(&raw, i % PRQ_SLOTS), VTD_RESPONSE_INVALID);
		raw_set_reg(&raw, VTD_REG_PQH, 8, queued(&raw) * 32);
	}
	raw_destroy(&raw);
}

static void test_page_request_queue_without_memory(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_bound(&raw, NULL);
	raw_set_reg(&raw, VTD_REG_PQA, 8, RAW_RAM);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI), 3);
	assert_int_equal(queued(&raw), 0);
	raw_destroy(&raw);
}

/* An unbind answers what is pending, without the guest. */
static void test_unbind_with_a_request_pending_and_a_late_answer(void **state)
{
	struct raw_guest raw;
	struct vtd_page_request request;

	(void)state;
	begin_bound(&raw, NULL);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI), 1);
	request = *request_at(&raw, 0);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_engine_status(&raw, &raw.device[0]), 3);
	respond(&raw, &request, VTD_RESPONSE_SUCCESS);
	respond(&raw, &request, VTD_RESPONSE_SUCCESS);
	assert_int_equal(raw_engine_status(&raw, &raw.device[0]), 3);
	raw_destroy(&raw);
}

static void test_answers_that_nobody_waits_for(void **state)
{
	struct raw_guest raw;
	gpa_t table = begin_bound(&raw, NULL);
	struct vtd_desc d;

	(void)state;
	raw_dma_read(&raw, &raw.device[0], 5, VA, ATS_AND_PRI);
	d = raw_response(rid(0x777), 5, 0, VTD_RESPONSE_INVALID);
	raw_submit(&raw, &d);
	d = raw_response(raw.device[1].rid, 5, (uint16_t)vtd_page_request_PRGI(request_at(&raw, 0)),
			 VTD_RESPONSE_INVALID);
	raw_submit(&raw, &d);
	d = raw_response(raw.device[0].rid, 6, 0, VTD_RESPONSE_INVALID);
	raw_submit(&raw, &d);
	d = raw_response(raw.device[0].rid, 5, 511, VTD_RESPONSE_FAILURE);
	raw_submit(&raw, &d);
	assert_int_equal(raw_engine_status(&raw, &raw.device[0]), 1);
	raw_map(&raw, table, VA, raw_pages(&raw, 0));
	respond(&raw, request_at(&raw, 0), VTD_RESPONSE_SUCCESS);
	assert_int_equal(raw_engine_status(&raw, &raw.device[0]), 2);
	raw_destroy(&raw);
}

static void start_read(struct raw_guest *raw, uint32_t pasid)
{
	struct vsva_assigned *engine = raw->device[0].assigned;

	vsva_assigned_write(engine, 0, 0x08, 8, VA);
	vsva_assigned_write(engine, 0, 0x18, 4, 8);
	vsva_assigned_write(engine, 0, 0x1c, 4, pasid | UINT32_C(1) << 31);
	vsva_assigned_write(engine, 0, 0x20, 4, 3 | ATS_AND_PRI);
}

/* After a wait with PD nothing is on its way any more, whichever worker comes first. */
static void test_drain_puts_accepted_requests_in_the_queue(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 32; seed++) {
		struct raw_options options = {.seed = seed};
		struct vtd_desc wait = vtd_desc_of_type(VTD_DESC_WAIT);
		struct raw_guest raw;
		uint32_t *status;

		begin_bound(&raw, &options);
		status = raw_memory(&raw, raw.status);
		vtd_desc_wait_set_SW(&wait, 1);
		vtd_desc_wait_set_PD(&wait, 1);
		vtd_desc_wait_set_STDATA(&wait, 77);
		vtd_desc_wait_set_STADDR(&wait, raw.status.v);
		start_read(&raw, 5);
		while (!raw_count(&raw, VSVA_EV_PAGE_REQUEST_QUEUED))
			assert_true(vsva_machine_step(raw.machine));
		raw_post(&raw, &wait);
		while (*status != 77)
			assert_true(vsva_machine_step(raw.machine));
		assert_int_equal(queued(&raw), 1);
		raw_run(&raw);
		assert_int_equal(queued(&raw), 1);
		raw_destroy(&raw);
	}
}

/* Faults */

static void test_fault_comes_in_the_guests_words(void **state)
{
	struct raw_guest raw;
	struct vtd_fault_record record;

	(void)state;
	begin_bound(&raw, NULL);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA + 0x123, 0), 3);
	assert_int_equal(raw.msi[RAW_MSI_FAULT], 1);
	record = raw_take_fault(&raw);
	assert_int_equal(vtd_fault_record_FR(&record), VTD_FAULT_SFS_2);
	assert_int_equal(vtd_fault_record_FI(&record), VA);
	assert_int_equal(vtd_fault_record_SID(&record), raw.device[0].rid.v);
	assert_true(vtd_fault_record_PP(&record));
	assert_int_equal(vtd_fault_record_PV(&record), 5);
	assert_int_equal(vtd_fault_record_T1(&record), 1);
	assert_int_equal(raw_stats(&raw).faults, 1);
	raw_destroy(&raw);
}

static void test_fault_reason_is_what_the_guests_tables_say(void **state)
{
	struct raw_guest raw;
	struct vtd_pasid_entry *entry;
	struct vtd_pasid_dir_entry *directory;

	(void)state;
	begin_bound(&raw, NULL);
	entry = raw_entry(&raw, &raw.device[0], 5);
	vtd_pasid_entry_set_PGTT(entry, 0);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SPT_4);
	entry->q[7] = 1;
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SPT_3);
	directory = raw_memory(&raw, raw.device[0].directory);
	directory->q[0] |= 4;
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SPD_3);
	directory->q[0] = 0;
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SPD_2);
	/* RID_PASID is not for requests with a PASID */
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 0, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SCT_9);
	vtd_context_entry_set_PASIDE(raw_context(&raw, &raw.device[0]), 0);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SCT_6);
	raw_destroy(&raw);
}

/* Present in the guest's table, refused or not flushed: not present, with caching mode. */
static void test_fault_of_an_entry_that_is_not_bound(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_bound(&raw, NULL);
	raw_set_first_stage(raw_entry(&raw, &raw.device[0], 6), raw_page_table(&raw), 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 6, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SPT_2);
	/* on a device that has no PASIDs yet: the host's context entry is not the guest's */
	raw_set_first_stage(raw_entry(&raw, &raw.device[1], 6), raw_page_table(&raw), 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[1], 6, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SPT_2);
	raw_destroy(&raw);
}

static void test_fault_processing_disable(void **state)
{
	struct raw_guest raw;
	struct vtd_pasid_entry *entry;

	(void)state;
	begin_bound(&raw, NULL);
	entry = raw_entry(&raw, &raw.device[0], 5);
	vtd_pasid_entry_set_FPD(entry, 1);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_false(raw_has_fault(&raw));
	vtd_pasid_entry_set_P(entry, 0); /* FPD counts without P */
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_false(raw_has_fault(&raw));
	vtd_pasid_entry_set_FPD(entry, 0);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SPT_2);
	vtd_context_entry_set_FPD(raw_context(&raw, &raw.device[0]), 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_false(raw_has_fault(&raw));
	raw_destroy(&raw);
}

static void test_fault_records_overflow(void **state)
{
	struct raw_guest raw;
	unsigned records;

	(void)state;
	begin_bound(&raw, NULL);
	records = vtd_frcd_count(raw_reg(&raw, VTD_REG_CAP, 8));
	for (unsigned i = 0; i < records; i++)
		raw_dma_read(&raw, &raw.device[0], 5, VA, 0);
	assert_int_equal(raw_reg(&raw, VTD_REG_FSTS, 4) & VTD_FSTS_PFO, 0);
	raw_dma_read(&raw, &raw.device[0], 5, VA, 0);
	assert_int_equal(raw_reg(&raw, VTD_REG_FSTS, 4) & VTD_FSTS_PFO, VTD_FSTS_PFO);
	assert_int_equal(raw.msi[RAW_MSI_FAULT], 1);
	raw_destroy(&raw);
}

/* In the guest's world there is no second stage. */
static void test_second_stage_faults_in_first_stage_words(void **state)
{
	struct raw_guest raw;
	gpa_t table = begin_bound(&raw, NULL);
	struct vtd_desc flush = raw_pasid_iotlb(5, 1);
	uint64_t *top;

	(void)state;
	raw_map(&raw, table, VA, gpa(RAW_RAM + 0x1000)); /* a page that is no memory */
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_false(raw_has_fault(&raw));
	/* a table that is none */
	top = (uint64_t *)raw_memory(&raw, table) + vtd_level_index(VA, 4);
	*top = (*top & 0xfff) | RAW_RAM;
	raw_submit(&raw, &flush);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SFS_1);
	raw_set_first_stage(raw_entry(&raw, &raw.device[0], 5), gpa(RAW_RAM), 1);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 3);
	assert_int_equal(raw_take_fault_reason(&raw), VTD_FAULT_SFS_4);
	raw_destroy(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_request_comes_in_the_guests_words),
		cmocka_unit_test(test_page_request_refused_by_the_guest),
		cmocka_unit_test(test_page_request_without_pasid),
		cmocka_unit_test(test_page_request_of_a_guest_that_has_them_off_is_refused),
		cmocka_unit_test(test_page_requests_are_not_offered),
		cmocka_unit_test(test_page_request_queue_overflow),
		cmocka_unit_test(test_page_request_queue_wraps),
		cmocka_unit_test(test_page_request_queue_without_memory),
		cmocka_unit_test(test_unbind_with_a_request_pending_and_a_late_answer),
		cmocka_unit_test(test_answers_that_nobody_waits_for),
		cmocka_unit_test(test_drain_puts_accepted_requests_in_the_queue),
		cmocka_unit_test(test_fault_comes_in_the_guests_words),
		cmocka_unit_test(test_fault_reason_is_what_the_guests_tables_say),
		cmocka_unit_test(test_fault_of_an_entry_that_is_not_bound),
		cmocka_unit_test(test_fault_processing_disable),
		cmocka_unit_test(test_fault_records_overflow),
		cmocka_unit_test(test_second_stage_faults_in_first_stage_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
