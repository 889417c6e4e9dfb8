// SPDX-License-Identifier: MIT
/* Domains, their flushes, and the translation of requests without PASID. */
#include "world.h"

#include <errno.h>

#define ALL VTD_DEVICE_TLB_ALL
#define GIB (UINT64_C(1) << 30)

static void map(struct world *world, uint64_t addr, uint64_t to, uint64_t len)
{
	assert_int_equal(vsva_domain_map(world->domain, gpa(addr), hpa(to), len, 3), 0);
}

static void test_domain_map_refuses_bad_ranges(void **state)
{
	struct world *world = *state;
	struct vsva_domain *d = world->domain;

	assert_int_equal(vsva_domain_map(d, gpa(1), hpa(0), 4096, 3), -EINVAL);
	assert_int_equal(vsva_domain_map(d, gpa(0), hpa(1), 4096, 3), -EINVAL);
	assert_int_equal(vsva_domain_map(d, gpa(0), hpa(0), 4095, 3), -EINVAL);
	assert_int_equal(vsva_domain_map(d, gpa(0), hpa(0), 0, 3), -EINVAL);
	assert_int_equal(vsva_domain_map(d, gpa(0), hpa(0), 4096, 0), -EINVAL);
	assert_int_equal(vsva_domain_map(d, gpa(0), hpa(0), 4096, 4), -EINVAL);
	assert_int_equal(vsva_domain_map(d, gpa(UINT64_C(1) << 48), hpa(0), 4096, 3), -ERANGE);
	assert_int_equal(vsva_domain_map(d, gpa((UINT64_C(1) << 48) - 4096), hpa(0), 8192, 3),
			 -ERANGE);
	assert_int_equal(vsva_domain_map(d, gpa(4096), hpa(0), UINT64_MAX & ~UINT64_C(4095), 3),
			 -ERANGE);
	assert_int_equal(vsva_domain_map(d, gpa(0), hpa((UINT64_C(1) << 46) - 4096), 8192, 3),
			 -EINVAL);
	assert_int_equal(vsva_domain_unmap(d, gpa(1), 4096, NULL), -EINVAL);
	assert_int_equal(vsva_domain_unmap(d, gpa(UINT64_C(1) << 48), 4096, NULL), -ERANGE);
	expect_log_count(world, 0);
}

static void test_domain_map_is_exclusive(void **state)
{
	struct world *world = *state;
	hpa_t out;

	map(world, 0x10000, 5 * GIB, 0x4000);
	assert_int_equal(vsva_domain_map(world->domain, gpa(0xf000), hpa(0), 0x2000, 3), -EEXIST);
	assert_int_equal(vsva_domain_iova_to_phys(world->domain, gpa(0xf000), &out), -ENOENT);
	assert_int_equal(vsva_domain_iova_to_phys(world->domain, gpa(0x12345), &out), 0);
	assert_int_equal(out.v, 5 * GIB + 0x2345);
	assert_int_equal(vsva_domain_iova_to_phys(world->domain, gpa(UINT64_MAX), &out), -ENOENT);
	/* CM=0: from not present to present needs nothing */
	expect_log_count(world, 0);
}

static void test_domain_flags_need_capabilities(void **state)
{
	uint64_t without = vtd_without(world_ecap(), VTD_ECAP_NEST | VTD_ECAP_SSADS);
	struct world *world = world_create_bare(world_cap(), without);
	struct vsva_domain *domain;

	(void)state;
	assert_int_equal(vsva_domain_alloc(world->iommu, NULL, 4, 1, &domain), -EINVAL);
	assert_int_equal(vsva_domain_alloc(world->iommu, NULL, VSVA_DOMAIN_NESTING, 1, &domain),
			 -ENOTSUP);
	assert_int_equal(vsva_domain_alloc(world->iommu, NULL, VSVA_DOMAIN_DIRTY, 1, &domain),
			 -ENOTSUP);
	assert_int_equal(vsva_domain_alloc(world->iommu, NULL, 0, 1, &world->domain), 0);
	world_destroy(world);
}

/* An unmap in the parent flushes the parent's domain id, each child's, and the device TLBs:
 * f1e1610950ea. */
