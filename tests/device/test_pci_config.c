// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/random.h"
#include "vtd/pci_config.h"

static const struct pci_config_description full = {
	.vendor = 0x8086,
	.device = 0x0b25,
	.subsystem_vendor = 0x1234,
	.subsystem = 0x5678,
	.revision = 3,
	.class_code = 0x088000,
	.bar = {[0] = {.size = 0x4000, .wide = true},
		[2] = {.size = 0x20000, .wide = true, .prefetchable = true},
		[4] = {.size = 0x1000}},
	.function_level_reset = true,
	.msix_vectors = 9,
	.msix_table_bar = 0,
	.msix_table_offset = 0x2000,
	.msix_pba_bar = 0,
	.msix_pba_offset = 0x3000,
	.ats = true,
	.ats_queue_depth = 16,
	.pri = true,
	.pri_pasid_required = true,
	.pri_capacity = 512,
	.pasid = true,
	.pasid_privileged = true,
	.pasid_width = 20,
	.sriov_vfs = 7,
	.sriov_vf_device = 0x0b26,
	.sriov_first_offset = 1,
	.sriov_stride = 1,
};

static struct pci_config config;

static int setup(void **state)
{
	(void)state;
	return pci_config_init(&config, &full);
}

static uint32_t rd(uint32_t offset, unsigned size)
{
	return pci_config_read(&config, offset, size);
}

static unsigned wr(uint32_t offset, unsigned size, uint32_t value)
{
	return pci_config_write(&config, offset, size, value);
}

static void test_header(void **state)
{
	(void)state;
	assert_int_equal(rd(0x00, 4), 0x0b258086);
	assert_int_equal(rd(0x08, 4), 0x08800003);
	assert_int_equal(rd(0x2c, 4), 0x56781234);
	assert_int_equal(rd(0x34, 1), 0x40);
	assert_int_equal(rd(0x06, 2) & 0x10, 0x10);
	/* read only */
	wr(0x00, 4, 0xffffffff);
	wr(0x08, 4, 0xffffffff);
	assert_int_equal(rd(0x00, 4), 0x0b258086);
	assert_int_equal(rd(0x08, 4), 0x08800003);
}

static void test_command(void **state)
{
	(void)state;
	assert_false(pci_config_bus_master(&config));
	assert_int_equal(wr(0x04, 2, 6), PCI_CONFIG_COMMAND);
	assert_true(pci_config_bus_master(&config));
	assert_true(pci_config_memory_enabled(&config));
	assert_int_equal(wr(0x04, 2, 6), 0);
	assert_int_equal(wr(0x04, 1, 0), PCI_CONFIG_COMMAND);
	assert_false(pci_config_bus_master(&config));
	/* no I/O space */
	wr(0x04, 2, 0xffff);
	assert_int_equal(rd(0x04, 2), 0x0546);
}

static void test_bar_sizing(void **state)
{
	(void)state;
	assert_int_equal(wr(0x10, 4, 0xffffffff), PCI_CONFIG_BAR);
	wr(0x14, 4, 0xffffffff);
	assert_int_equal(rd(0x10, 4), 0xffffc004);
	assert_int_equal(rd(0x14, 4), 0xffffffff);
	wr(0x18, 4, 0xffffffff);
	assert_int_equal(rd(0x18, 4), 0xfffe000c);
	wr(0x20, 4, 0xffffffff);
	assert_int_equal(rd(0x20, 4), 0xfffff000);
	wr(0x24, 4, 0xffffffff);
	assert_int_equal(rd(0x24, 4), 0);
	wr(0x10, 4, 0xfebf1234);
	wr(0x14, 4, 0x12);
	assert_int_equal(pci_config_bar_address(&config, 0), 0x12febf0000);
	assert_int_equal(pci_config_bar_address(&config, 1), 0);
	assert_int_equal(pci_config_bar_size(&config, 2), 0x20000);
	assert_int_equal(pci_config_bar_size(&config, 3), 0);
	assert_int_equal(pci_config_bar_size(&config, 99), 0);
}

