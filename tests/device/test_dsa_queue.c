// SPDX-License-Identifier: MIT
/* Registers, commands, queues, portals, batches: everything around the operations. */
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

static int setup_bare(void **state)
{
	(void)state;
	dsa_world_init_bare(&d, WORKERS_MANUAL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dsa_world_fini(&d);
	return 0;
}

static struct dsa_descriptor noop_descriptor(void)
{
	return describe(DSA_OP_NOOP, ASKED, 0, 0, 0);
}

/* A fill that waits for its page. */
static struct dsa_descriptor stuck(uint64_t page)
{
	world_allow(&d.w, PASID, DESTINATION + page * 4096, 4096, 0);
	return describe(DSA_OP_FILL, USUAL, 0x1111111111111111, DESTINATION + page * 4096, 64);
}

static uint8_t status_at(unsigned record)
{
	struct dsa_record r = record_at(&d, record);

	return (uint8_t)dsa_record_STATUS(&r);
}

static uint64_t software_error(void)
{
	uint64_t head = dsa_get(&d, DSA_REG_SWERR);

	dsa_put(&d, DSA_REG_SWERR, 3);
	return dsa_SWERR_VALID(head) ? dsa_SWERR_ERROR(head) : 0;
}

static unsigned queue_state(unsigned queue)
{
	return (unsigned)dsa_WQCFG3_STATE(dsa_get(&d, DSA_WQCFG + queue * DSA_WQCFG_STRIDE + 24));
}

static unsigned occupancy(unsigned queue)
{
	return (unsigned)dsa_WQCFG3_OCCUPANCY(dsa_get(&d, DSA_WQCFG + queue * DSA_WQCFG_STRIDE + 24));
}

/* Registers ----------------------------------------------------------------------------------------- */

/* What the stock driver reads before anything else; values that it was seen to work with. */
static void test_capabilities(void **state)
{
	(void)state;
	assert_int_equal(dsa_get(&d, 0x00), 0x100);
	assert_int_equal(dsa_get(&d, 0x10), 0x815f001f);
	assert_int_equal(dsa_get(&d, 0x20), UINT64_C(0xf000001080080));
	assert_int_equal(dsa_get(&d, 0x30), 0x6004);
	assert_int_equal(dsa_get(&d, 0x38), 4);
	assert_int_equal(dsa_get(&d, 0x60), UINT64_C(0x700050004));
	assert_int_equal(dsa_get(&d, 0xb0), 0x1ffe);
	assert_int_equal(dsa_config_read(d.dsa, 0, 4), 0x0b258086);
	assert_int_equal(dsa_config_read(d.dsa, 8, 4), 0x08800000);
	assert_int_equal(dsa_config_read(d.dsa, 0x82, 2), 8);
	dsa_config_write(d.dsa, 0x18, 4, 0xffffffff);
	assert_int_equal(dsa_config_read(d.dsa, 0x18, 4), 0xfffe0004);
}

static void test_bad_accesses(void **state)
{
	static const struct {
		unsigned bar;
		uint64_t offset;
		unsigned size;
	} bad[] = {
		{0, 0, 1},	{0, 0, 2},	{0, 0, 3},	  {0, 0, 16},	  {0, 2, 4},
		{0, 4, 8},	{0, 0x4000, 4}, {0, 0x3ffc, 8},	  {1, 0, 4},	  {2, 0, 2},
		{2, 0x20000, 8}, {3, 0, 4},	{0, UINT64_MAX, 4}, {2, UINT64_MAX - 7, 8}, {99, 0, 4},
		{0, 0, 0},
	};
	uint64_t value;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(dsa_mmio_read(d.dsa, bad[i].bar, bad[i].offset, bad[i].size, &value), -EINVAL);
		assert_int_equal(dsa_mmio_write(d.dsa, bad[i].bar, bad[i].offset, bad[i].size, 1), -EINVAL);
	}
	assert_int_equal(dsa_mmio_read(d.dsa, 2, 0x1000, 8, &value), 0);
	assert_int_equal(value, 0);
}