static void test_domain_unmap_flushes_children(void **state)
{
	struct world *world = *state;
	hpasid_t a = world_bind(world, gpasid(1)), b = world_bind(world, gpasid(2));
	uint64_t bytes;

	map(world, 0x10000, 5 * GIB, 0x4000);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0x10000), 0x4000, &bytes), 0);
	assert_int_equal(bytes, 0x4000);
	expect_iotlb_range(world, 0, host_domain_did(world->domain), 0x10000, 2);
	expect_iotlb_range(world, 1, world_child(world, a), 0x10000, 2);
	expect_iotlb_range(world, 2, world_child(world, b), 0x10000, 2);
	/* requests without PASID go by GPA, those with PASID by nobody knows which address */
	expect_dev_tlb(world, 3, RID_PF, 0x11000, true);
	expect_pasid_dev_tlb(world, 4, RID_PF, a.v, ALL, true);
	expect_pasid_dev_tlb(world, 5, RID_PF, b.v, ALL, true);
	expect_log_count(world, 6);
}

/* Ranges are aligned to their size: a range that is not must be covered whole. */
static void test_domain_unmap_covers_unaligned_range(void **state)
{
	struct world *world = *state;

	map(world, 0, 0, 0x10000);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0x3000), 0x2000, NULL), 0);
	expect_iotlb_range(world, 0, host_domain_did(world->domain), 0, 3);
	expect_dev_tlb(world, 1, RID_PF, 0x3000, true);
}

/* CVE-2026-31735: the flush of an unmap inside a large page. Splitting is no reason to flush more.
 */
static void test_domain_unmap_inside_large_page(void **state)
{
	struct world *world = *state;
	uint64_t bytes;
	hpa_t out;

	map(world, GIB, GIB, GIB);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(GIB + 0x7000), 0x1000, &bytes), 0);
	assert_int_equal(bytes, 0x1000);
	expect_iotlb_range(world, 0, host_domain_did(world->domain), GIB + 0x7000, 0);
	expect_dev_tlb(world, 1, RID_PF, GIB + 0x7000, false);
	expect_log_count(world, 2);
	assert_int_equal(vsva_domain_iova_to_phys(world->domain, gpa(GIB + 0x6fff), &out), 0);
	assert_int_equal(vsva_domain_iova_to_phys(world->domain, gpa(GIB + 0x7000), &out), -ENOENT);
	assert_int_equal(vsva_domain_iova_to_phys(world->domain, gpa(GIB + 0x8000), &out), 0);
	assert_int_equal(out.v, GIB + 0x8000);
}

static void test_domain_unmap_of_large_range_goes_by_domain(void **state)
{
	struct world *world = *state;

	map(world, 0, 0, 4 * GIB);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0), 4 * GIB, NULL), 0);
	expect_iotlb_domain(world, 0, host_domain_did(world->domain));
}

static void test_domain_unmap_of_nothing_flushes_nothing(void **state)
{
	struct world *world = *state;
	uint64_t bytes = 5;

	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0), UINT64_C(1) << 48, &bytes), 0);
	assert_int_equal(bytes, 0);
	expect_log_count(world, 0);
}

struct page_watch {
	struct world *world;
	size_t pages;
	unsigned flushes;
};

static void watch_pages(void *arg, const struct vtd_desc *desc)
{
	struct page_watch *watch = arg;

	if (vtd_desc_type(desc) != VTD_DESC_IOTLB)
		return;
	watch->flushes++;
	assert_int_equal(physmem_pages_in_use(watch->world->fake.port.physmem), watch->pages);
}

/* CVE-2025-71202: a table is freed and used again while the unit may still walk it. */
static void test_domain_tables_are_freed_after_the_flush(void **state)
{
	struct world *world = *state;
	struct page_watch watch = {.world = world};
	size_t before = physmem_pages_in_use(world->fake.port.physmem);

	map(world, 0x10000, 5 * GIB, 0x4000);
	watch.pages = physmem_pages_in_use(world->fake.port.physmem);
	assert_int_equal(watch.pages, before + 3);
	world->fake.on_desc = watch_pages;
	world->fake.on_desc_arg = &watch;
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0x10000), 0x4000, NULL), 0);
	world->fake.on_desc = NULL;
	assert_int_equal(watch.flushes, 1);
	assert_int_equal(physmem_pages_in_use(world->fake.port.physmem), before);
}

