// SPDX-License-Identifier: MIT
/* Mediated devices: configuration space, registers, commands, and what the stock driver does with
 * them. */
#include "mdev_world.h"

#include <errno.h>
#include <string.h>

static struct mw w;
static struct mw_owner owner;
static struct mw_mdev d, s; /* dedicated, shared */

static int setup(void **state)
{
	(void)state;
	mw_create(&w, VSVA_CACHE_LRU);
	mw_owner_create(&w, &owner);
	mw_give(&owner, VSVA_MDEV_DEDICATED, &d);
	mw_give(&owner, VSVA_MDEV_SHARED, &s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mw_take(&d);
	mw_take(&s);
	mw_owner_destroy(&owner);
	mw_destroy(&w);
	return 0;
}

static uint32_t config(struct mw_mdev *m, uint32_t offset, unsigned size)
{
	uint32_t value;

	assert_int_equal(vsva_mdev_config_read(m->mdev, offset, size, &value), 0);
	return value;
}

/* What a stock idxd driver needs to find. */
static void test_configuration_space(void **state)
{
	uint32_t value;

	(void)state;
	assert_int_equal(config(&d, 0, 4), 0x0b258086);
	assert_int_equal(config(&d, 8, 4) >> 8, 0x088000);
	assert_int_equal(config(&d, 0x40, 1), 0x10);             /* PCI Express */
	assert_int_equal(config(&d, 0x42, 2) >> 4 & 0xf, 9);     /* integrated endpoint */
	assert_int_equal(config(&d, 0x64, 4) >> 21 & 1, 1);      /* end-end prefixes */
	assert_int_equal(config(&d, 0x82, 2) & 0x7ff, 1);        /* two vectors */
	assert_int_equal(config(&d, 0x100, 4) & 0xffff, 0x0f);   /* ATS */
	assert_int_equal(config(&d, 0x120, 4) & 0xffff, 0x13);   /* page requests */
	assert_int_equal(config(&d, 0x126, 2) & 0x8100, 0x8100); /* PASID required, stopped */
	assert_int_equal(config(&d, 0x140, 4) & 0xffff, 0x1b);   /* PASID */
	assert_int_equal(config(&d, 0x144, 2) >> 8 & 0x1f, 20);
	assert_int_equal(vsva_mdev_bar_size(d.mdev, 0), 0x4000);
	assert_int_equal(vsva_mdev_bar_size(d.mdev, 2), 0x4000);
	assert_int_equal(vsva_mdev_bar_size(d.mdev, 6), 0);
	assert_int_equal(vsva_mdev_vectors(d.mdev), 2);
	/* no SR-IOV, whatever the parent has */
	assert_int_equal(config(&d, 0x160, 4), 0);
	assert_int_equal(vsva_mdev_config_read(d.mdev, 4096, 4, &value), -EINVAL);
	assert_int_equal(vsva_mdev_config_read(d.mdev, 2, 4, &value), -EINVAL);
	assert_int_equal(vsva_mdev_config_write(d.mdev, 0, 3, 0), -EINVAL);
}

static void test_enables_are_the_guests_own(void **state)
{
	(void)state;
	assert_int_equal(vsva_mdev_enabled(d.mdev), VSVA_MDEV_BUS_MASTER | VSVA_MDEV_PASID);
	vsva_mdev_config_write(d.mdev, 0x106, 2, 0x8000);
	vsva_mdev_config_write(d.mdev, 0x12c, 4, 64);
	vsva_mdev_config_write(d.mdev, 0x124, 2, 1);
	assert_int_equal(vsva_mdev_enabled(d.mdev), VSVA_MDEV_BUS_MASTER | VSVA_MDEV_PASID |
							    VSVA_MDEV_ATS |
							    VSVA_MDEV_PAGE_REQUESTS);
	assert_int_equal(vsva_mdev_enabled(s.mdev), VSVA_MDEV_BUS_MASTER | VSVA_MDEV_PASID);
}

static void test_capabilities_of_one_queue(void **state)
{
	uint64_t dcap = mw_get(&d, DSA_REG_WQCAP, 8), scap = mw_get(&s, DSA_REG_WQCAP, 8);

	(void)state;
	assert_int_equal(mw_get(&d, DSA_REG_VERSION, 4), DSA_VERSION_1);
	assert_int_equal(dsa_WQCAP_QUEUES(dcap), 1);
	assert_int_equal(dsa_WQCAP_TOTAL_SIZE(dcap), 16); /* 128 entries, 8 queues */
	assert_true(dsa_WQCAP_DEDICATED(dcap) && !dsa_WQCAP_SHARED(dcap));
	assert_true(!dsa_WQCAP_DEDICATED(scap) && dsa_WQCAP_SHARED(scap));
	assert_int_equal(dsa_GRPCAP_GROUPS(mw_get(&d, DSA_REG_GRPCAP, 8)), 1);
	assert_int_equal(dsa_ENGCAP_ENGINES(mw_get(&d, DSA_REG_ENGCAP, 8)), 1);
	assert_true(dsa_GENCAP_CONFIGURABLE(mw_get(&d, DSA_REG_GENCAP, 8)));
	assert_true(dsa_GENCAP_MAX_TRANSFER_LG2(mw_get(&d, DSA_REG_GENCAP, 8)) >= 21);
	assert_int_equal(mw_get(&d, DSA_REG_OFFSETS, 8), 0x600050004);
	assert_int_equal(mw_get(&d, DSA_REG_CMDCAP, 4), 0x7ffe);
	for (uint32_t i = 0; i < 32; i += 8)
		assert_int_equal(mw_get(&d, DSA_REG_OPCAP + i, 8),
				 mw_physical(&w, DSA_REG_OPCAP + i, 8));
}

/* In the order of the driver, each command with an interrupt that it waits for. */
static void test_stock_driver_sequence(void **state)
{
	unsigned interrupts = d.interrupts[0];
	const unsigned open_and_close[] = {DSA_COMMAND_DRAIN_WQ, DSA_COMMAND_RESET_WQ};
	gpasid_t guest = gpasid(2);
	uint64_t va = MW_VA, page;
	hpasid_t host;

	(void)state;
	host = mw_pasid(&owner, guest.v);
	assert_int_equal(mw_bind(&d, host, guest.v), 0);
	page = mw_map(&owner, va);
	mw_put(&d, DSA_REG_CMD, 4, dsa_CMD_with_CODE(0, DSA_COMMAND_RESET_DEVICE)); /* polls */
	assert_int_equal(mw_get(&d, DSA_REG_CMDSTS, 4), 0);
	assert_int_equal(d.interrupts[0], interrupts);
	mw_put(&d, DSA_REG_GENCTRL, 4, 3);
	mw_configure(&d, VSVA_PASID_INVALID);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), 0);
	assert_int_equal(dsa_GENSTS_STATE(mw_get(&d, DSA_REG_GENSTS, 4)), DSA_DEVICE_ENABLED);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(mw_command(&d, open_and_close[i], 1), 0);
		assert_int_equal(mw_get(&d, DSA_WQCFG + 8, 8), 0);
		mw_configure(&d, guest.v);
		assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
		assert_int_equal(mw_submit(&d, mw_noop(va), host), 0);
		assert_int_equal(owner.memory[page], DSA_STATUS_SUCCESS);
		owner.memory[page] = 0;
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(mw_command(&d, open_and_close[i], 1), 0);
	assert_int_equal(mw_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0), 0);
	assert_int_equal(d.interrupts[0], interrupts + 11);
	assert_true(dsa_INTCAUSE_COMMAND(mw_get(&d, DSA_REG_INTCAUSE, 4)));
	mw_put(&d, DSA_REG_INTCAUSE, 4, 2);
	assert_int_equal(mw_get(&d, DSA_REG_INTCAUSE, 4), 0);
	assert_int_equal(vsva_unbind_gpasid(owner.domain, vsva_mdev_dev(d.mdev), host), 0);
}