static void test_read_only_registers(void **state)
{
	uint64_t before[0x60 / 8], value;

	(void)state;
	for (uint32_t i = 0; i < 0x60; i += 8)
		before[i / 8] = dsa_get(&d, i);
	for (uint32_t i = 0; i < 0x80; i += 8)
		dsa_put(&d, i, UINT64_MAX);
	dsa_put(&d, DSA_REG_GENSTS, 0);
	dsa_put(&d, DSA_REG_CMDSTS, UINT64_MAX);
	for (uint32_t i = 0; i < 0x60; i += 8)
		assert_int_equal(dsa_get(&d, i), before[i / 8]);
	assert_int_equal(dsa_get(&d, DSA_REG_GENSTS), DSA_DEVICE_ENABLED);
	/* nor what a queue or a device that is enabled was enabled with */
	value = dsa_get(&d, DSA_WQCFG + 8);
	dsa_put(&d, DSA_WQCFG + 8, 0);
	assert_int_equal(dsa_get(&d, DSA_WQCFG + 8), value);
	dsa_put(&d, DSA_GRPCFG, 0);
	assert_int_equal(dsa_get(&d, DSA_GRPCFG), 3);
	/* the state never */
	dsa_put(&d, DSA_WQCFG + 2 * DSA_WQCFG_STRIDE + 24, UINT64_MAX);
	assert_int_equal(queue_state(2), DSA_WQ_DISABLED);
}

static void test_msix_table(void **state)
{
	(void)state;
	assert_int_equal(dsa_get(&d, 0x2008), UINT64_C(1) << 32);
	dsa_put(&d, 0x2000, 0x00000000fee00000);
	dsa_put(&d, 0x2008, UINT64_C(0xffffffff00004021));
	assert_int_equal(dsa_get(&d, 0x2000), 0xfee00000);
	assert_int_equal(dsa_get(&d, 0x2008), UINT64_C(0x100004021));
	dsa_put(&d, 0x2000 + 9 * 16, 1);
	assert_int_equal(dsa_get(&d, 0x2000 + 9 * 16), 0);
	dsa_put(&d, 0x3000, 1);
	assert_int_equal(dsa_get(&d, 0x3000), 0);
	/* permissions are kept and mean nothing: only vectors that no driver of a stock guest needs */
	dsa_put(&d, 0x700, 0x1234);
	assert_int_equal(dsa_get(&d, 0x700), 0x1234);
}

/* Commands ------------------------------------------------------------------------------------------- */

static void test_enable_device_errors(void **state)
{
	(void)state;
	assert_int_equal(dsa_command(&d, 0, 0), DSA_CMDSTS_INVALID_COMMAND);
	assert_int_equal(dsa_command(&d, 13, 0), DSA_CMDSTS_INVALID_COMMAND);
	assert_int_equal(dsa_command(&d, 31, 0), DSA_CMDSTS_INVALID_COMMAND);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_BUS_MASTER);
	dsa_config_write(d.dsa, 4, 2, 6);
	dsa_put(&d, DSA_GRPCFG, 1);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_GROUP_WITHOUT_ENGINE);
	dsa_put(&d, DSA_GRPCFG + 32, 1);
	dsa_put(&d, DSA_GRPCFG + 64, 1);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_GROUP_QUEUE_TWICE);
	dsa_put(&d, DSA_GRPCFG + 64, 2);
	dsa_put(&d, DSA_GRPCFG + 64 + 32, 1);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_GROUP_ENGINE_TWICE);
	dsa_put(&d, DSA_GRPCFG + 64 + 32, 16);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_GROUP_UNKNOWN_MEMBER);
	dsa_put(&d, DSA_GRPCFG + 64 + 32, 2);
	dsa_put(&d, DSA_WQCFG, 100);
	dsa_put(&d, DSA_WQCFG + 64, 29);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_QUEUE_SIZES);
	dsa_put(&d, DSA_WQCFG + 64, 28);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_DEVICE_NOT_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0), DSA_CMDSTS_DISABLE_NOT_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DRAIN_WQ, 1), DSA_CMDSTS_QUEUE_NOT_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_OK);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_ALREADY_ENABLED);
	assert_int_equal(dsa_get(&d, DSA_REG_GENSTS), DSA_DEVICE_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0), DSA_CMDSTS_OK);
	assert_int_equal(dsa_get(&d, DSA_REG_GENSTS), DSA_DEVICE_DISABLED);
}

