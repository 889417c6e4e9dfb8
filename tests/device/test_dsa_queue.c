// SPDX-License-Identifier: MIT
/* Queues, portals, batches, order: how descriptors come in and in which company they run. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "device/dsa_world.h"
#include "vtd/descriptors.h"

static struct dsa_world d;

static int setup(void **state)
{
	(void)state;
	dsa_world_init(&d, WORKERS_MANUAL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dsa_world_fini(&d);
	return 0;
}

/* Queues */

static void test_dedicated_overflow(void **state)
{
	uint64_t head;

	(void)state;
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		assert_int_equal(submit(&d, DEDICATED, noop_descriptor(), i), 0);
	assert_int_equal(dsa_get(&d, DSA_REG_SWERR), 0);
	/* the limited portal knows no threshold here, and posted writes report nothing */
	assert_int_equal(submit(&d, DEDICATED, noop_descriptor(), QUEUE_SIZE), 0);
	head = dsa_get(&d, DSA_REG_SWERR);
	assert_int_equal(dsa_SWERR_ERROR(head), DSA_PORTAL_QUEUE_FULL);
	assert_int_equal(d.interrupts[0], 1);
	submit(&d, DEDICATED, noop_descriptor(), QUEUE_SIZE);
	assert_true(dsa_SWERR_OVERFLOW(dsa_get(&d, DSA_REG_SWERR)));
	world_run(&d.w);
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		assert_int_equal(status_at(&d, i), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(&d, QUEUE_SIZE), 0);
}

static int submit_limited(unsigned record)
{
	struct dsa_descriptor n = noop_descriptor();

	dsa_descriptor_set_PASID(&n, PASID);
	dsa_descriptor_set_RECORD(&n, RECORD + record * DSA_RECORD_BYTES);
	return dsa_portal_write(
		d.dsa, SHARED * DSA_PORTAL_STRIDE + DSA_PORTAL_PAGE + 64 * (record % 64), &n, true);
}

static void test_shared_retry_and_threshold(void **state)
{
	(void)state;
	for (unsigned i = 0; i < THRESHOLD; i++)
		assert_int_equal(submit_limited(i), 0);
	assert_int_equal(submit_limited(40), 1);
	for (unsigned i = THRESHOLD; i < QUEUE_SIZE; i++)
		assert_int_equal(submit(&d, SHARED, noop_descriptor(), i), 0);
	assert_int_equal(submit(&d, SHARED, noop_descriptor(), 41), 1);
	assert_int_equal(dsa_get(&d, DSA_REG_SWERR), 0);
	assert_int_equal(occupancy(&d, SHARED), QUEUE_SIZE);
	world_run(&d.w);
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		assert_int_equal(status_at(&d, i), DSA_STATUS_SUCCESS);
	assert_int_equal(submit_limited(40), 0);
}

static void test_wrong_kind_of_write(void **state)
{
	struct dsa_descriptor n = noop_descriptor();

	(void)state;
	assert_int_equal(dsa_portal_write(d.dsa, DEDICATED * DSA_PORTAL_STRIDE, &n, true), 1);
	assert_int_equal(software_error(&d), DSA_PORTAL_DEFERRABLE_TO_DEDICATED);
	assert_int_equal(dsa_portal_write(d.dsa, SHARED * DSA_PORTAL_STRIDE, &n, false), 0);
	assert_int_equal(software_error(&d), DSA_PORTAL_POSTED_TO_SHARED);
	assert_int_equal(dsa_portal_write(d.dsa, 2 * DSA_PORTAL_STRIDE, &n, true), 1);
	assert_int_equal(software_error(&d), 0);
	assert_int_equal(dsa_portal_write(d.dsa, 2 * DSA_PORTAL_STRIDE, &n, false), 0);
	assert_int_equal(software_error(&d), DSA_PORTAL_QUEUE_NOT_ENABLED);
	/* pages 2 and 3 are nothing here */
	assert_int_equal(dsa_portal_write(d.dsa, 2 * DSA_PORTAL_PAGE, &n, false), 0);
	assert_int_equal(software_error(&d), 0);
	assert_int_equal(dsa_portal_write(d.dsa, 8, &n, false), -EINVAL);
	assert_int_equal(dsa_portal_write(d.dsa, 0x20000, &n, false), -EINVAL);
	assert_int_equal(dsa_portal_write(d.dsa, UINT64_MAX - 63, &n, false), -EINVAL);
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
}

static void test_any_line_of_the_portal(void **state)
{
	struct dsa_descriptor n = noop_descriptor();

	(void)state;
	for (unsigned line = 0; line < 128; line++) {
		dsa_descriptor_set_RECORD(&n, RECORD + line % 16 * DSA_RECORD_BYTES);
		assert_int_equal(dsa_portal_write(d.dsa, line * 64, &n, false), 0);
		world_run(&d.w);
		assert_int_equal(status_at(&d, line % 16), DSA_STATUS_SUCCESS);
		clear_records(&d);
	}
}

