// SPDX-License-Identifier: MIT
/* Invalidations from outside: validity table, exact descriptors. */
#include "world.h"

#include <errno.h>
#include <string.h>

#include "vsva/limits.h"

#define ALL     VTD_DEVICE_TLB_ALL
#define IOTLB   VSVA_CACHE_INV_IOTLB
#define DEV     VSVA_CACHE_INV_DEV_IOTLB
#define PASIDC  VSVA_CACHE_INV_PASID
#define PRESENT VSVA_INV_FLAG_PASID

static struct vsva_cache_invalidate_info info_of(uint8_t granularity, uint32_t cache,
						 hpasid_t pasid)
{
	struct vsva_cache_invalidate_info info;

	memset(&info, 0, sizeof(info));
	info.argsz = sizeof(info);
	info.version = VSVA_CACHE_INVALIDATE_VERSION_1;
	info.cache = (uint8_t)cache;
	info.granularity = granularity;
	if (granularity == VSVA_INV_PASID) {
		info.granu.pasid_info.flags = PRESENT;
		info.granu.pasid_info.pasid = pasid.v;
	} else if (granularity == VSVA_INV_ADDR) {
		info.granu.addr_info.flags = PRESENT;
		info.granu.addr_info.pasid = pasid.v;
		info.granu.addr_info.addr = 0x7f0000004000;
		info.granu.addr_info.granule_size = 4096;
		info.granu.addr_info.nb_granules = 4;
	}
	return info;
}

static int invalidate(struct world *world, const struct vsva_cache_invalidate_info *info)
{
	return vsva_cache_invalidate(world->domain, world->dev, info);
}

static hpasid_t bound(struct world *world)
{
	hpasid_t pasid = world_bind(world, gpasid(7));

	fake_vtd_forget_log(&world->fake);
	world->event_count = 0;
	return pasid;
}

static void test_invalidate_validity_table(void **state)
{
	/* [granularity][cache]: DOMAIN, PASID, ADDR × IOTLB, DEV_IOTLB, PASID */
	static const int expected[3][3] = {{0, -EINVAL, 0}, {0, 0, 0}, {0, 0, -EINVAL}};
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	for (uint8_t granularity = 0; granularity < 3; granularity++) {
		for (unsigned cache = 0; cache < 3; cache++) {
			struct vsva_cache_invalidate_info info =
				info_of(granularity, 1u << cache, pasid);

			fake_vtd_forget_log(&world->fake);
			assert_int_equal(invalidate(world, &info), expected[granularity][cache]);
			assert_int_equal(world->fake.log_count == 0,
					 expected[granularity][cache] != 0);
		}
	}
}

static void test_invalidate_refuses_bad_format(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_cache_invalidate_info good = info_of(VSVA_INV_ADDR, IOTLB, pasid), info;

	assert_int_equal(vsva_cache_invalidate(NULL, world->dev, &good), -EINVAL);
	assert_int_equal(vsva_cache_invalidate(world->domain, NULL, &good), -EINVAL);
	assert_int_equal(vsva_cache_invalidate(world->domain, world->dev, NULL), -EINVAL);
#define EXPECT_EINVAL(change_)                                                                     \
	do {                                                                                       \
		info = good;                                                                       \
		change_;                                                                           \
		assert_int_equal(invalidate(world, &info), -EINVAL);                               \
	} while (0)
	EXPECT_EINVAL(info.argsz = 15);
	EXPECT_EINVAL(info.argsz = 55);
	EXPECT_EINVAL(info.version = 2);
	EXPECT_EINVAL(info.cache = 8);
	EXPECT_EINVAL(info.granularity = 3);
	EXPECT_EINVAL(info.granularity = 255);
	EXPECT_EINVAL(info.padding[5] = 1);
	EXPECT_EINVAL(info.granu.addr_info.flags |= 8);
	EXPECT_EINVAL(info.granu.addr_info.pasid = 1u << 20);
	EXPECT_EINVAL(info.granu.addr_info.pasid = UINT64_C(1) << 32 | pasid.v);
	EXPECT_EINVAL(info = info_of(VSVA_INV_PASID, IOTLB, pasid); info.argsz = 31);
	EXPECT_EINVAL(info = info_of(VSVA_INV_PASID, IOTLB, pasid);
		      info.granu.pasid_info.flags |= VSVA_INV_FLAG_LEAF);
	expect_log_count(world, 0);
	/* the short forms are enough for what they say */
	info = info_of(VSVA_INV_DOMAIN, IOTLB, pasid);
	info.argsz = 16;
	assert_int_equal(invalidate(world, &info), 0);
	info = info_of(VSVA_INV_PASID, IOTLB, pasid);
	info.argsz = 32;
	assert_int_equal(invalidate(world, &info), 0);
}