static unsigned enable_with(unsigned queue, uint64_t size, uint64_t config)
{
	dsa_put(&d, DSA_WQCFG + queue * DSA_WQCFG_STRIDE, size);
	dsa_put(&d, DSA_WQCFG + queue * DSA_WQCFG_STRIDE + 8, config);
	return dsa_command(&d, DSA_COMMAND_ENABLE_WQ, queue);
}

static void test_enable_queue_errors(void **state)
{
	const uint64_t good = 1 | 10 << 4 | UINT64_C(21) << 32 | UINT64_C(5) << 37;
	const uint64_t shared = (good & ~UINT64_C(1)) | 1u << 28;

	(void)state;
	dsa_config_write(d.dsa, 4, 2, 6);
	dsa_put(&d, DSA_GRPCFG, 1);
	dsa_put(&d, DSA_GRPCFG + 32, 1);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), 0);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 8), DSA_CMDSTS_INVALID_QUEUE);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0xfffff), DSA_CMDSTS_INVALID_QUEUE);
	assert_int_equal(enable_with(1, 16, good), DSA_CMDSTS_CONFIG); /* in no group */
	assert_int_equal(enable_with(0, 0, good), DSA_CMDSTS_QUEUE_SIZE);
	assert_int_equal(enable_with(0, 129, good), DSA_CMDSTS_QUEUE_SIZE);
	assert_int_equal(enable_with(0, 16, good & ~UINT64_C(0xf0)), DSA_CMDSTS_QUEUE_PRIORITY);
	assert_int_equal(enable_with(0, 16, good | 1u << 28), DSA_CMDSTS_QUEUE_PASID);
	assert_int_equal(enable_with(0, 16, good & ~UINT64_C(1)), DSA_CMDSTS_QUEUE_PASID);
	assert_int_equal(enable_with(0, 16, good | UINT64_C(15) << 37), DSA_CMDSTS_QUEUE_MAX_BATCH);
	dsa_config_write(d.dsa, 0x146, 2, 1);
	assert_int_equal(enable_with(0, 16, shared), DSA_CMDSTS_QUEUE_SIZE); /* no threshold */
	assert_int_equal(enable_with(0, 16 | UINT64_C(17) << 32, shared), DSA_CMDSTS_QUEUE_SIZE);
	assert_int_equal(enable_with(0, 16 | UINT64_C(16) << 32, shared), DSA_CMDSTS_OK);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_QUEUE_ENABLED);
	assert_int_equal(queue_state(0), DSA_WQ_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 2), DSA_CMDSTS_QUEUE_NOT_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 0x100), DSA_CMDSTS_INVALID_QUEUE);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 0x10001), DSA_CMDSTS_INVALID_QUEUE);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 1), DSA_CMDSTS_OK);
	assert_int_equal(queue_state(0), DSA_WQ_DISABLED);
}

/* Open and close of a user queue, as the stock driver does it. */
static void test_driver_sequence(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		dsa_put(&d, DSA_REG_INTCAUSE, UINT32_MAX);
		d.interrupts[0] = 0;
		assert_int_equal(dsa_command(&d, DSA_COMMAND_DRAIN_WQ, 1), 0);
		assert_int_equal(dsa_get(&d, DSA_REG_INTCAUSE) & 2, 2);
		assert_int_equal(dsa_command(&d, DSA_COMMAND_RESET_WQ, 1), 0);
		assert_int_equal(queue_state(0), DSA_WQ_DISABLED);
		assert_int_equal(dsa_get(&d, DSA_WQCFG), 0);
		for (unsigned word = 0; word < 16; word++)
			dsa_put(&d, DSA_WQCFG + 4 * word, 0);
		dsa_put(&d, DSA_WQCFG, 16);
		dsa_put(&d, DSA_WQCFG + 8, 3 | 10 << 4 | PASID << 8 | 1u << 28 | UINT64_C(21) << 32);
		assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
		assert_int_equal(d.interrupts[0], 3);
		submit(&d, DEDICATED, noop_descriptor(), round);
		world_run(&d.w);
		assert_int_equal(status_at(round), DSA_STATUS_SUCCESS);
	}
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0), 0);
	assert_int_equal(queue_state(0), DSA_WQ_DISABLED);
	assert_int_equal(dsa_mmio_write(d.dsa, 0, DSA_REG_CMD, 4, DSA_COMMAND_RESET_DEVICE << 20), 0);
	assert_int_equal(dsa_get(&d, DSA_REG_CMDSTS), 0);
	assert_int_equal(dsa_get(&d, DSA_WQCFG), 0);
	dsa_world_configure(&d);
}