static void test_shared_queue_takes_the_pasid_of_the_command(void **state)
{
	struct dsa_descriptor n = noop_descriptor();

	(void)state;
	dsa_descriptor_set_PASID(&n, PASID + 1);
	dsa_descriptor_set_RECORD(&n, RECORD);
	assert_int_equal(dsa_portal_write(d.dsa, SHARED * DSA_PORTAL_STRIDE, &n, true), 0);
	d.w.unit.policy = FAKE_REFUSE;
	world_run(&d.w);
	assert_int_equal(status_at(&d, 0), 0);
	assert_int_equal(dsa_SWERR_PASID(dsa_get(&d, DSA_REG_SWERR)), PASID + 1);
	software_error(&d);
	/* a dedicated queue does not look at it */
	dsa_portal_write(d.dsa, DEDICATED, &n, false);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_SUCCESS);
}

static void test_privilege(void **state)
{
	struct dsa_descriptor n = noop_descriptor();

	(void)state;
	dsa_descriptor_set_PASID(&n, PASID);
	dsa_descriptor_set_PRIVILEGED(&n, 1);
	dsa_descriptor_set_RECORD(&n, RECORD);
	dsa_portal_write(d.dsa, SHARED * DSA_PORTAL_STRIDE, &n, true);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_PRIVILEGE);
}

/* Assembly */

static struct dsa_descriptor noop_with_record(unsigned record)
{
	struct dsa_descriptor n = noop_descriptor();

	dsa_descriptor_set_RECORD(&n, RECORD + record * DSA_RECORD_BYTES);
	return n;
}

static void store8(uint64_t offset, const struct dsa_descriptor *n, unsigned word)
{
	assert_int_equal(dsa_mmio_write(d.dsa, 2, offset + 8 * word, 8, n->q[word]), 0);
}

static void test_eight_stores(void **state)
{
	static const unsigned orders[][8] = {
		{0, 1, 2, 3, 4, 5, 6, 7}, {0, 7, 6, 5, 4, 3, 2, 1}, {0, 1, 1, 2, 3, 4, 5, 6}};
	struct dsa_descriptor n = noop_with_record(0);

	(void)state;
	for (unsigned o = 0; o < 3; o++) {
		clear_records(&d);
		for (unsigned i = 0; i < 8; i++)
			store8(0x1000 + 64 * o, &n, orders[o][i]);
		world_run(&d.w);
		assert_int_equal(status_at(&d, 0), o < 2 ? DSA_STATUS_SUCCESS : 0);
	}
	store8(0x1080, &n, 7);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_SUCCESS);
}

static void test_sixteen_stores(void **state)
{
	struct dsa_descriptor n = noop_with_record(0);
	uint32_t words[16];

	(void)state;
	memcpy(words, &n, sizeof(words));
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
		assert_int_equal(dsa_mmio_write(d.dsa, 2, 0x1000 + 4 * i, 4, words[i]), 0);
	}
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 1);
}

static void test_lines_do_not_mix(void **state)
{
	struct dsa_descriptor a = noop_with_record(0), b = noop_with_record(1);

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		store8(0x1000, &a, i);
		store8(0x1040, &b, i);
	}
	world_run(&d.w);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(&d, 1), DSA_STATUS_SUCCESS);
}

/* A process is killed between two stores; the next one gets the same portal. */
static void test_line_that_was_left_unfinished(void **state)
{
	struct dsa_descriptor a = noop_with_record(0), b = noop_with_record(1);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		store8(0x1000, &a, i);
	for (unsigned i = 0; i < 8; i++)
		store8(0x1000, &b, i);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 0), 0);
	assert_int_equal(status_at(&d, 1), DSA_STATUS_SUCCESS);
	for (unsigned i = 0; i < 7; i++)
		store8(0x1000, &a, i);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 1), 0);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
	store8(0x1000, &a, 7);
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
}

/* Drain descriptor and order */

static void test_drain_descriptor(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(&d, 0), 0);
	submit(&d, DEDICATED, describe(DSA_OP_DRAIN, ASKED, 0, 0, 0), 1);
	submit(&d, DEDICATED, stuck(&d, 1), 2);
	submit(&d, DEDICATED, describe(DSA_OP_DRAIN, ASKED, 0, 0, 0), 3);
	submit(&d, SHARED, describe(DSA_OP_DRAIN, ASKED, 0, 0, 0), 4);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 1), 0);
	assert_int_equal(status_at(&d, 4), DSA_STATUS_SUCCESS); /* another queue */
	world_answer(&d.w, 1, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 2), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(&d, 3), 0);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(status_at(&d, i), DSA_STATUS_SUCCESS);
}