static void test_express_capability(void **state)
{
	(void)state;
	assert_int_equal(rd(0x40, 2), 0x8010);
	assert_int_equal(rd(0x42, 2), 0x0092); /* version 2, root-complex integrated endpoint */
	assert_true(rd(0x64, 4) & 1u << 21);   /* end-end TLP prefix */
	assert_true(rd(0x44, 4) & 1u << 28);   /* function-level reset */
	assert_int_equal(wr(0x48, 2, 0x8000), PCI_CONFIG_FLR);
	assert_int_equal(rd(0x48, 2) & 0x8000, 0);
}

static void test_msix_capability(void **state)
{
	(void)state;
	assert_int_equal(rd(0x80, 4), 0x00080011);
	assert_int_equal(rd(0x84, 4), 0x2000);
	assert_int_equal(rd(0x88, 4), 0x3000);
	assert_int_equal(wr(0x82, 2, 0xc000), PCI_CONFIG_MSIX);
	assert_true(pci_config_msix_enabled(&config));
	assert_true(pci_config_msix_masked(&config));
	assert_int_equal(rd(0x82, 2), 0xc008);
	assert_int_equal(wr(0x83, 1, 0x80), PCI_CONFIG_MSIX);
	assert_false(pci_config_msix_masked(&config));
}

static void test_extended_list(void **state)
{
	static const uint16_t ids[] = {0x0f, 0x13, 0x1b, 0x10};
	uint32_t at = 0x100;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_not_equal(at, 0);
		assert_int_equal(rd(at, 2), ids[i]);
		assert_int_equal(rd(at + 2, 2) & 0xf, 1);
		at = rd(at, 4) >> 20;
	}
	assert_int_equal(at, 0);
}

static void test_extended_list_without_first(void **state)
{
	struct pci_config_description d = full;

	(void)state;
	d.ats = false;
	d.pasid = false;
	assert_int_equal(pci_config_init(&config, &d), 0);
	assert_int_equal(rd(0x100, 4), 0x12000000);
	assert_int_equal(rd(0x104, 4), 0);
	assert_int_equal(wr(0x106, 2, 0x8000), 0);
	assert_false(pci_config_ats_enabled(&config));
	assert_int_equal(rd(0x120, 4) >> 20, 0x160);
	d.pri = false;
	d.sriov_vfs = 0;
	d.msix_vectors = 0;
	assert_int_equal(pci_config_init(&config, &d), 0);
	assert_int_equal(rd(0x100, 4), 0);
	assert_int_equal(rd(0x120, 4), 0);
	assert_int_equal(rd(0x126, 2), 0);
	assert_int_equal(rd(0x40, 2), 0x0010);
	assert_int_equal(wr(0x82, 2, 0x8000), 0);
	assert_int_equal(wr(0x124, 2, 3), 0);
}

static void test_ats(void **state)
{
	(void)state;
	assert_int_equal(rd(0x104, 2), 0x70); /* 16 deep, page aligned, global */
	assert_int_equal(wr(0x106, 2, 0x8003), PCI_CONFIG_ATS);
	assert_true(pci_config_ats_enabled(&config));
	assert_int_equal(pci_config_ats_stu(&config), 15);
	assert_int_equal(wr(0x106, 2, 0x8004), PCI_CONFIG_IGNORED);
	assert_int_equal(pci_config_ats_stu(&config), 15);
	assert_int_equal(wr(0x106, 2, 0), PCI_CONFIG_ATS);
	assert_false(pci_config_ats_enabled(&config));
}

static void test_pasid(void **state)
{
	(void)state;
	assert_int_equal(rd(0x144, 2), 0x1404);
	assert_int_equal(wr(0x146, 2, 7), PCI_CONFIG_PASID);
	assert_int_equal(rd(0x146, 2), 5); /* no execute permission */
	assert_true(pci_config_pasid_enabled(&config));
	assert_true(pci_config_pasid_privileged(&config));
	assert_false(pci_config_pasid_exec(&config));
}

static void test_pasid_frozen_while_ats_is_on(void **state)
{
	(void)state;
	wr(0x146, 2, 1);
	wr(0x106, 2, 0x8000);
	assert_int_equal(wr(0x146, 2, 0), PCI_CONFIG_IGNORED);
	assert_true(pci_config_pasid_enabled(&config));
	assert_int_equal(wr(0x146, 2, 1), 0);
	wr(0x106, 2, 0);
	assert_int_equal(wr(0x146, 2, 0), PCI_CONFIG_PASID);
	assert_false(pci_config_pasid_enabled(&config));
}