static void test_drain_waits_for_a_page(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(0), 0);
	submit(&d, DEDICATED, noop_descriptor(), 1);
	world_run(&d.w);
	assert_int_equal(status_at(1), DSA_STATUS_SUCCESS);
	assert_int_equal(occupancy(DEDICATED), 1);
	d.interrupts[0] = 0;
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DRAIN_WQ, 1)));
	/* what comes later does not hold it up */
	submit(&d, DEDICATED, stuck(1), 2);
	world_run(&d.w);
	assert_int_equal(d.interrupts[0], 0);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(dsa_get(&d, DSA_REG_CMDSTS), 0);
	assert_int_equal(d.interrupts[0], 1);
	assert_int_equal(status_at(0), DSA_STATUS_SUCCESS);
	assert_int_equal(occupancy(DEDICATED), 1);
}

static void test_drain_pasid(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(0), 0);
	world_run(&d.w);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DRAIN_PASID, PASID + 1), 0);
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DRAIN_PASID, PASID)));
	/* the answer no ends it too */
	world_answer(&d.w, 0, VTD_RESPONSE_INVALID);
	world_run(&d.w);
	assert_int_equal(dsa_get(&d, DSA_REG_CMDSTS), 0);
	assert_int_equal(status_at(0), DSA_STATUS_PAGE_INVALID | DSA_STATUS_WRITE);
}

static void test_abort(void **state)
{
	static const struct {
		unsigned code;
		uint32_t operand;
	} aborts[] = {{DSA_COMMAND_ABORT_ALL, 0}, {DSA_COMMAND_ABORT_WQ, 1}, {DSA_COMMAND_ABORT_PASID, PASID}};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		clear_records(&d);
		submit(&d, DEDICATED, stuck(i), 0);
		world_run(&d.w);
		submit(&d, DEDICATED, noop_descriptor(), 1);
		assert_int_equal(dsa_jobs_in_flight(d.dsa), 2);
		assert_int_equal(dsa_command(&d, aborts[i].code, aborts[i].operand), 0);
		assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
		world_run(&d.w);
		assert_int_equal(status_at(0), 0);
		assert_int_equal(status_at(1), 0);
		/* a late answer is nobody's, also if the entry is in use again */
		submit(&d, DEDICATED, stuck(i), 0);
		world_run(&d.w);
		world_answer(&d.w, 2 * i, VTD_RESPONSE_INVALID);
		world_run(&d.w);
		assert_int_equal(status_at(0), 0);
		world_answer(&d.w, 2 * i + 1, VTD_RESPONSE_SUCCESS);
		world_run(&d.w);
		assert_int_equal(status_at(0), DSA_STATUS_SUCCESS);
		assert_int_equal(dsa_command(&d, DSA_COMMAND_ABORT_PASID, 77), 0);
	}
}

static void test_abort_ends_a_drain(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(0), 0);
	world_run(&d.w);
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DRAIN_ALL, 0)));
	/* any other command is not taken meanwhile */
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 2)));
	assert_int_equal(queue_state(1), DSA_WQ_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ABORT_PASID, PASID), 0);
}