struct command_case {
	const char *what;
	unsigned code;
	uint32_t operand;
	unsigned error;
};

static void expect_commands(struct mw_mdev *m, const struct command_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned error = mw_command(m, cases[i].code, cases[i].operand);

		if (error != cases[i].error)
			print_message("%s: %#x\n", cases[i].what, error);
		assert_int_equal(error, cases[i].error);
	}
}

static void test_commands_while_disabled(void **state)
{
	static const struct command_case cases[] = {
		{"no command", 0, 0, DSA_CMDSTS_INVALID_COMMAND},
		{"no command", 31, 0, DSA_CMDSTS_INVALID_COMMAND},
		{"enable queue", DSA_COMMAND_ENABLE_WQ, 0, DSA_CMDSTS_DEVICE_NOT_ENABLED},
		{"enable no queue", DSA_COMMAND_ENABLE_WQ, 1, DSA_CMDSTS_INVALID_QUEUE},
		{"disable queue", DSA_COMMAND_DISABLE_WQ, 1, DSA_CMDSTS_QUEUE_NOT_ENABLED},
		{"drain queue", DSA_COMMAND_DRAIN_WQ, 1, DSA_CMDSTS_QUEUE_NOT_ENABLED},
		{"drain all", DSA_COMMAND_DRAIN_ALL, 0, DSA_CMDSTS_DEVICE_NOT_ENABLED},
		{"drain PASID", DSA_COMMAND_DRAIN_PASID, 5, DSA_CMDSTS_DEVICE_NOT_ENABLED},
		{"disable", DSA_COMMAND_DISABLE_DEVICE, 0, DSA_CMDSTS_DISABLE_NOT_ENABLED},
		{"reset", DSA_COMMAND_RESET_DEVICE, 0, DSA_CMDSTS_OK},
	};

	(void)state;
	expect_commands(&d, cases, sizeof(cases) / sizeof(cases[0]));
	/* group with a queue, without an engine; with a second queue, a second engine */
	mw_put(&d, DSA_GRPCFG, 8, 1);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0),
			 DSA_CMDSTS_GROUP_WITHOUT_ENGINE);
	mw_put(&d, DSA_GRPCFG + DSA_GRPCFG_ENGINES, 8, 3);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0),
			 DSA_CMDSTS_GROUP_UNKNOWN_MEMBER);
	mw_put(&d, DSA_GRPCFG + DSA_GRPCFG_ENGINES, 8, 1);
	mw_put(&d, DSA_WQCFG, 8, dsa_WQCFG0_with_SIZE(0, 17));
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_QUEUE_SIZES);
	mw_put(&d, DSA_WQCFG, 8, 0);
	vsva_mdev_config_write(d.mdev, 4, 2, 2);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_BUS_MASTER);
}