static void test_a_blocked_job_blocks_no_other(void **state)
{
	(void)state;
	for (unsigned i = 0; i < QUEUE_SIZE - 1; i++)
		submit(&d, DEDICATED, stuck(&d, i), i);
	submit(&d, DEDICATED, noop_descriptor(), 20);
	submit(&d, SHARED, noop_descriptor(), 21);
	world_run(&d.w);
	assert_int_equal(world_requests(&d.w), QUEUE_SIZE - 1);
	assert_int_equal(status_at(&d, 20), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(&d, 21), DSA_STATUS_SUCCESS);
	for (unsigned i = QUEUE_SIZE - 1; i-- > 0;)
		world_answer(&d.w, i, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	for (unsigned i = 0; i < QUEUE_SIZE - 1; i++)
		assert_int_equal(status_at(&d, i), DSA_STATUS_SUCCESS);
}

static void test_little_credit(void **state)
{
	(void)state;
	dsa_config_write(d.dsa, 0x124, 2, 0);
	dsa_config_write(d.dsa, 0x12c, 4, 2);
	dsa_config_write(d.dsa, 0x124, 2, 1);
	for (unsigned i = 0; i < 10; i++)
		submit(&d, DEDICATED, stuck(&d, i), i);
	world_run(&d.w);
	assert_int_equal(world_requests(&d.w), 2);
	for (unsigned i = 0; i < 10; i++) {
		world_answer(&d.w, i, VTD_RESPONSE_SUCCESS);
		world_run(&d.w);
		assert_int_equal(world_requests(&d.w), i + 3 < 10 ? i + 3 : 10);
	}
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(status_at(&d, i), DSA_STATUS_SUCCESS);
}

static void test_pri_reset_answers_for_good(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(&d, 0), 0);
	world_run(&d.w);
	dsa_config_write(d.dsa, 0x124, 2, 0);
	dsa_config_write(d.dsa, 0x124, 2, 2);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_PAGE_FAULT | DSA_STATUS_WRITE);
}

/* Batches */

static void put_list(unsigned index, struct dsa_descriptor descriptor, unsigned record)
{
	if (!dsa_descriptor_RECORD(&descriptor) &&
	    dsa_descriptor_FLAGS(&descriptor) & DSA_FLAG_RECORD_VALID)
		dsa_descriptor_set_RECORD(&descriptor, RECORD + record * DSA_RECORD_BYTES);
	world_write(&d.w, LIST + index * DSA_DESCRIPTOR_BYTES, &descriptor, sizeof(descriptor));
}

static struct dsa_record run_batch(uint32_t flags, uint32_t count)
{
	submit(&d, DEDICATED, describe(DSA_OP_BATCH, flags, LIST, 0, count), 0);
	world_run(&d.w);
	return record_at(&d, 0);
}

static void test_batch(void **state)
{
	struct dsa_record r;

	(void)state;
	put_list(0, describe(DSA_OP_FILL, USUAL, 0x7777777777777777, SOURCE, 40000), 1);
	put_list(1, describe(DSA_OP_MOVE, USUAL | DSA_FLAG_FENCE, SOURCE, DESTINATION, 40000), 2);
	put_list(2, noop_descriptor(), 3);
	r = run_batch(ASKED, 3);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_SUCCESS);
	assert_int_equal(dsa_record_BYTES(&r), 3);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(status_at(&d, i), DSA_STATUS_SUCCESS);
	assert_true(world_is_all(&d.w, DESTINATION, 40000, 0x77));
	assert_int_equal(d.events[VSVA_EV_COMPLETE], 4);
}

static void test_batch_with_failures(void **state)
{
	struct dsa_record r;

	(void)state;
	put_list(0, noop_descriptor(), 1);
	put_list(1, describe(0x3f, ASKED, 0, 0, 0), 2);
	put_list(2, noop_descriptor(), 3);
	r = run_batch(ASKED, 3);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_BATCH_FAILED);
	assert_int_equal(dsa_record_BYTES(&r), 3);
	assert_int_equal(status_at(&d, 2), DSA_STATUS_BAD_OPCODE);
	assert_int_equal(status_at(&d, 3), DSA_STATUS_SUCCESS);
	/* with a fence behind the failure, what follows is given up */
	clear_records(&d);
	put_list(2, describe(DSA_OP_NOOP, ASKED | DSA_FLAG_FENCE, 0, 0, 0), 3);
	r = run_batch(ASKED, 3);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_BATCH_FAILED);
	assert_int_equal(dsa_record_BYTES(&r), 2);
	assert_int_equal(status_at(&d, 3), 0);
	/* neither batches nor drains are in batches */
	clear_records(&d);
	put_list(0, describe(DSA_OP_BATCH, ASKED, LIST, 0, 2), 1);
	put_list(1, describe(DSA_OP_DRAIN, ASKED, 0, 0, 0), 2);
	r = run_batch(ASKED, 2);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_BATCH_FAILED);
	assert_int_equal(status_at(&d, 1), DSA_STATUS_BAD_OPCODE);
	assert_int_equal(status_at(&d, 2), DSA_STATUS_BAD_OPCODE);
}