static void test_disable_waits(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(0), 0);
	world_run(&d.w);
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 1)));
	assert_int_equal(queue_state(0), DSA_WQ_BUSY);
	submit(&d, DEDICATED, noop_descriptor(), 1);
	assert_int_equal(software_error(), DSA_PORTAL_QUEUE_NOT_ENABLED);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(queue_state(0), DSA_WQ_DISABLED);
	assert_int_equal(status_at(0), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(1), 0);
	assert_int_equal(queue_state(1), DSA_WQ_ENABLED);
	/* the device */
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
	submit(&d, DEDICATED, stuck(1), 0);
	world_run(&d.w);
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0)));
	assert_int_equal(dsa_get(&d, DSA_REG_GENSTS), DSA_DEVICE_DRAIN);
	assert_int_equal(submit(&d, SHARED, noop_descriptor(), 1), 1);
	world_answer(&d.w, 1, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(dsa_get(&d, DSA_REG_GENSTS), DSA_DEVICE_DISABLED);
	assert_int_equal(queue_state(1), DSA_WQ_DISABLED);
}

/* Queues ------------------------------------------------------------------------------------------------ */

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
		assert_int_equal(status_at(i), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(QUEUE_SIZE), 0);
}

static int submit_limited(unsigned record)
{
	struct dsa_descriptor n = noop_descriptor();

	dsa_descriptor_set_PASID(&n, PASID);
	dsa_descriptor_set_RECORD(&n, RECORD + record * DSA_RECORD_BYTES);
	return dsa_portal_write(d.dsa, SHARED * DSA_PORTAL_STRIDE + DSA_PORTAL_PAGE + 64 * (record % 64), &n,
				true);
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
	assert_int_equal(occupancy(SHARED), QUEUE_SIZE);
	world_run(&d.w);
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		assert_int_equal(status_at(i), DSA_STATUS_SUCCESS);
	assert_int_equal(submit_limited(40), 0);
}

static void test_wrong_kind_of_write(void **state)
{
	struct dsa_descriptor n = noop_descriptor();

	(void)state;
	assert_int_equal(dsa_portal_write(d.dsa, DEDICATED * DSA_PORTAL_STRIDE, &n, true), 1);
	assert_int_equal(software_error(), DSA_PORTAL_DEFERRABLE_TO_DEDICATED);
	assert_int_equal(dsa_portal_write(d.dsa, SHARED * DSA_PORTAL_STRIDE, &n, false), 0);
	assert_int_equal(software_error(), DSA_PORTAL_POSTED_TO_SHARED);
	assert_int_equal(dsa_portal_write(d.dsa, 2 * DSA_PORTAL_STRIDE, &n, true), 1);
	assert_int_equal(software_error(), 0);
	assert_int_equal(dsa_portal_write(d.dsa, 2 * DSA_PORTAL_STRIDE, &n, false), 0);
	assert_int_equal(software_error(), DSA_PORTAL_QUEUE_NOT_ENABLED);
	/* pages 2 and 3 are nothing here */
	assert_int_equal(dsa_portal_write(d.dsa, 2 * DSA_PORTAL_PAGE, &n, false), 0);
	assert_int_equal(software_error(), 0);
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
		assert_int_equal(status_at(line % 16), DSA_STATUS_SUCCESS);
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
	assert_int_equal(status_at(0), 0);
	assert_int_equal(dsa_SWERR_PASID(dsa_get(&d, DSA_REG_SWERR)), PASID + 1);
	software_error();
	/* a dedicated queue does not look at it */
	dsa_portal_write(d.dsa, DEDICATED, &n, false);
	world_run(&d.w);
	assert_int_equal(status_at(0), DSA_STATUS_SUCCESS);
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
	assert_int_equal(status_at(0), DSA_STATUS_PRIVILEGE);
}

/* Assembly ------------------------------------------------------------------------------------------------ */

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
		assert_int_equal(status_at(0), o < 2 ? DSA_STATUS_SUCCESS : 0);
	}
	store8(0x1080, &n, 7);
	world_run(&d.w);
	assert_int_equal(status_at(0), DSA_STATUS_SUCCESS);
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
	assert_int_equal(status_at(0), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(1), DSA_STATUS_SUCCESS);
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
	assert_int_equal(status_at(0), 0);
	assert_int_equal(status_at(1), DSA_STATUS_SUCCESS);
	for (unsigned i = 0; i < 7; i++)
		store8(0x1000, &a, i);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 1), 0);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
	store8(0x1000, &a, 7);
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
}