static void put_mode(struct mw_mdev *m, uint64_t sizes, uint64_t mode)
{
	mw_put(m, DSA_WQCFG, 8, sizes);
	mw_put(m, DSA_WQCFG + 8, 8, mode);
}

static void test_queues_that_cannot_be_enabled(void **state)
{
	uint64_t size = dsa_WQCFG0_with_SIZE(0, 16);
	uint64_t dedicated = dsa_WQCFG1_with_PRIORITY(dsa_WQCFG1_with_DEDICATED(0, 1), 1);
	uint64_t shared = dsa_WQCFG1_with_PRIORITY(dsa_WQCFG1_with_PASID_ENABLE(0, 1), 1);
	const struct {
		struct mw_mdev *m;
		uint64_t sizes, mode;
		unsigned error;
	} cases[] = {
		{&d, 0, dedicated, DSA_CMDSTS_QUEUE_SIZE},
		{&d, size + 1, dedicated, DSA_CMDSTS_QUEUE_SIZE},
		{&d, size, dsa_WQCFG1_with_PRIORITY(dedicated, 0), DSA_CMDSTS_QUEUE_PRIORITY},
		{&d, size, shared, DSA_CMDSTS_QUEUE_MODE},
		{&s, size, dedicated, DSA_CMDSTS_QUEUE_MODE},
		{&s, size, dsa_WQCFG1_with_PASID_ENABLE(shared, 0), DSA_CMDSTS_QUEUE_PASID},
		{&s, size, shared, DSA_CMDSTS_QUEUE_SIZE}, /* threshold 0 */
		{&s, dsa_WQCFG0_with_THRESHOLD(size, 17), shared, DSA_CMDSTS_QUEUE_SIZE},
		{&d, size, dsa_WQCFG1_with_MAX_BATCH_LG2(dedicated, 15),
		 DSA_CMDSTS_QUEUE_MAX_BATCH},
		/* a PASID that nothing gives a host PASID */
		{&d, size, dsa_WQCFG1_with_PASID(dsa_WQCFG1_with_PASID_ENABLE(dedicated, 1), 77),
		 DSA_CMDSTS_QUEUE_PASID},
	};

	(void)state;
	mw_configure(&d, VSVA_PASID_INVALID);
	mw_configure(&s, 0);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), 0);
	assert_int_equal(mw_command(&s, DSA_COMMAND_ENABLE_DEVICE, 0), 0);
	mw_forget_commands(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_mode(cases[i].m, cases[i].sizes, cases[i].mode);
		assert_int_equal(mw_command(cases[i].m, DSA_COMMAND_ENABLE_WQ, 0), cases[i].error);
	}
	/* none of them came near the hardware */
	assert_int_equal(w.command_count, 0);
	vsva_mdev_config_write(d.mdev, 0x146, 2, 0);
	put_mode(&d, size, dsa_WQCFG1_with_PASID_ENABLE(dedicated, 1));
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_QUEUE_PASID);
}

