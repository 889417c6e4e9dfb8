// SPDX-License-Identifier: MIT
/* Registers, commands, resets. */
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

/* Registers */

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
		{0, 0, 1},          {0, 0, 2},
		{0, 0, 3},          {0, 0, 16},
		{0, 2, 4},          {0, 4, 8},
		{0, 0x4000, 4},     {0, 0x3ffc, 8},
		{1, 0, 4},          {2, 0, 2},
		{2, 0x20000, 8},    {3, 0, 4},
		{0, UINT64_MAX, 4}, {2, UINT64_MAX - 7, 8},
		{99, 0, 4},         {0, 0, 0},
	};
	uint64_t value;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			dsa_mmio_read(d.dsa, bad[i].bar, bad[i].offset, bad[i].size, &value),
			-EINVAL);
		assert_int_equal(dsa_mmio_write(d.dsa, bad[i].bar, bad[i].offset, bad[i].size, 1),
				 -EINVAL);
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
	assert_int_equal(queue_state(&d, 2), DSA_WQ_DISABLED);
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
	/* permissions are kept and mean nothing: only vectors that no driver of a stock guest needs
	 */
	dsa_put(&d, 0x700, 0x1234);
	assert_int_equal(dsa_get(&d, 0x700), 0x1234);
}

/* Commands */

static void test_enable_device_errors(void **state)
{
	(void)state;
	assert_int_equal(dsa_command(&d, 0, 0), DSA_CMDSTS_INVALID_COMMAND);
	assert_int_equal(dsa_command(&d, 13, 0), DSA_CMDSTS_INVALID_COMMAND);
	assert_int_equal(dsa_command(&d, 31, 0), DSA_CMDSTS_INVALID_COMMAND);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_BUS_MASTER);
	dsa_config_write(d.dsa, 4, 2, 6);
	dsa_put(&d, DSA_GRPCFG, 1);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0),
			 DSA_CMDSTS_GROUP_WITHOUT_ENGINE);
	dsa_put(&d, DSA_GRPCFG + 32, 1);
	dsa_put(&d, DSA_GRPCFG + 64, 1);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0),
			 DSA_CMDSTS_GROUP_QUEUE_TWICE);
	dsa_put(&d, DSA_GRPCFG + 64, 2);
	dsa_put(&d, DSA_GRPCFG + 64 + 32, 1);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0),
			 DSA_CMDSTS_GROUP_ENGINE_TWICE);
	dsa_put(&d, DSA_GRPCFG + 64 + 32, 16);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0),
			 DSA_CMDSTS_GROUP_UNKNOWN_MEMBER);
	dsa_put(&d, DSA_GRPCFG + 64 + 32, 2);
	dsa_put(&d, DSA_WQCFG, 100);
	dsa_put(&d, DSA_WQCFG + 64, 29);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_QUEUE_SIZES);
	dsa_put(&d, DSA_WQCFG + 64, 28);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_DEVICE_NOT_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0),
			 DSA_CMDSTS_DISABLE_NOT_ENABLED);
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
	assert_int_equal(queue_state(&d, 0), DSA_WQ_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 2), DSA_CMDSTS_QUEUE_NOT_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 0x100), DSA_CMDSTS_INVALID_QUEUE);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 0x10001),
			 DSA_CMDSTS_INVALID_QUEUE);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 1), DSA_CMDSTS_OK);
	assert_int_equal(queue_state(&d, 0), DSA_WQ_DISABLED);
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
		assert_int_equal(queue_state(&d, 0), DSA_WQ_DISABLED);
		assert_int_equal(dsa_get(&d, DSA_WQCFG), 0);
		for (unsigned word = 0; word < 16; word++)
			dsa_put(&d, DSA_WQCFG + 4 * word, 0);
		dsa_put(&d, DSA_WQCFG, 16);
		dsa_put(&d, DSA_WQCFG + 8,
			3 | 10 << 4 | PASID << 8 | 1u << 28 | UINT64_C(21) << 32);
		assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
		assert_int_equal(d.interrupts[0], 3);
		submit(&d, DEDICATED, noop_descriptor(), round);
		world_run(&d.w);
		assert_int_equal(status_at(&d, round), DSA_STATUS_SUCCESS);
	}
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0), 0);
	assert_int_equal(queue_state(&d, 0), DSA_WQ_DISABLED);
	assert_int_equal(dsa_mmio_write(d.dsa, 0, DSA_REG_CMD, 4, DSA_COMMAND_RESET_DEVICE << 20),
			 0);
	assert_int_equal(dsa_get(&d, DSA_REG_CMDSTS), 0);
	assert_int_equal(dsa_get(&d, DSA_WQCFG), 0);
	dsa_world_configure(&d);
}