static void test_invalidate_address_flushes_device_tlb_too(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_cache_invalidate_info info = info_of(VSVA_INV_ADDR, IOTLB, pasid);

	info.granu.addr_info.flags |= VSVA_INV_FLAG_LEAF;
	assert_int_equal(invalidate(world, &info), 0);
	expect_piotlb_range(world, 0, world_child(world, pasid), pasid.v, 0x7f0000004000, 2, true);
	expect_pasid_dev_tlb(world, 1, RID_PF, pasid.v, 0x7f0000005000, true);
	expect_log_count(world, 2);
	assert_int_equal(world_events(world, VSVA_EV_INVALIDATE), 1);
	assert_int_equal(world_events(world, VSVA_EV_INVALIDATE_DONE), 1);
}

/* 288d08e78008: an address that is not aligned must not set reserved bits, and the whole range is
 * flushed. */
static void test_invalidate_unaligned_address(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_cache_invalidate_info info = info_of(VSVA_INV_ADDR, IOTLB, pasid);

	info.granu.addr_info.addr = 0x7f0000003fff;
	info.granu.addr_info.granule_size = 2;
	info.granu.addr_info.nb_granules = 1;
	assert_int_equal(invalidate(world, &info), 0);
	expect_piotlb_range(world, 0, world_child(world, pasid), pasid.v, 0x7f0000000000, 3, false);
	expect_pasid_dev_tlb(world, 1, RID_PF, pasid.v, 0x7f0000003000, true);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(world->fake.log[i].q[1] & 0xf80 & ~UINT64_C(0x800), 0);
}

/* 0fa1a15fa9b3: of a whole PASID the device TLB is flushed whole: S=1 and all address bits. */
static void test_invalidate_pasid_flushes_whole_device_tlb(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_cache_invalidate_info info = info_of(VSVA_INV_PASID, IOTLB | DEV, pasid);

	assert_int_equal(invalidate(world, &info), 0);
	expect_piotlb_all(world, 0, world_child(world, pasid), pasid.v);
	expect_pasid_dev_tlb(world, 1, RID_PF, pasid.v, ALL, true);
	expect_log_count(world, 2);
}

static void test_invalidate_overlong_range_means_everything(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_cache_invalidate_info info = info_of(VSVA_INV_ADDR, DEV, pasid);

	info.granu.addr_info.granule_size = UINT64_MAX;
	assert_int_equal(invalidate(world, &info), 0);
	info.granu.addr_info.granule_size = 1;
	info.granu.addr_info.nb_granules = UINT64_MAX;
	assert_int_equal(invalidate(world, &info), 0);
	info.granu.addr_info.nb_granules = 0;
	assert_int_equal(invalidate(world, &info), 0);
	for (unsigned i = 0; i < 3; i++)
		expect_pasid_dev_tlb(world, i, RID_PF, pasid.v, ALL, true);
}

static void test_invalidate_of_unbound_pasid_does_nothing(void **state)
{
	struct world *world = *state;
	struct vsva_cache_invalidate_info info = info_of(VSVA_INV_PASID, IOTLB, hpasid(77));

	assert_int_equal(invalidate(world, &info), 0);
	expect_log_count(world, 0);
}

static void test_invalidate_domain_reaches_all_children(void **state)
{
	struct world *world = *state;
	hpasid_t a = bound(world), b = world_bind(world, gpasid(8));
	struct vsva_cache_invalidate_info info = info_of(VSVA_INV_DOMAIN, PASIDC, a);

	assert_int_equal(invalidate(world, &info), 0);
	expect_pasid_cache_domain(world, 0, world_child(world, a));
	expect_iotlb_domain(world, 1, world_child(world, a));
	expect_pasid_cache_domain(world, 2, world_child(world, b));
	expect_iotlb_domain(world, 3, world_child(world, b));
	expect_pasid_dev_tlb(world, 4, RID_PF, a.v, ALL, true);
	expect_pasid_dev_tlb(world, 5, RID_PF, b.v, ALL, true);
	expect_log_count(world, 6);
}

static void test_invalidate_after_detach_has_no_device(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_flush flush = {.pasid = pasid, .all = true};

	for (uint8_t granularity = 0; granularity < 3; granularity++) {
		struct vsva_cache_invalidate_info info = info_of(granularity, IOTLB, pasid);

		if (granularity == 0)
			assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
		fake_vtd_forget_log(&world->fake);
		assert_int_equal(invalidate(world, &info), -ENODEV);
	}
	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), -ENODEV);
	assert_int_equal(vsva_flush_device_tlb(world->dev, &flush, false), -ENODEV);
	assert_int_equal(vsva_flush_sequence(
				 &(struct vsva_flush_step){.dev = world->dev, .flush = flush}, 1),
			 -ENODEV);
	expect_log_count(world, 0);
}