static void test_enabled_queue_keeps_its_configuration(void **state)
{
	uint64_t before;

	(void)state;
	mw_start(&d, VSVA_PASID_INVALID);
	before = mw_get(&d, DSA_WQCFG + 8, 8);
	mw_put(&d, DSA_WQCFG + 8, 8, UINT64_MAX);
	mw_put(&d, DSA_GRPCFG, 8, 0);
	assert_int_equal(mw_get(&d, DSA_WQCFG + 8, 8), before);
	assert_int_equal(mw_get(&d, DSA_GRPCFG, 8), 1);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_QUEUE_ENABLED);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_ALREADY_ENABLED);
	assert_int_equal(dsa_WQCFG3_STATE(mw_get(&d, DSA_WQCFG + 24, 4)), DSA_WQ_ENABLED);
	/* the state is the device's to say */
	mw_put(&d, DSA_WQCFG + 24, 4, 0);
	assert_int_equal(dsa_WQCFG3_STATE(mw_get(&d, DSA_WQCFG + 24, 4)), DSA_WQ_ENABLED);
}

/* Portals */

static void test_portal_of_a_queue_that_is_closed(void **state)
{
	struct dsa_descriptor noop = mw_noop(0);
	uint64_t error;

	(void)state;
	mw_put(&d, DSA_REG_GENCTRL, 4, 1);
	assert_int_equal(mw_submit(&d, noop, hpasid(0)), 0);
	error = mw_get(&d, DSA_REG_SWERR, 8);
	assert_true(dsa_SWERR_VALID(error) && dsa_SWERR_QUEUE_VALID(error));
	assert_int_equal(dsa_SWERR_ERROR(error), DSA_PORTAL_QUEUE_NOT_ENABLED);
	assert_int_equal(d.interrupts[0], 1);
	assert_int_equal(mw_submit(&d, noop, hpasid(0)), 0);
	assert_true(dsa_SWERR_OVERFLOW(mw_get(&d, DSA_REG_SWERR, 8)));
	mw_put(&d, DSA_REG_SWERR, 8, 3);
	assert_int_equal(mw_get(&d, DSA_REG_SWERR, 4) & 3, 0);
	assert_int_equal(mw_submit(&s, noop, hpasid(0)), 1); /* retry */
	assert_int_equal(mw_get(&s, DSA_REG_SWERR, 8), 0);
	/* the physical device has heard of none of it */
	assert_int_equal(mw_physical(&w, DSA_REG_SWERR, 8), 0);
}

static void test_wrong_kind_of_submission(void **state)
{
	struct dsa_descriptor noop = mw_noop(0);

	(void)state;
	mw_start(&d, VSVA_PASID_INVALID);
	mw_start(&s, 0);
	mw_forget_commands(&w);
	/* MOVDIR64B to a shared queue: the PASID in it would be one that the guest chose */
	dsa_descriptor_set_PASID(&noop, d.mdev->base.v);
	assert_int_equal(vsva_mdev_portal_write(s.mdev, 0x1000, &noop, false), 0);
	assert_int_equal(vsva_mdev_portal_write(d.mdev, 0x1000, &noop, true), 1);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(vsva_mdev_write(s.mdev, 2, 0x1000 + 8 * i, 8, noop.q[i]), 0);
	mw_run(&w);
	assert_int_equal(dsa_SWERR_ERROR(mw_get(&s, DSA_REG_SWERR, 8)),
			 DSA_PORTAL_POSTED_TO_SHARED);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&s, DSA_WQCFG + 24, 4)), 0);
}

static void test_portal_offsets(void **state)
{
	struct dsa_descriptor noop = mw_noop(0);
	uint64_t page = mw_page(&owner);

	(void)state;
	mw_start(&d, VSVA_PASID_INVALID);
	dsa_descriptor_set_RECORD(&noop, page);
	assert_int_equal(vsva_mdev_portal_write(d.mdev, 0x4000, &noop, false), -EINVAL);
	assert_int_equal(vsva_mdev_portal_write(d.mdev, 0x20, &noop, false), -EINVAL);
	assert_int_equal(vsva_mdev_portal_write(d.mdev, UINT64_MAX - 63, &noop, false), -EINVAL);
	/* pages of interrupt message storage: nothing there */
	assert_int_equal(vsva_mdev_portal_write(d.mdev, 0x2000, &noop, false), 0);
	mw_run(&w);
	assert_int_equal(owner.memory[page], 0);
	assert_int_equal(vsva_mdev_portal_write(d.mdev, 0x1fc0, &noop, false), 0);
	mw_run(&w);
	assert_int_equal(owner.memory[page], DSA_STATUS_SUCCESS);
}