static void test_batch_list_fault(void **state)
{
	struct dsa_record r;

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		put_list(32 + i, noop_descriptor(), 1);
	world_allow(&d.w, PASID, LIST + 4096, 4096, 0);
	submit(&d, DEDICATED, describe(DSA_OP_BATCH, ASKED, LIST + 4096 - 1024, 0, 32), 0);
	for (unsigned i = 0; i < 16; i++)
		put_list(48 + i, noop_descriptor(), 1);
	world_run(&d.w);
	r = record_at(&d, 0);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_BATCH_LIST_FAULT);
	assert_int_equal(dsa_record_BYTES(&r), 16);
	assert_int_equal(dsa_record_FAULT_ADDRESS(&r), LIST + 4096);
	/* with block on fault it is asked for */
	d.w.unit.policy = FAKE_GRANT;
	clear_records(&d);
	submit(&d, DEDICATED, describe(DSA_OP_BATCH, USUAL, LIST + 4096 - 1024, 0, 32), 0);
	world_run(&d.w);
	assert_int_equal(world_requests(&d.w), 1);
	r = record_at(&d, 0);
	/* the second half of the list is zeroes: no-ops without a record */
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_SUCCESS);
	assert_int_equal(dsa_record_BYTES(&r), 32);
}

static void test_batch_child_waits_for_a_page(void **state)
{
	(void)state;
	put_list(0, stuck(&d, 0), 1);
	put_list(1, stuck(&d, 1), 2);
	put_list(2, noop_descriptor(), 3);
	run_batch(ASKED, 3);
	submit(&d, DEDICATED, noop_descriptor(), 5);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 5), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(&d, 1), 0);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 1), DSA_STATUS_SUCCESS);
	world_answer(&d.w, 1, VTD_RESPONSE_INVALID);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 2), DSA_STATUS_PAGE_INVALID | DSA_STATUS_WRITE);
	assert_int_equal(status_at(&d, 3), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_BATCH_FAILED);
}

static void test_batch_child_without_record_page(void **state)
{
	struct dsa_descriptor child = noop_descriptor();
	uint64_t head;

	(void)state;
	d.w.unit.policy = FAKE_REFUSE;
	world_allow(&d.w, PASID, THIRD, 4096, 0);
	put_list(0, noop_descriptor(), 1);
	dsa_descriptor_set_RECORD(&child, THIRD);
	put_list(1, child, 0);
	put_list(2, child, 0);
	run_batch(ASKED, 3);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_BATCH_FAILED);
	head = dsa_get(&d, DSA_REG_SWERR);
	assert_true(dsa_SWERR_VALID(head) && dsa_SWERR_BATCH(head) && dsa_SWERR_OVERFLOW(head));
	assert_int_equal(dsa_SWERR_ERROR(head), DSA_STATUS_RECORD_FAULT);
	assert_int_equal(dsa_SWERR1_BATCH_INDEX(dsa_get(&d, DSA_REG_SWERR + 8)), 1);
}

static void test_batch_interrupts(void **state)
{
	struct dsa_descriptor n = describe(DSA_OP_NOOP, DSA_FLAG_INTERRUPT, 0, 0, 0);

	(void)state;
	dsa_descriptor_set_INTERRUPT(&n, 2);
	put_list(0, n, 0);
	dsa_descriptor_set_INTERRUPT(&n, 4);
	put_list(1, n, 0);
	run_batch(ASKED, 2);
	assert_int_equal(d.interrupts[2], 1);
	assert_int_equal(d.interrupts[4], 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_dedicated_overflow),
		CASE(test_shared_retry_and_threshold),
		CASE(test_wrong_kind_of_write),
		CASE(test_any_line_of_the_portal),
		CASE(test_shared_queue_takes_the_pasid_of_the_command),
		CASE(test_privilege),
		CASE(test_eight_stores),
		CASE(test_sixteen_stores),
		CASE(test_lines_do_not_mix),
		CASE(test_line_that_was_left_unfinished),
		CASE(test_drain_descriptor),
		CASE(test_a_blocked_job_blocks_no_other),
		CASE(test_little_credit),
		CASE(test_pri_reset_answers_for_good),
		CASE(test_batch),
		CASE(test_batch_with_failures),
		CASE(test_batch_list_fault),
		CASE(test_batch_child_waits_for_a_page),
		CASE(test_batch_child_without_record_page),
		CASE(test_batch_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