#define STOPPED  0x100
#define REQUIRED 0x8000

static void test_pri_enable(void **state)
{
	(void)state;
	assert_int_equal(rd(0x126, 2), STOPPED | REQUIRED);
	assert_int_equal(rd(0x128, 4), 512);
	assert_int_equal(wr(0x12c, 4, 32), PCI_CONFIG_PRI);
	assert_int_equal(pci_config_pri_allocation(&config), 32);
	assert_int_equal(wr(0x124, 2, 1), PCI_CONFIG_PRI);
	assert_true(pci_config_pri_enabled(&config));
	assert_int_equal(rd(0x126, 2), REQUIRED);
	assert_int_equal(wr(0x12c, 4, 64), PCI_CONFIG_IGNORED);
	assert_int_equal(pci_config_pri_allocation(&config), 32);
	assert_int_equal(wr(0x124, 2, 0), PCI_CONFIG_PRI);
	assert_int_equal(rd(0x126, 2), STOPPED | REQUIRED);
	/* the register holds what was written, the device uses what it can */
	wr(0x12c, 4, 100000);
	assert_int_equal(rd(0x12c, 4), 100000);
	assert_int_equal(pci_config_pri_allocation(&config), 512);
}

static void test_pri_stops_when_answered(void **state)
{
	(void)state;
	wr(0x124, 2, 1);
	pci_config_pri_set_busy(&config, true);
	wr(0x124, 2, 0);
	assert_int_equal(rd(0x126, 2), REQUIRED);
	/* not stopped: may not be enabled again */
	assert_int_equal(wr(0x124, 2, 1), PCI_CONFIG_IGNORED);
	assert_false(pci_config_pri_enabled(&config));
	assert_int_equal(rd(0x124, 2), 0);
	pci_config_pri_set_busy(&config, false);
	assert_int_equal(rd(0x126, 2), STOPPED | REQUIRED);
	assert_int_equal(wr(0x124, 2, 1), PCI_CONFIG_PRI);
	assert_true(pci_config_pri_enabled(&config));
}

static void test_pri_response_failure(void **state)
{
	(void)state;
	wr(0x124, 2, 1);
	pci_config_pri_set_busy(&config, true);
	pci_config_pri_response_failure(&config);
	assert_false(pci_config_pri_enabled(&config));
	assert_int_equal(rd(0x126, 2), REQUIRED | 1);
	pci_config_pri_set_busy(&config, false);
	assert_int_equal(rd(0x126, 2), STOPPED | REQUIRED | 1);
	wr(0x126, 2, 1);
	assert_int_equal(rd(0x126, 2), REQUIRED);
	assert_true(pci_config_pri_enabled(&config));
}

static void test_pri_unexpected_group(void **state)
{
	(void)state;
	pci_config_pri_unexpected_group(&config);
	assert_int_equal(rd(0x126, 2), STOPPED | REQUIRED | 2);
	wr(0x126, 1, 1);
	assert_int_equal(rd(0x126, 1), 2);
	wr(0x124, 4, 0x00020000);
	assert_int_equal(rd(0x126, 1), 0);
}

static void test_pri_reset(void **state)
{
	(void)state;
	wr(0x124, 2, 1);
	assert_int_equal(wr(0x124, 2, 3), PCI_CONFIG_IGNORED);
	assert_true(pci_config_pri_enabled(&config));
	pci_config_pri_set_busy(&config, true);
	pci_config_pri_unexpected_group(&config);
	assert_int_equal(wr(0x124, 2, 2), PCI_CONFIG_PRI | PCI_CONFIG_PRI_RESET);
	assert_int_equal(rd(0x126, 2), STOPPED | REQUIRED);
	assert_int_equal(rd(0x124, 2), 0);
}