static void test_drain_waits_for_a_page(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(&d, 0), 0);
	submit(&d, DEDICATED, noop_descriptor(), 1);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 1), DSA_STATUS_SUCCESS);
	assert_int_equal(occupancy(&d, DEDICATED), 1);
	d.interrupts[0] = 0;
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DRAIN_WQ, 1)));
	/* what comes later does not hold it up */
	submit(&d, DEDICATED, stuck(&d, 1), 2);
	world_run(&d.w);
	assert_int_equal(d.interrupts[0], 0);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(dsa_get(&d, DSA_REG_CMDSTS), 0);
	assert_int_equal(d.interrupts[0], 1);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_SUCCESS);
	assert_int_equal(occupancy(&d, DEDICATED), 1);
}

static void test_drain_pasid(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(&d, 0), 0);
	world_run(&d.w);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DRAIN_PASID, PASID + 1), 0);
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DRAIN_PASID, PASID)));
	/* the answer no ends it too */
	world_answer(&d.w, 0, VTD_RESPONSE_INVALID);
	world_run(&d.w);
	assert_int_equal(dsa_get(&d, DSA_REG_CMDSTS), 0);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_PAGE_INVALID | DSA_STATUS_WRITE);
}

/* Whoever counts work in flight is told what is about to be stopped, and for whom. */
static void test_a_stop_is_told(void **state)
{
	static const struct {
		unsigned code;
		uint32_t operand, pasid;
	} stops[] = {
		{DSA_COMMAND_DRAIN_PASID, 9, 9},
		{DSA_COMMAND_DRAIN_WQ, 1u << DEDICATED, PASID},
		{DSA_COMMAND_DRAIN_WQ, 1u << SHARED, VSVA_PASID_INVALID},
		{DSA_COMMAND_DRAIN_WQ, 1u << DEDICATED | 1u << SHARED, VSVA_PASID_INVALID},
		{DSA_COMMAND_ABORT_ALL, 0, VSVA_PASID_INVALID},
		{DSA_COMMAND_DISABLE_WQ, 1u << DEDICATED, PASID},
	};

	(void)state;
	assert_int_equal(d.events[VSVA_EV_STOP], 0);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(dsa_command(&d, stops[i].code, stops[i].operand), 0);
		assert_int_equal(d.events[VSVA_EV_STOP], i + 1);
		assert_int_equal(d.last_stop.value, stops[i].code);
		assert_int_equal(d.last_stop.hpasid.v, stops[i].pasid);
	}
	dsa_reset(d.dsa);
	assert_int_equal(d.last_stop.value, 0);
	assert_int_equal(d.last_stop.hpasid.v, VSVA_PASID_INVALID);
}

static void test_abort(void **state)
{
	static const struct {
		unsigned code;
		uint32_t operand;
	} aborts[] = {{DSA_COMMAND_ABORT_ALL, 0},
		      {DSA_COMMAND_ABORT_WQ, 1},
		      {DSA_COMMAND_ABORT_PASID, PASID}};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		clear_records(&d);
		submit(&d, DEDICATED, stuck(&d, i), 0);
		world_run(&d.w);
		submit(&d, DEDICATED, noop_descriptor(), 1);
		assert_int_equal(dsa_jobs_in_flight(d.dsa), 2);
		assert_int_equal(dsa_command(&d, aborts[i].code, aborts[i].operand), 0);
		assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
		world_run(&d.w);
		assert_int_equal(status_at(&d, 0), 0);
		assert_int_equal(status_at(&d, 1), 0);
		/* a late answer is nobody's, also if the entry is in use again */
		submit(&d, DEDICATED, stuck(&d, i), 0);
		world_run(&d.w);
		world_answer(&d.w, 2 * i, VTD_RESPONSE_INVALID);
		world_run(&d.w);
		assert_int_equal(status_at(&d, 0), 0);
		world_answer(&d.w, 2 * i + 1, VTD_RESPONSE_SUCCESS);
		world_run(&d.w);
		assert_int_equal(status_at(&d, 0), DSA_STATUS_SUCCESS);
		assert_int_equal(dsa_command(&d, DSA_COMMAND_ABORT_PASID, 77), 0);
	}
}