/* Drain descriptor and order -------------------------------------------------------------------------------- */

static void test_drain_descriptor(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(0), 0);
	submit(&d, DEDICATED, describe(DSA_OP_DRAIN, ASKED, 0, 0, 0), 1);
	submit(&d, DEDICATED, stuck(1), 2);
	submit(&d, DEDICATED, describe(DSA_OP_DRAIN, ASKED, 0, 0, 0), 3);
	submit(&d, SHARED, describe(DSA_OP_DRAIN, ASKED, 0, 0, 0), 4);
	world_run(&d.w);
	assert_int_equal(status_at(1), 0);
	assert_int_equal(status_at(4), DSA_STATUS_SUCCESS); /* another queue */
	world_answer(&d.w, 1, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(status_at(2), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(3), 0);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(status_at(i), DSA_STATUS_SUCCESS);
}

static void test_a_blocked_job_blocks_no_other(void **state)
{
	(void)state;
	for (unsigned i = 0; i < QUEUE_SIZE - 1; i++)
		submit(&d, DEDICATED, stuck(i), i);
	submit(&d, DEDICATED, noop_descriptor(), 20);
	submit(&d, SHARED, noop_descriptor(), 21);
	world_run(&d.w);
	assert_int_equal(world_requests(&d.w), QUEUE_SIZE - 1);
	assert_int_equal(status_at(20), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(21), DSA_STATUS_SUCCESS);
	for (unsigned i = QUEUE_SIZE - 1; i-- > 0;)
		world_answer(&d.w, i, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	for (unsigned i = 0; i < QUEUE_SIZE - 1; i++)
		assert_int_equal(status_at(i), DSA_STATUS_SUCCESS);
}

static void test_little_credit(void **state)
{
	(void)state;
	dsa_config_write(d.dsa, 0x124, 2, 0);
	dsa_config_write(d.dsa, 0x12c, 4, 2);
	dsa_config_write(d.dsa, 0x124, 2, 1);
	for (unsigned i = 0; i < 10; i++)
		submit(&d, DEDICATED, stuck(i), i);
	world_run(&d.w);
	assert_int_equal(world_requests(&d.w), 2);
	for (unsigned i = 0; i < 10; i++) {
		world_answer(&d.w, i, VTD_RESPONSE_SUCCESS);
		world_run(&d.w);
		assert_int_equal(world_requests(&d.w), i + 3 < 10 ? i + 3 : 10);
	}
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(status_at(i), DSA_STATUS_SUCCESS);
}

static void test_pri_reset_answers_for_good(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(0), 0);
	world_run(&d.w);
	dsa_config_write(d.dsa, 0x124, 2, 0);
	dsa_config_write(d.dsa, 0x124, 2, 2);
	world_run(&d.w);
	assert_int_equal(status_at(0), DSA_STATUS_PAGE_FAULT | DSA_STATUS_WRITE);
}

/* Batches ---------------------------------------------------------------------------------------------------- */