static void test_domain_free_flushes_its_id(void **state)
{
	struct world *world = *state;
	struct vsva_domain *other;
	did_t did;

	assert_int_equal(vsva_domain_free(world->domain), -EBUSY);
	assert_int_equal(vsva_domain_alloc(world->iommu, world->set, 0, 2, &other), 0);
	did = host_domain_did(other);
	assert_int_not_equal(did.v, 0);
	assert_int_equal(vsva_domain_map(other, gpa(0), hpa(0), GIB, 1), 0);
	assert_int_equal(vsva_domain_free(other), 0);
	expect_pasid_cache_domain(world, 0, did);
	expect_iotlb_domain(world, 1, did);
	expect_log_count(world, 2);
}

/* A/D bits of the parent are those of the children: same second stage, same SSADE. */
static void test_domain_dirty_reaches_children(void **state)
{
	struct world *world = *state;
	struct vtd_pasid_entry entry;
	hpasid_t pasid = world_pasid(world);
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(3));
	struct vsva_domain *dirty;

	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(vsva_domain_alloc(world->iommu, world->set,
					   VSVA_DOMAIN_NESTING | VSVA_DOMAIN_DIRTY, 1, &dirty),
			 0);
	assert_int_equal(vsva_domain_attach(dirty, world->dev), 0);
	assert_int_equal(vsva_bind_gpasid(dirty, world->dev, &data), 0);
	entry = world_entry(world, pasid);
	assert_true(vtd_pasid_entry_SSADE(&entry));
	entry = world_entry(world, hpasid(0));
	assert_true(vtd_pasid_entry_SSADE(&entry));
	assert_int_equal(vsva_domain_detach(dirty, world->dev), 0);
	assert_int_equal(vsva_domain_free(dirty), 0);
}

static void test_domain_map_in_caching_mode_is_flushed(void **state)
{
	struct world *world = world_create_with(world_cap() | VTD_CAP_CM, world_ecap());

	(void)state;
	map(world, 0x10000, 0, 0x1000);
	expect_iotlb_range(world, 0, host_domain_did(world->domain), 0x10000, 0);
	world_destroy(world);
}

/* RID */

static const struct vsva_rid_config nested = {
	.kind = VSVA_RID_NESTED, .gpgd = {ROOT_GPA}, .addr_width = 48};
static const struct vsva_rid_config second_stage = {.kind = VSVA_RID_SECOND_STAGE};
static const struct vsva_rid_config blocked = {.kind = VSVA_RID_BLOCKED};

static int attach_rid(struct world *world, const struct vsva_rid_config *config)
{
	return vsva_attach_rid(world->domain, world->dev, config);
}

static void test_rid_refuses_bad_config(void **state)
{
	struct world *world = *state;
	struct vsva_rid_config config = nested;
	struct vsva_domain *other;

	assert_int_equal(attach_rid(world, NULL), -EINVAL);
	config.kind = (enum vsva_rid_kind)7;
	assert_int_equal(attach_rid(world, &config), -EINVAL);
	config = nested;
	config.gpgd.v |= 8;
	assert_int_equal(attach_rid(world, &config), -EINVAL);
	config = nested;
	config.addr_width = 39;
	assert_int_equal(attach_rid(world, &config), -EINVAL);
	config = nested;
	config.vtd_flags = VSVA_VTD_GPASID_PCD;
	assert_int_equal(attach_rid(world, &config), -EINVAL);
	config.vtd_flags = 1u << 31;
	assert_int_equal(attach_rid(world, &config), -EINVAL);
	assert_int_equal(
		vsva_domain_alloc(world->iommu, world->set, VSVA_DOMAIN_NESTING, 1, &other), 0);
	assert_int_equal(vsva_attach_rid(other, world->dev, &nested), -ENODEV);
	expect_log_count(world, 0);
	assert_int_equal(vsva_domain_free(other), 0);
}