/* Eight stores of a guest whose CPU has no MOVDIR64B. */
static void test_stores_to_the_portal(void **state)
{
	uint64_t page = mw_page(&owner);
	struct dsa_descriptor noop = mw_noop(page);

	(void)state;
	mw_start(&d, VSVA_PASID_INVALID);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(vsva_mdev_write(d.mdev, 2, 0x1000 + 8 * i, 8, noop.q[i]), 0);
	mw_run(&w);
	assert_int_equal(owner.memory[page], DSA_STATUS_SUCCESS);
}

static void test_bus_master_off_stops_it(void **state)
{
	uint64_t page = mw_page(&owner);

	(void)state;
	mw_start(&d, VSVA_PASID_INVALID);
	vsva_mdev_config_write(d.mdev, 4, 2, 2);
	mw_submit(&d, mw_noop(page), hpasid(0));
	assert_int_equal(owner.memory[page], 0);
	vsva_mdev_config_write(d.mdev, 4, 2, 6);
	mw_submit(&d, mw_noop(page), hpasid(0));
	assert_int_equal(owner.memory[page], DSA_STATUS_SUCCESS);
}

/* Resets */

static void test_every_reset_leaves_the_power_on_state(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		vsva_mdev_config_write(d.mdev, 4, 2, 6);
		mw_start(&d, VSVA_PASID_INVALID);
		mw_put(&d, DSA_REG_GENCTRL, 4, 3);
		if (kind == 0)
			assert_int_equal(mw_command(&d, DSA_COMMAND_RESET_DEVICE, 0), 0);
		else if (kind == 1)
			vsva_mdev_config_write(d.mdev, 0x48, 2, 0x8000);
		else
			vsva_mdev_reset(d.mdev);
		assert_int_equal(mw_get(&d, DSA_REG_GENSTS, 4), 0);
		assert_int_equal(mw_get(&d, DSA_REG_GENCTRL, 4), 0);
		assert_int_equal(mw_get(&d, DSA_WQCFG + 8, 8), 0);
		assert_int_equal(dsa_WQCFG3_STATE(mw_get(&d, DSA_WQCFG + 24, 4)), DSA_WQ_DISABLED);
		assert_int_equal(!!(vsva_mdev_enabled(d.mdev) & VSVA_MDEV_BUS_MASTER), kind == 0);
		/* and in hardware */
		assert_int_equal(mw_physical(&w, vdcm_wqcfg(w.vdcm, d.mdev->queue, 1), 8), 0);
	}
}

/* Every register, with every size. */
static void test_sweep(void **state)
{
	uint64_t value;

	(void)state;
	mw_start(&d, VSVA_PASID_INVALID);
	for (uint64_t offset = 0; offset < 0x4000; offset++)
		for (unsigned size = 0; size <= 16; size++) {
			bool is_valid = (size == 4 || size == 8) && offset % size == 0;

			assert_int_equal(vsva_mdev_read(d.mdev, 0, offset, size, &value),
					 is_valid ? 0 : -EINVAL);
			if (offset != DSA_REG_CMD)
				assert_int_equal(
					vsva_mdev_write(d.mdev, 0, offset, size, UINT64_MAX),
					is_valid ? 0 : -EINVAL);
		}
	assert_int_equal(vsva_mdev_read(d.mdev, 0, 0x4000, 8, &value), -EINVAL);
	assert_int_equal(vsva_mdev_read(d.mdev, 0, UINT64_MAX - 7, 8, &value), -EINVAL);
	for (unsigned bar = 1; bar < 8; bar += 2)
		assert_int_equal(vsva_mdev_read(d.mdev, bar, 0, 8, &value), -EINVAL);
	for (uint32_t command = 0; command < 32; command++)
		for (uint32_t operand = 0; operand < 20; operand++)
			mw_command(&d, command, UINT32_C(1) << operand);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_configuration_space),
		CASE(test_enables_are_the_guests_own),
		CASE(test_capabilities_of_one_queue),
		CASE(test_stock_driver_sequence),
		CASE(test_commands_while_disabled),
		CASE(test_queues_that_cannot_be_enabled),
		CASE(test_enabled_queue_keeps_its_configuration),
		CASE(test_portal_of_a_queue_that_is_closed),
		CASE(test_wrong_kind_of_submission),
		CASE(test_portal_offsets),
		CASE(test_stores_to_the_portal),
		CASE(test_bus_master_off_stops_it),
		CASE(test_every_reset_leaves_the_power_on_state),
		CASE(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