/* Exact */

static void test_flush_iotlb_is_exact(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_flush flush = {.pasid = pasid, .addr = 0x7f0000123456, .order = 0};

	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), 0);
	expect_piotlb_range(world, 0, world_child(world, pasid), pasid.v, 0x7f0000123000, 0, false);
	flush.order = 9;
	flush.leaf = true;
	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), 0);
	expect_piotlb_range(world, 1, world_child(world, pasid), pasid.v, 0x7f0000000000, 9, true);
	flush.order = 63; /* QEMU #3619: AM of 63 must not become a short flush */
	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), 0);
	expect_piotlb_all(world, 2, world_child(world, pasid), pasid.v);
	expect_log_count(world, 3);
}

/* In one sequence that is waited for once. */
static void test_flush_iotlb_and_device_tlb(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_flush flush = {.pasid = pasid, .all = true, .device_tlb = true};
	unsigned waits = world->fake.wait_count;

	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), 0);
	expect_piotlb_all(world, 0, world_child(world, pasid), pasid.v);
	expect_pasid_dev_tlb(world, 1, RID_PF, pasid.v, VTD_DEVICE_TLB_ALL, true);
	expect_log_count(world, 2);
	assert_int_equal(world->fake.wait_count, waits + 1);
}

/* In the order given, and with one wait, which drains. */
static void test_flush_sequence(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	const struct vsva_flush page = {.pasid = pasid, .addr = 0x7f0000123000};
	const struct vsva_flush_step steps[] = {
		{world->dev, VSVA_FLUSH_DRAIN, {.pasid = {0}}},
		{world->dev, VSVA_FLUSH_IOTLB, page},
		{world->dev, VSVA_FLUSH_DEVICE_TLB, page},
		{world->dev, VSVA_FLUSH_IOTLB, {.pasid = pasid, .all = true}},
		{world->dev, VSVA_FLUSH_DEVICE_TLB_GLOBAL, {.pasid = {0}}},
	};
	unsigned waits = world->fake.wait_count;
	struct vsva_iommu_stats before, after;

	vsva_iommu_get_stats(world->iommu, &before);
	assert_int_equal(vsva_flush_sequence(steps, 5), 0);
	vsva_iommu_get_stats(world->iommu, &after);
	expect_piotlb_range(world, 0, world_child(world, pasid), pasid.v, 0x7f0000123000, 0, false);
	expect_pasid_dev_tlb(world, 1, RID_PF, pasid.v, 0x7f0000123000, false);
	expect_piotlb_all(world, 2, world_child(world, pasid), pasid.v);
	assert_int_equal(vtd_desc_type(&world->fake.log[3]), VTD_DESC_PASID_DEV_TLB);
	assert_int_equal(vtd_desc_pasid_dev_tlb_G(&world->fake.log[3]), 1);
	expect_drain(world, 4);
	expect_log_count(world, 5);
	assert_int_equal(world->fake.wait_count, waits + 1);
	assert_int_equal(after.invalidations, before.invalidations + 4);
}

static void test_flush_sequence_of_what_is_not_bound_is_nothing(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	const struct vsva_flush_step step = {
		world->dev, VSVA_FLUSH_IOTLB, {.pasid = {pasid.v + 1}, .all = true}};
	unsigned waits = world->fake.wait_count;

	assert_int_equal(vsva_flush_sequence(&step, 1), 0);
	expect_log_count(world, 0);
	assert_int_equal(world->fake.wait_count, waits);
}

/* Whichever of them it is that is bad: nothing is done. */
static void test_flush_sequence_refuses_bad_steps(void **state)
{
	struct world *world = *state;
	struct vsva_flush_step steps[VSVA_LIMIT_FLUSH_STEPS + 1];
	hpasid_t pasid = bound(world);

	for (unsigned i = 0; i <= VSVA_LIMIT_FLUSH_STEPS; i++)
		steps[i] = (struct vsva_flush_step){
			world->dev, VSVA_FLUSH_IOTLB, {.pasid = pasid, .all = true}};
	assert_int_equal(vsva_flush_sequence(steps, 0), -EINVAL);
	assert_int_equal(vsva_flush_sequence(NULL, 1), -EINVAL);
	assert_int_equal(vsva_flush_sequence(steps, VSVA_LIMIT_FLUSH_STEPS + 1), -EINVAL);
	steps[1].dev = NULL;
	assert_int_equal(vsva_flush_sequence(steps, 2), -EINVAL);
	steps[1].dev = world->dev;
	steps[1].flush.pasid = hpasid(0);
	assert_int_equal(vsva_flush_sequence(steps, 2), -EINVAL);
	steps[1].kind = (enum vsva_flush_kind)(VSVA_FLUSH_REPORT + 1);
	assert_int_equal(vsva_flush_sequence(steps, 2), -EINVAL);
	expect_log_count(world, 0);
	assert_int_equal(vsva_flush_sequence(steps, 1), 0);
	expect_log_count(world, 1);
}