static void test_rid_same_config_does_nothing(void **state)
{
	struct world *world = *state;

	assert_int_equal(attach_rid(world, &second_stage), 0);
	expect_log_count(world, 0);
	assert_int_equal(attach_rid(world, &nested), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(attach_rid(world, &nested), 0);
	expect_log_count(world, 0);
}

/* "Fix race condition during PASID entry replacement": cleared, flushed, and only then written
 * anew. PASID 0 has the plain device-TLB descriptor: e7e69461a832. */
static void test_rid_replaces_live_entry_in_order(void **state)
{
	struct world *world = *state;
	did_t parent = host_domain_did(world->domain), child;
	struct vtd_pasid_entry entry;

	assert_int_equal(attach_rid(world, &nested), 0);
	child = world_child(world, hpasid(0));
	entry = world_entry(world, hpasid(0));
	assert_int_equal(vtd_pasid_entry_PGTT(&entry), VTD_PGTT_NESTED);
	assert_int_equal(vtd_pasid_entry_DID(&entry), child.v);
	assert_int_not_equal(child.v, parent.v);
	assert_int_equal(vtd_pasid_entry_FSPTPTR(&entry), ROOT_GPA);
	fake_vtd_forget_log(&world->fake);

	assert_int_equal(attach_rid(world, &second_stage), 0);
	expect_fence(world, 0);
	expect_pasid_cache(world, 1, child, 0);
	expect_iotlb_domain(world, 2, child);
	expect_dev_tlb(world, 3, RID_PF, ALL, true);
	expect_drain(world, 4);
	expect_log_count(world, 5);
	entry = world_entry(world, hpasid(0));
	assert_int_equal(vtd_pasid_entry_PGTT(&entry), VTD_PGTT_SECOND_STAGE);
	assert_int_equal(vtd_pasid_entry_DID(&entry), parent.v);
	assert_int_equal(vtd_pasid_entry_FSPTPTR(&entry), 0);
}

struct live_watch {
	struct world *world;
	unsigned seen;
};

static void check_not_present(void *arg, const struct vtd_desc *desc)
{
	struct live_watch *watch = arg;

	if (vtd_desc_type(desc) != VTD_DESC_PASID_CACHE ||
	    vtd_desc_pasid_cache_G(desc) != VTD_PASID_CACHE_PASID)
		return;
	watch->seen++;
	assert_int_equal(world_events(watch->world, VSVA_EV_PASID_ENTRY), watch->seen * 2 - 1);
}

static void test_rid_entry_is_not_present_while_replaced(void **state)
{
	struct world *world = *state;
	struct live_watch watch = {world, 0};

	world->fake.on_desc = check_not_present;
	world->fake.on_desc_arg = &watch;
	assert_int_equal(attach_rid(world, &nested), 0);
	assert_int_equal(attach_rid(world, &second_stage), 0);
	assert_int_equal(attach_rid(world, &nested), 0);
	world->fake.on_desc = NULL;
	assert_int_equal(watch.seen, 3);
}

static void test_rid_blocked_and_back(void **state)
{
	struct world *world = *state;
	struct vtd_pasid_entry entry;

	assert_int_equal(attach_rid(world, &blocked), 0);
	entry = world_entry(world, hpasid(0));
	assert_int_equal(entry.q[0], 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(attach_rid(world, &second_stage), 0);
	expect_log_count(world, 0);
	entry = world_entry(world, hpasid(0));
	assert_true(vtd_pasid_entry_P(&entry));
	assert_int_equal(world_events(world, VSVA_EV_ATTACH_RID), 2);
	assert_int_equal(world_events(world, VSVA_EV_ATTACH_RID_DONE), 2);
}

/* A nested RID entry is a child too. */
static void test_rid_child_is_flushed_by_unmap(void **state)
{
	struct world *world = *state;

	map(world, 0x10000, 0, 0x1000);
	assert_int_equal(attach_rid(world, &nested), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0x10000), 0x1000, NULL), 0);
	expect_iotlb_range(world, 0, host_domain_did(world->domain), 0x10000, 0);
	expect_iotlb_range(world, 1, world_child(world, hpasid(0)), 0x10000, 0);
	expect_dev_tlb(world, 2, RID_PF, ALL, true);
	expect_log_count(world, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_domain_map_refuses_bad_ranges),
		T(test_domain_map_is_exclusive),
		cmocka_unit_test(test_domain_flags_need_capabilities),
		T(test_domain_unmap_flushes_children),
		T(test_domain_unmap_covers_unaligned_range),
		T(test_domain_unmap_inside_large_page),
		T(test_domain_unmap_of_large_range_goes_by_domain),
		T(test_domain_unmap_of_nothing_flushes_nothing),
		T(test_domain_tables_are_freed_after_the_flush),
		T(test_domain_free_flushes_its_id),
		T(test_domain_dirty_reaches_children),
		cmocka_unit_test(test_domain_map_in_caching_mode_is_flushed),
		T(test_rid_refuses_bad_config),
		T(test_rid_same_config_does_nothing),
		T(test_rid_replaces_live_entry_in_order),
		T(test_rid_entry_is_not_present_while_replaced),
		T(test_rid_blocked_and_back),
		T(test_rid_child_is_flushed_by_unmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