/* The entry that was aborted while it waited is in use again when the answer comes. */
static void test_late_answer_to_an_entry_in_use(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(&d, 0), 0);
	world_run(&d.w);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ABORT_ALL, 0), 0);
	for (unsigned i = 1; i < DSA_MAX_ENTRIES; i++) {
		submit(&d, DEDICATED, noop_descriptor(), 1);
		world_run(&d.w);
	}
	submit(&d, DEDICATED, stuck(&d, 1), 2);
	world_run(&d.w);
	assert_int_equal(world_requests(&d.w), 2);
	world_answer(&d.w, 0, VTD_RESPONSE_INVALID);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 2), 0);
	world_answer(&d.w, 1, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 2), DSA_STATUS_SUCCESS);
}

static void test_abort_ends_a_drain(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(&d, 0), 0);
	world_run(&d.w);
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DRAIN_ALL, 0)));
	/* any other command is not taken meanwhile */
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 2)));
	assert_int_equal(queue_state(&d, 1), DSA_WQ_ENABLED);
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ABORT_PASID, PASID), 0);
}

static void test_disable_waits(void **state)
{
	(void)state;
	submit(&d, DEDICATED, stuck(&d, 0), 0);
	world_run(&d.w);
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 1)));
	assert_int_equal(queue_state(&d, 0), DSA_WQ_BUSY);
	submit(&d, DEDICATED, noop_descriptor(), 1);
	assert_int_equal(software_error(&d), DSA_PORTAL_QUEUE_NOT_ENABLED);
	world_answer(&d.w, 0, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(queue_state(&d, 0), DSA_WQ_DISABLED);
	assert_int_equal(status_at(&d, 0), DSA_STATUS_SUCCESS);
	assert_int_equal(status_at(&d, 1), 0);
	assert_int_equal(queue_state(&d, 1), DSA_WQ_ENABLED);
	/* the device */
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
	submit(&d, DEDICATED, stuck(&d, 1), 0);
	world_run(&d.w);
	assert_true(dsa_CMDSTS_ACTIVE(dsa_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0)));
	assert_int_equal(dsa_get(&d, DSA_REG_GENSTS), DSA_DEVICE_DRAIN);
	assert_int_equal(submit(&d, SHARED, noop_descriptor(), 1), 1);
	world_answer(&d.w, 1, VTD_RESPONSE_SUCCESS);
	world_run(&d.w);
	assert_int_equal(dsa_get(&d, DSA_REG_GENSTS), DSA_DEVICE_DISABLED);
	assert_int_equal(queue_state(&d, 1), DSA_WQ_DISABLED);
}

/* Reset */

static void submit_some(void)
{
	submit(&d, DEDICATED, stuck(&d, 0), 0);
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
		assert_int_equal(status_at(&d, i), 0);
	/* the configuration space is its owner's */
	assert_true(pci_config_ats_enabled(dsa_config_space(d.dsa)));
	dsa_world_configure(&d);
	submit(&d, DEDICATED, noop_descriptor(), 1);
	world_run(&d.w);
	assert_int_equal(status_at(&d, 1), DSA_STATUS_SUCCESS);
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
	assert_int_equal(status_at(&d, 1), DSA_STATUS_SUCCESS);
}

static void test_destroy_with_work_in_flight(void **state)
{
	(void)state;
	submit_some();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, setup_bare, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_capabilities),
		CASE(test_bad_accesses),
		CASE(test_read_only_registers),
		CASE(test_msix_table),
		BARE(test_enable_device_errors),
		BARE(test_enable_queue_errors),
		CASE(test_driver_sequence),
		CASE(test_drain_waits_for_a_page),
		CASE(test_drain_pasid),
		CASE(test_a_stop_is_told),
		CASE(test_abort),
		CASE(test_late_answer_to_an_entry_in_use),
		CASE(test_abort_ends_a_drain),
		CASE(test_disable_waits),
		CASE(test_reset),
		CASE(test_function_level_reset),
		CASE(test_gone),
		CASE(test_destroy_with_work_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