static void test_flush_refuses_bad_pasid(void **state)
{
	struct world *world = *state;
	struct vsva_flush flush = {.pasid = {0}, .all = true};

	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), -EINVAL);
	flush.pasid = hpasid(1u << 20);
	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), -EINVAL);
	assert_int_equal(vsva_flush_device_tlb(world->dev, &flush, false), -EINVAL);
	assert_int_equal(vsva_flush_iotlb(NULL, &flush), -EINVAL);
	assert_int_equal(vsva_flush_iotlb(world->dev, NULL), -EINVAL);
}

/* e7e69461a832: by PASID only where there is one. */
static void test_flush_rid_uses_plain_descriptor(void **state)
{
	static const struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = {ROOT_GPA}, .addr_width = 48};
	struct world *world = *state;
	struct vsva_flush flush = {.pasid = {VSVA_FLUSH_RID}, .addr = 0x5000, .order = 1};

	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), 0);
	expect_log_count(world, 0); /* second stage alone: no first stage to flush */
	assert_int_equal(vsva_flush_device_tlb(world->dev, &flush, false), 0);
	expect_dev_tlb(world, 0, RID_PF, 0x4000, true);
	assert_int_equal(vsva_attach_rid(world->domain, world->dev, &nested), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_flush_iotlb(world->dev, &flush), 0);
	expect_piotlb_range(world, 0, world_child(world, hpasid(0)), 0, 0x4000, 1, false);
}

static void test_flush_device_tlb_sizes(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_flush flush = {.pasid = pasid, .addr = UINT64_C(0xffff800000000000)};

	for (unsigned order = 0; order < 64; order++) {
		const struct vtd_desc *desc;
		struct vtd_range range;

		flush.order = (uint8_t)order;
		fake_vtd_forget_log(&world->fake);
		assert_int_equal(vsva_flush_device_tlb(world->dev, &flush, false), 0);
		desc = &world->fake.log[0];
		range = vtd_range_of_size_bit(vtd_desc_pasid_dev_tlb_ADDR(desc),
					      vtd_desc_pasid_dev_tlb_S(desc));
		assert_true(range.first <= flush.addr && range.last >= flush.addr);
		if (order < 52)
			assert_int_equal(range.last - range.first, (UINT64_C(4096) << order) - 1);
		else
			assert_int_equal(range.last - range.first, UINT64_MAX);
	}
}

static void test_flush_device_tlb_of_all_pasids(void **state)
{
	struct world *world = *state;
	struct vsva_flush flush = {.pasid = {0}};
	const struct vtd_desc *desc = &world->fake.log[0];

	assert_int_equal(vsva_flush_device_tlb(world->dev, &flush, true), 0);
	assert_int_equal(vtd_desc_type(desc), VTD_DESC_PASID_DEV_TLB);
	assert_int_equal(vtd_desc_pasid_dev_tlb_G(desc), 1);
	assert_int_equal(vtd_desc_pasid_dev_tlb_S(desc), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_invalidate_validity_table),
		T(test_invalidate_refuses_bad_format),
		T(test_invalidate_address_flushes_device_tlb_too),
		T(test_invalidate_unaligned_address),
		T(test_invalidate_pasid_flushes_whole_device_tlb),
		T(test_invalidate_overlong_range_means_everything),
		T(test_invalidate_of_unbound_pasid_does_nothing),
		T(test_invalidate_domain_reaches_all_children),
		T(test_invalidate_after_detach_has_no_device),
		T(test_flush_iotlb_is_exact),
		T(test_flush_iotlb_and_device_tlb),
		T(test_flush_sequence),
		T(test_flush_sequence_of_what_is_not_bound_is_nothing),
		T(test_flush_sequence_refuses_bad_steps),
		T(test_flush_refuses_bad_pasid),
		T(test_flush_rid_uses_plain_descriptor),
		T(test_flush_device_tlb_sizes),
		T(test_flush_device_tlb_of_all_pasids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