static void test_sriov(void **state)
{
	(void)state;
	assert_int_equal(rd(0x16e, 2), 7);
	assert_int_equal(rd(0x17a, 2), 0x0b26);
	assert_int_equal(wr(0x170, 2, 8), PCI_CONFIG_IGNORED);
	assert_int_equal(wr(0x170, 2, 3), PCI_CONFIG_SRIOV);
	assert_int_equal(pci_config_vfs_enabled(&config), 0);
	assert_int_equal(wr(0x168, 2, 9), PCI_CONFIG_SRIOV);
	assert_int_equal(pci_config_vfs_enabled(&config), 3);
	assert_int_equal(wr(0x170, 2, 4), PCI_CONFIG_IGNORED);
	assert_int_equal(pci_config_vfs_enabled(&config), 3);
}

static void test_accesses_of_any_size_and_place(void **state)
{
	(void)state;
	assert_int_equal(rd(0x01, 4), 0x060b2580 & 0x00ffffff);
	assert_int_equal(rd(0xffc, 4), 0);
	assert_int_equal(rd(0xffd, 4), 0xffffffff);
	assert_int_equal(rd(0x1000, 1), 0xffffffff);
	assert_int_equal(rd(0xffffffff, 2), 0xffffffff);
	assert_int_equal(rd(0, 3), 0xffffffff);
	assert_int_equal(rd(0, 8), 0xffffffff);
	assert_int_equal(wr(0xffd, 4, 1), 0);
	assert_int_equal(wr(0x1fe, 4, 0xffffffff), 0);
	assert_int_equal(rd(0x1fe, 4), 0);
	/* a write that begins before and ends inside the register */
	assert_int_equal(wr(0x104, 4, 0x80000000), PCI_CONFIG_ATS);
	assert_true(pci_config_ats_enabled(&config));
}

static void test_reset(void **state)
{
	struct pci_config fresh;

	(void)state;
	for (uint32_t offset = 0; offset < 0x200; offset += 2)
		wr(offset, 2, 0xffff);
	pci_config_reset(&config);
	assert_int_equal(pci_config_init(&fresh, &full), 0);
	assert_memory_equal(&config, &fresh, sizeof(fresh));
}

static void test_bad_descriptions(void **state)
{
	static const struct pci_config_description bad[] = {
		{.bar = {[0] = {.size = 0x3000}}},
		{.bar = {[0] = {.size = 8}}},
		{.bar = {[5] = {.size = 0x1000, .wide = true}}},
		{.bar = {[0] = {.size = 0x1000, .wide = true}, [1] = {.size = 0x1000}}},
		{.bar = {[0] = {.size = UINT64_C(1) << 32}}},
		{.bar = {[0] = {.size = 0x1000}}, .msix_vectors = 2049},
		{.bar = {[0] = {.size = 0x1000}}, .msix_vectors = 1, .msix_table_offset = 0xff8},
		{.bar = {[0] = {.size = 0x1000}}, .msix_vectors = 1, .msix_table_offset = 4},
		{.bar = {[0] = {.size = 0x1000}}, .msix_vectors = 1, .msix_pba_bar = 7},
		{.ats = true},
		{.ats = true, .ats_queue_depth = 33},
		{.pasid = true},
		{.pasid = true, .pasid_width = 21},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pci_config_init(&config, &bad[i]), -EINVAL);
}

static void test_random_accesses(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t offset = (uint32_t)rng_below(&rng, 0x1010);
		unsigned size = (unsigned)rng_below(&rng, 6);

		if (rng_below(&rng, 2))
			pci_config_write(&config, offset, size, (uint32_t)rng_u64(&rng));
		else
			pci_config_read(&config, offset, size);
	}
	assert_int_equal(rd(0x00, 4), 0x0b258086);
	assert_int_equal(rd(0x40, 2), 0x8010);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		CASE(test_header),
		CASE(test_command),
		CASE(test_bar_sizing),
		CASE(test_express_capability),
		CASE(test_msix_capability),
		CASE(test_extended_list),
		CASE(test_extended_list_without_first),
		CASE(test_ats),
		CASE(test_pasid),
		CASE(test_pasid_frozen_while_ats_is_on),
		CASE(test_pri_enable),
		CASE(test_pri_stops_when_answered),
		CASE(test_pri_response_failure),
		CASE(test_pri_unexpected_group),
		CASE(test_pri_reset),
		CASE(test_sriov),
		CASE(test_accesses_of_any_size_and_place),
		CASE(test_reset),
		CASE(test_bad_descriptions),
		CASE(test_random_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