static void put_list(unsigned index, struct dsa_descriptor descriptor, unsigned record)
{
	if (!dsa_descriptor_RECORD(&descriptor) && dsa_descriptor_FLAGS(&descriptor) & DSA_FLAG_RECORD_VALID)
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
		assert_int_equal(status_at(i), DSA_STATUS_SUCCESS);
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
	assert_int_equal(status_at(2), DSA_STATUS_BAD_OPCODE);
	assert_int_equal(status_at(3), DSA_STATUS_SUCCESS);
	/* with a fence behind the failure, what follows is given up */
	clear_records(&d);
	put_list(2, describe(DSA_OP_NOOP, ASKED | DSA_FLAG_FENCE, 0, 0, 0), 3);
	r = run_batch(ASKED, 3);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_BATCH_FAILED);
	assert_int_equal(dsa_record_BYTES(&r), 2);
	assert_int_equal(status_at(3), 0);
	/* neither batches nor drains are in batches */
	clear_records(&d);
	put_list(0, describe(DSA_OP_BATCH, ASKED, LIST, 0, 2), 1);
	put_list(1, describe(DSA_OP_DRAIN, ASKED, 0, 0, 0), 2);
	r = run_batch(ASKED, 2);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_BATCH_FAILED);
	assert_int_equal(status_at(1), DSA_STATUS_BAD_OPCODE);
	assert_int_equal(status_at(2), DSA_STATUS_BAD_OPCODE);
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
	put_list(0, stuck(0), 1);
	put_list(1, stuck(1), 2);
	put_list(2, noop_descriptor(), 3);
	run_batch(ASKED, 3);
	submit(&d, DEDICATED, noop_descriptor(), 5);
	world_run(&d.w);
	assert_int_equal(status_at(5), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(1), 0);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(status_at(1), DSA_STATUS_SUCCESS);
	world_answer(&d.w, 1, VTD_RESPONSE_INVALID);
	world_run(&d.w);
	assert_int_equal(status_at(2), DSA_STATUS_PAGE_INVALID | DSA_STATUS_WRITE);
	assert_int_equal(status_at(3), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(0), DSA_STATUS_BATCH_FAILED);
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
	assert_int_equal(status_at(0), DSA_STATUS_BATCH_FAILED);
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

/* Reset -------------------------------------------------------------------------------------------------------- */

static void submit_some(void)
{
	submit(&d, DEDICATED, stuck(0), 0);
	world_run(&d.w);
	submit(&d, DEDICATED, noop_descriptor(), 1);
	submit(&d, SHARED, noop_descriptor(), 2);
}

static void test_reset(void **state)
{
	(void)state;
	submit_some();
	dsa_reset(d.dsa);
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
	assert_int_equal(dsa_get(&d, DSA_REG_GENSTS), 0);
	assert_int_equal(dsa_get(&d, DSA_WQCFG), 0);
	assert_int_equal(dsa_get(&d, DSA_GRPCFG), 0);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(status_at(i), 0);
	/* the configuration space is its owner's */
	assert_true(pci_config_ats_enabled(dsa_config_space(d.dsa)));
	dsa_world_configure(&d);
	submit(&d, DEDICATED, noop_descriptor(), 1);
	world_run(&d.w);
	assert_int_equal(status_at(1), DSA_STATUS_SUCCESS);
}

static void test_function_level_reset(void **state)
{
	(void)state;
	submit_some();
	dsa_config_write(d.dsa, 0x48, 2, 0x8000);
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
	assert_false(pci_config_ats_enabled(dsa_config_space(d.dsa)));
	assert_false(pci_config_bus_master(dsa_config_space(d.dsa)));
	dsa_world_configure(&d);
}

static void test_gone(void **state)
{
	struct ats_invalidation scope = {true, true, 0, 0, 64};

	(void)state;
	submit_some();
	dsa_set_gone(d.dsa, true);
	assert_int_equal(endpoint_invalidate(dsa_endpoint(d.dsa), &scope), -ETIMEDOUT);
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	dsa_set_gone(d.dsa, false);
	assert_int_equal(endpoint_invalidate(dsa_endpoint(d.dsa), &scope), 0);
	dsa_world_configure(&d);
	submit(&d, DEDICATED, noop_descriptor(), 1);
	world_run(&d.w);
	assert_int_equal(status_at(1), DSA_STATUS_SUCCESS);
}

static void test_destroy_with_work_in_flight(void **state)
{
	(void)state;
	submit_some();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_capabilities),
		CASE(test_bad_accesses),
		CASE(test_read_only_registers),
		CASE(test_msix_table),
		cmocka_unit_test_setup_teardown(test_enable_device_errors, setup_bare, teardown),
		cmocka_unit_test_setup_teardown(test_enable_queue_errors, setup_bare, teardown),
		CASE(test_driver_sequence),
		CASE(test_drain_waits_for_a_page),
		CASE(test_drain_pasid),
		CASE(test_abort),
		CASE(test_abort_ends_a_drain),
		CASE(test_disable_waits),
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
		CASE(test_reset),
		CASE(test_function_level_reset),
		CASE(test_gone),
		CASE(test_destroy_with_work_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
