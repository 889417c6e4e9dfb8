// SPDX-License-Identifier: MIT
/* vsva_bind_gpasid and vsva_unbind_gpasid: each check, the entry, the exact invalidations. */
#include "world.h"

#include <errno.h>
#include <string.h>

#include "base/rcu.h"

#define ALL VTD_DEVICE_TLB_ALL

/* Errors */

static int try_bind(struct world *world, const struct vsva_gpasid_bind_data *data)
{
	int err = vsva_bind_gpasid(world->domain, world->dev, data);

	if (err)
		assert_int_equal(world->fake.log_count, 0);
	return err;
}

#define EXPECT_WITH(world_, good_, change_, expected_)                                             \
	do {                                                                                       \
		struct vsva_gpasid_bind_data data = (good_);                                       \
		change_;                                                                           \
		assert_int_equal(try_bind(world_, &data), expected_);                              \
	} while (0)

static void test_bind_refuses_missing_arguments(void **state)
{
	struct world *world = *state;
	struct vsva_gpasid_bind_data data = world_bind_data(world_pasid(world), gpasid(1));

	assert_int_equal(vsva_bind_gpasid(NULL, world->dev, &data), -EINVAL);
	assert_int_equal(vsva_bind_gpasid(world->domain, NULL, &data), -EINVAL);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, NULL), -EINVAL);
}

static void test_bind_refuses_bad_format(void **state)
{
	struct world *world = *state;
	struct vsva_gpasid_bind_data good = world_bind_data(world_pasid(world), gpasid(1));

	EXPECT_WITH(world, good, data.argsz = 55, -EINVAL);
	EXPECT_WITH(world, good, data.argsz = 71, -EINVAL);
	EXPECT_WITH(world, good, data.version = 0, -EINVAL);
	EXPECT_WITH(world, good, data.version = 2, -EINVAL);
	EXPECT_WITH(world, good, data.format = 0, -EINVAL);
	EXPECT_WITH(world, good, data.format = 2, -EINVAL);
	EXPECT_WITH(world, good, data.flags = 2, -EINVAL);
	EXPECT_WITH(world, good, data.flags = UINT64_C(1) << 40, -EINVAL);
	for (unsigned i = 0; i < 8; i++)
		EXPECT_WITH(world, good, data.padding[i] = 1, -EINVAL);
	EXPECT_WITH(world, good, data.vtd.flags = VSVA_VTD_GPASID_LAST, -EINVAL);
	EXPECT_WITH(world, good, data.vtd.flags = UINT64_C(1) << 32, -EINVAL);
	EXPECT_WITH(world, good, data.argsz = 4096, 0);
}

static void test_bind_refuses_bad_pasid(void **state)
{
	struct world *world = *state;
	struct vsva_gpasid_bind_data good = world_bind_data(world_pasid(world), gpasid(1));

	EXPECT_WITH(world, good, data.hpasid = 0, -EINVAL);
	EXPECT_WITH(world, good, data.hpasid = VSVA_PASID_MAX + 1, -EINVAL);
	EXPECT_WITH(world, good, data.hpasid = (UINT64_C(1) << 32) + 1, -EINVAL);
	EXPECT_WITH(world, good, data.hpasid = 4000, -ENOENT);
	EXPECT_WITH(world, good, data.hpasid = VSVA_PASID_MAX, -ENOENT);
	/* the host does not judge the guest's number */
	EXPECT_WITH(world, good, data.gpasid = 0x7fffffff, 0);
}

static void test_bind_refuses_bad_first_stage(void **state)
{
	struct world *world = *state;
	struct vsva_gpasid_bind_data good = world_bind_data(world_pasid(world), gpasid(1));

	EXPECT_WITH(world, good, data.gpgd = 0x1001, -EINVAL);
	EXPECT_WITH(world, good, data.gpgd = UINT64_C(1) << 48, -EINVAL);
	EXPECT_WITH(world, good, data.gpgd = UINT64_MAX & ~UINT64_C(0xfff), -EINVAL);
	EXPECT_WITH(world, good, data.addr_width = 0, -EINVAL);
	EXPECT_WITH(world, good, data.addr_width = 47, -EINVAL);
	EXPECT_WITH(world, good, data.addr_width = 64, -EINVAL);
	EXPECT_WITH(world, good, data.vtd.flags = VSVA_VTD_GPASID_PCD, -EINVAL);
	EXPECT_WITH(world, good, data.vtd.flags = VSVA_VTD_GPASID_PWT, -EINVAL);
	EXPECT_WITH(world, good, data.vtd.flags = VSVA_VTD_GPASID_EMTE, -EINVAL);
	EXPECT_WITH(world, good, data.vtd.flags = VSVA_VTD_GPASID_CD, -EINVAL);
	EXPECT_WITH(world, good, data.gpgd = (UINT64_C(1) << 48) - 4096, 0);
}

static void test_bind_refuses_what_unit_lacks(void **state)
{
	uint64_t ecap = vtd_without(world_ecap(), VTD_ECAP_SRS | VTD_ECAP_EAFS);
	struct world *world = world_create_with(vtd_without(world_cap(), VTD_CAP_FS5LP), ecap);
	struct vsva_gpasid_bind_data good = world_bind_data(world_pasid(world), gpasid(1));

	(void)state;
	EXPECT_WITH(world, good, data.addr_width = 57, -EINVAL);
	EXPECT_WITH(world, good, data.vtd.flags = VSVA_VTD_GPASID_SRE, -EINVAL);
	EXPECT_WITH(world, good, data.vtd.flags = VSVA_VTD_GPASID_EAFE, -EINVAL);
	EXPECT_WITH(world, good, (void)0, 0);
	world_destroy(world);
}

static void test_bind_refuses_unit_without_pasids(void **state)
{
	uint64_t ecap = vtd_without(world_ecap(), VTD_ECAP_PASID);
	struct world *world = world_create_with(world_cap(), ecap);
	struct vsva_gpasid_bind_data data = world_bind_data(world_pasid(world), gpasid(1));

	(void)state;
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), -ENODEV);
	world_destroy(world);
}

static int bind_on_device(struct world *world, unsigned has, unsigned width, bool is_pci)
{
	struct vsva_gpasid_bind_data data = world_bind_data(world_pasid(world), gpasid(1));
	struct host_dev_info info = {.rid = rid(0x300), .pf_rid = rid(0x300), .is_pci = is_pci};
	struct fake_pci pci;
	struct vsva_dev *dev;
	int err;

	fake_pci_init(&pci, has, width);
	info.config = pci.port;
	assert_int_equal(host_dev_add(world->iommu, &info, &dev), 0);
	assert_int_equal(vsva_domain_attach(world->domain, dev), 0);
	err = vsva_bind_gpasid(world->domain, dev, &data);
	assert_int_equal(host_dev_remove(dev), 0);
	return err;
}

static void test_bind_refuses_unfit_device(void **state)
{
	struct world *world = *state;

	assert_int_equal(bind_on_device(world, FAKE_HAS_ALL, 20, false), -ENOTSUP);
	assert_int_equal(bind_on_device(world, FAKE_HAS_ATS, 20, true), -ENODEV);
	assert_int_equal(bind_on_device(world, FAKE_HAS_ALL, 16, true), -EINVAL);
	assert_int_equal(bind_on_device(world, FAKE_HAS_PASID, 20, true), 0);
	assert_int_equal(bind_on_device(world, FAKE_HAS_ALL, 20, true), 0);
}

static void test_bind_refuses_other_owner(void **state)
{
	struct world *world = *state;
	struct vsva_ioasid_set *other;
	struct vsva_gpasid_bind_data data;
	hpasid_t pasid;
	int token;

	assert_int_equal(
		vsva_ioasid_set_alloc(vsva_iommu_ioasid_space(world->iommu), &token, 5, &other), 0);
	assert_int_equal(vsva_ioasid_alloc(other, 1, 100, NULL, &pasid), 0);
	data = world_bind_data(pasid, gpasid(1));
	assert_int_equal(try_bind(world, &data), -EACCES);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), -EACCES);
	assert_int_equal(vsva_ioasid_free(other, pasid), 0);
	vsva_ioasid_set_free(other);
}

static void test_bind_refuses_wrong_domain(void **state)
{
	struct world *world = *state;
	struct vsva_gpasid_bind_data data = world_bind_data(world_pasid(world), gpasid(1));
	struct vsva_domain *plain, *other, *nobodys;

	assert_int_equal(vsva_domain_alloc(world->iommu, world->set, 0, 1, &plain), 0);
	assert_int_equal(
		vsva_domain_alloc(world->iommu, world->set, VSVA_DOMAIN_NESTING, 1, &other), 0);
	assert_int_equal(vsva_domain_alloc(world->iommu, NULL, VSVA_DOMAIN_NESTING, 1, &nobodys),
			 0);
	assert_int_equal(vsva_bind_gpasid(plain, world->dev, &data), -EINVAL);
	assert_int_equal(vsva_bind_gpasid(other, world->dev, &data), -ENODEV);
	assert_int_equal(vsva_bind_gpasid(nobodys, world->dev, &data), -EACCES);
	assert_int_equal(vsva_domain_free(plain), 0);
	assert_int_equal(vsva_domain_free(other), 0);
	assert_int_equal(vsva_domain_free(nobodys), 0);
}

/* A duplicate guest PASID was bound silently, for nobody looked whether it could be attached. */
static void test_bind_refuses_duplicate_gpasid(void **state)
{
	struct world *world = *state;
	hpasid_t first = world_bind(world, gpasid(7)), second = world_pasid(world), found;
	struct vsva_gpasid_bind_data data = world_bind_data(second, gpasid(7));
	struct vsva_iommu_stats stats;

	fake_vtd_forget_log(&world->fake);
	assert_int_equal(try_bind(world, &data), -EEXIST);
	assert_int_equal(vsva_ioasid_find_gpasid(world->set, gpasid(7), &found), 0);
	assert_int_equal(found.v, first.v);
	vsva_iommu_get_stats(world->iommu, &stats);
	assert_int_equal(stats.bound_now, 1);
	data.gpasid = 8;
	assert_int_equal(try_bind(world, &data), 0);
}

static void test_bind_refuses_other_data(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));
	struct vsva_gpasid_bind_data good = world_bind_data(pasid, gpasid(7));

	fake_vtd_forget_log(&world->fake);
	EXPECT_WITH(world, good, data.gpgd += 4096, -EBUSY);
	EXPECT_WITH(world, good, data.addr_width = 57, -EBUSY);
	EXPECT_WITH(world, good, data.gpasid = 9, -EBUSY);
	EXPECT_WITH(world, good, data.vtd.flags = VSVA_VTD_GPASID_SRE, -EBUSY);
	EXPECT_WITH(world, good, data.flags = 0, -EBUSY);
	EXPECT_WITH(world, good, (void)0, 0);
}

/* What it does */

static void test_bind_writes_nested_entry(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(7));
	struct vtd_pasid_entry entry, rid_entry;

	data.addr_width = 57;
	data.vtd.flags = VSVA_VTD_GPASID_SRE | VSVA_VTD_GPASID_EAFE;
	assert_int_equal(try_bind(world, &data), 0);
	entry = world_entry(world, pasid);
	rid_entry = world_entry(world, hpasid(0));
	assert_int_equal(vtd_pasid_entry_P(&entry), 1);
	assert_int_equal(vtd_pasid_entry_PGTT(&entry), VTD_PGTT_NESTED);
	assert_int_equal(vtd_pasid_entry_FSPTPTR(&entry), ROOT_GPA);
	assert_int_equal(vtd_pasid_entry_FSPM(&entry), VTD_FSPM_5_LEVEL);
	assert_int_equal(vtd_pasid_entry_SRE(&entry), 1);
	assert_int_equal(vtd_pasid_entry_EAFE(&entry), 1);
	assert_int_equal(vtd_pasid_entry_PWSNP(&entry), 1);
	assert_int_equal(vtd_pasid_entry_AW(&entry), VTD_AW_48);
	assert_int_equal(vtd_pasid_entry_FPD(&entry), 0);
	/* same second stage, own domain id */
	assert_int_equal(vtd_pasid_entry_SSPTPTR(&entry), vtd_pasid_entry_SSPTPTR(&rid_entry));
	assert_int_equal(vtd_pasid_entry_DID(&rid_entry), host_domain_did(world->domain).v);
	assert_int_not_equal(vtd_pasid_entry_DID(&entry), vtd_pasid_entry_DID(&rid_entry));
	assert_int_not_equal(vtd_pasid_entry_DID(&entry), 0);
	for (unsigned i = 3; i < 8; i++)
		assert_int_equal(entry.q[i], 0);
}

/* First bind: PASIDE and PRE in a context entry that was present. Then CM=0: nothing. */
static void test_bind_invalidates_context_once(void **state)
{
	struct world *world = *state;
	did_t parent = host_domain_did(world->domain);

	world_bind(world, gpasid(7));
	expect_context_device(world, 0, RID_PF);
	expect_pasid_cache_domain(world, 1, parent);
	expect_iotlb_domain(world, 2, parent);
	expect_dev_tlb(world, 3, RID_PF, ALL, true);
	expect_log_count(world, 4);
	fake_vtd_forget_log(&world->fake);
	world_bind(world, gpasid(8));
	expect_log_count(world, 0);
}

static void test_bind_with_caching_mode_invalidates_real_pasid(void **state)
{
	struct world *world = world_create_with(world_cap() | VTD_CAP_CM, world_ecap());
	hpasid_t pasid;

	(void)state;
	world_bind(world, gpasid(7));
	fake_vtd_forget_log(&world->fake);
	pasid = world_bind(world, gpasid(8));
	/* that it was not present is filed under domain 0 */
	expect_pasid_cache(world, 0, did(0), pasid.v);
	expect_pasid_cache(world, 1, world_child(world, pasid), pasid.v);
	expect_piotlb_all(world, 2, world_child(world, pasid), pasid.v);
	expect_log_count(world, 3);
	world_destroy(world);
}

static void expect_teardown(struct world *world, did_t child, hpasid_t pasid)
{
	expect_fence(world, 0);
	expect_pasid_cache(world, 1, child, pasid.v);
	expect_iotlb_domain(world, 2, child);
	expect_pasid_dev_tlb(world, 3, RID_PF, pasid.v, ALL, true);
	expect_drain(world, 4);
	expect_log_count(world, 5);
}

/* The nested entry's tags go by domain: "Fix incomplete cache flush in
 * intel_pasid_tear_down_entry". */
static void test_unbind_flushes_by_domain_and_drains(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));
	did_t child = world_child(world, pasid);
	struct vtd_pasid_entry entry;

	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	expect_teardown(world, child, pasid);
	entry = world_entry(world, pasid);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(entry.q[i], 0);
}

/* With caching mode the device TLB is flushed just so: 1f5e307ca16c. */
static void test_unbind_flushes_device_tlb_in_caching_mode(void **state)
{
	struct world *world = world_create_with(world_cap() | VTD_CAP_CM, world_ecap());
	hpasid_t pasid = world_bind(world, gpasid(7));
	did_t child = world_child(world, pasid);

	(void)state;
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	expect_teardown(world, child, pasid);
	world_destroy(world);
}

struct entry_spy {
	const struct vtd_pasid_entry *entry;
	struct vtd_pasid_entry before;
	unsigned checks;
};

/* At the PASID-cache flush P is 0 and nothing else has changed: a fetch in pieces sees the old
 * entry or none. CVE-2026-45894. */
static void spy_on_flush(void *arg, const struct vtd_desc *desc)
{
	struct entry_spy *spy = arg;

	if (vtd_desc_type(desc) != VTD_DESC_PASID_CACHE)
		return;
	spy->checks++;
	assert_int_equal(spy->entry->q[0], spy->before.q[0] & ~UINT64_C(1));
	for (unsigned i = 1; i < 8; i++)
		assert_int_equal(spy->entry->q[i], spy->before.q[i]);
}

/* The hardware's own way to an entry: root, context, directory, table. */
static const struct vtd_pasid_entry *walk_to_entry(struct world *world, rid_t rid_, uint32_t pasid)
{
	struct physmem *pm = world->fake.port.physmem;
	uint64_t root = vtd_RTADDR_RTA(world->fake.regs[VTD_REG_RTADDR / 8]);
	const struct vtd_root_entry *roots;
	const struct vtd_context_entry *contexts;
	const struct vtd_pasid_dir_entry *dir;
	const struct vtd_pasid_entry *table;

	rcu_read_lock();
	roots = physmem_ptr(pm, hpa(root), 4096, false);
	contexts = physmem_ptr(pm, hpa(vtd_root_entry_LCTP(&roots[vtd_root_index(rid_)])), 4096,
			       false);
	dir = physmem_ptr(pm,
			  hpa(vtd_context_entry_PASIDDIRPTR(&contexts[vtd_context_index(rid_)])),
			  131072, false);
	table = physmem_ptr(pm,
			    hpa(vtd_pasid_dir_entry_SMPTBLPTR(&dir[vtd_pasid_dir_index(pasid)])),
			    4096, false);
	rcu_read_unlock();
	return &table[vtd_pasid_table_index(pasid)];
}

static void test_unbind_clears_present_before_the_rest(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));
	struct entry_spy spy = {.entry = walk_to_entry(world, RID_PF, pasid.v)};

	spy.before = *spy.entry;
	assert_true(vtd_pasid_entry_P(&spy.before));
	world->fake.on_desc = spy_on_flush;
	world->fake.on_desc_arg = &spy;
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	world->fake.on_desc = NULL;
	assert_int_equal(spy.checks, 1);
}

static void test_bind_counts_users(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(7));
	struct vtd_pasid_entry entry;

	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	entry = world_entry(world, pasid);
	assert_true(vtd_pasid_entry_P(&entry));
	assert_int_equal(world_events(world, VSVA_EV_UNBIND), 0);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	entry = world_entry(world, pasid);
	assert_false(vtd_pasid_entry_P(&entry));
	assert_int_equal(world_events(world, VSVA_EV_UNBIND), 1);
	assert_int_equal(world_events(world, VSVA_EV_UNBIND_DONE), 1);
	/* a late unbind finds nothing and harms nothing */
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
}

static void test_unbind_errors(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);

	assert_int_equal(vsva_unbind_gpasid(NULL, world->dev, pasid), -EINVAL);
	assert_int_equal(vsva_unbind_gpasid(world->domain, NULL, pasid), -EINVAL);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, hpasid(0)), -EINVAL);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, hpasid(1u << 20)), -EINVAL);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, hpasid(VSVA_PASID_INVALID)),
			 -EINVAL);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, hpasid(4000)), 0);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
}

static void test_bind_leaves_flags_and_gpasid(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7)), found;
	uint32_t flags;
	uint32_t references;

	assert_int_equal(vsva_ioasid_get_flags(world->set, pasid, &flags), 0);
	assert_int_equal(flags, VSVA_IOASID_GUEST_MODE | VSVA_IOASID_GUEST_PASID);
	assert_int_equal(vsva_ioasid_find_gpasid(world->set, gpasid(7), &found), 0);
	assert_int_equal(found.v, pasid.v);
	assert_int_equal(
		vsva_ioasid_state_of(vsva_iommu_ioasid_space(world->iommu), pasid, &references),
		VSVA_IOASID_ACTIVE);
	assert_int_equal(references, 2);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	assert_int_equal(vsva_ioasid_get_flags(world->set, pasid, &flags), 0);
	assert_int_equal(flags, 0);
	assert_int_equal(vsva_ioasid_find_gpasid(world->set, gpasid(7), &found), -ENOENT);
	assert_int_equal(vsva_ioasid_free(world->set, pasid), 0);
}

static void test_bind_without_gpasid_means_the_same(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world), found;
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(99));
	uint32_t flags;

	data.flags = 0;
	assert_int_equal(try_bind(world, &data), 0);
	assert_int_equal(vsva_ioasid_get_flags(world->set, pasid, &flags), 0);
	assert_int_equal(flags, VSVA_IOASID_GUEST_MODE);
	assert_int_equal(vsva_ioasid_find_gpasid(world->set, gpasid(pasid.v), &found), 0);
	assert_int_equal(found.v, pasid.v);
}

/* Freed while it is bound, an id keeps its number until it is unbound. */
static void test_bind_keeps_the_number_of_a_freed_id(void **state)
{
	struct world *world = *state;
	struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(world->iommu);
	hpasid_t pasid = world_bind(world, gpasid(7));
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(7));

	assert_int_equal(vsva_ioasid_free(world->set, pasid), 0);
	assert_int_equal(vsva_ioasid_state_of(space, pasid, NULL), VSVA_IOASID_FREE_PENDING);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), -ENOENT);
	assert_int_not_equal(world_pasid(world).v, pasid.v);
	/* an unbind that comes while it is pending is one */
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	assert_int_equal(world_entry(world, pasid).q[1], 0);
	assert_int_equal(vsva_ioasid_state_of(space, pasid, NULL), VSVA_IOASID_FREE_PENDING);
	world_run(world);
	assert_int_equal(vsva_ioasid_state_of(space, pasid, NULL), VSVA_IOASID_FREE);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
}

/* Free before unbind: at once faults are off (FPD), then the set's work queue takes it down by the
 * same steps as an unbind. */
static void test_free_before_unbind_is_torn_down(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));
	did_t child = world_child(world, pasid);
	struct vtd_pasid_entry entry;
	struct vsva_iommu_stats stats;

	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_ioasid_free(world->set, pasid), 0);
	entry = world_entry(world, pasid);
	assert_true(vtd_pasid_entry_P(&entry) && vtd_pasid_entry_FPD(&entry));
	expect_log_count(world, 0);
	world_run(world);
	expect_teardown(world, child, pasid);
	entry = world_entry(world, pasid);
	assert_true(!vtd_pasid_entry_P(&entry) && vtd_pasid_entry_FPD(&entry));
	for (unsigned i = 1; i < 8; i++)
		assert_int_equal(entry.q[i], 0);
	vsva_iommu_get_stats(world->iommu, &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(world_events(world, VSVA_EV_UNBIND_DONE), 1);
	assert_int_equal(vsva_ioasid_set_count(world->set), 0);
}

static void test_bind_tells_its_story(void **state)
{
	static const enum vsva_event_kind story[] = {
		VSVA_EV_IOASID_ALLOC, VSVA_EV_BIND,        VSVA_EV_PASID_ENTRY, VSVA_EV_BIND_DONE,
		VSVA_EV_UNBIND,       VSVA_EV_PASID_ENTRY, VSVA_EV_UNBIND_DONE};
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));

	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	assert_int_equal(world->event_count, sizeof(story) / sizeof(story[0]));
	for (unsigned i = 0; i < world->event_count; i++) {
		assert_int_equal(world->events[i].kind, story[i]);
		assert_int_equal(world->events[i].hpasid.v, pasid.v);
	}
	assert_int_equal(world->events[1].gpasid.v, 7);
	assert_int_equal(world->events[1].addr, ROOT_GPA);
	assert_int_equal(world->events[1].vm, 1);
	assert_int_equal(world->events[2].value, VTD_PGTT_NESTED);
	assert_int_equal(world->events[5].value, 0);
}

/* "Fix PASID reference leak", "Fix PASID leak in intel_svm_unbind_mm". */
static void test_bind_loop_loses_nothing(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);
	struct vsva_gpasid_bind_data good = world_bind_data(pasid, gpasid(7)), bad = good;
	size_t bytes = 0, pages = 0;

	bad.gpgd |= 1;
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &bad), -EINVAL);
		assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &good), 0);
		assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
		world->event_count = 0;
		fake_vtd_forget_log(&world->fake);
		rcu_barrier();
		if (i == 0) {
			bytes = base_bytes_in_use();
			pages = physmem_pages_in_use(world->fake.port.physmem);
		}
	}
	assert_int_equal(base_bytes_in_use(), bytes);
	assert_int_equal(physmem_pages_in_use(world->fake.port.physmem), pages);
	assert_int_equal(vsva_ioasid_free(world->set, pasid), 0);
	world_run(world);
	assert_int_equal(vsva_ioasid_set_count(world->set), 0);
}

/* Each child has an id to itself as long as there are any; then they share. Nobody is refused. */
static void test_bind_without_domain_ids(void **state)
{
	struct world *world = world_create_with(vtd_CAP_with_ND(world_cap(), 0), world_ecap());
	did_t parent = host_domain_did(world->domain);
	hpasid_t first = {0}, pasid;

	(void)state;
	for (uint32_t i = 0; i < 14; i++) {
		pasid = world_bind(world, gpasid(i));
		if (i == 0)
			first = pasid;
		for (uint32_t other = first.v; other < pasid.v; other++)
			assert_int_not_equal(world_child(world, hpasid(other)).v,
					     world_child(world, pasid).v);
	}
	pasid = world_bind(world, gpasid(100));
	assert_int_not_equal(world_child(world, pasid).v, parent.v);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, first), 0);
	first = world_bind(world, gpasid(101));
	assert_int_not_equal(world_child(world, first).v, world_child(world, pasid).v);
	world_destroy(world);
}

/* A domain whose children found no id at all: they have its own. */
static void test_bind_with_the_domains_own_id(void **state)
{
	struct world *world = world_create_with(vtd_CAP_with_ND(world_cap(), 0), world_ecap());
	struct vsva_domain *others[14];
	hpasid_t pasid;

	(void)state;
	for (unsigned i = 0; i < 14; i++)
		assert_int_equal(vsva_domain_alloc(world->iommu, NULL, 0, 2, &others[i]), 0);
	pasid = world_bind(world, gpasid(1));
	assert_int_equal(world_child(world, pasid).v, host_domain_did(world->domain).v);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	for (unsigned i = 0; i < 14; i++)
		assert_int_equal(vsva_domain_free(others[i]), 0);
	world_destroy(world);
}

/* 2^20 PASIDs do with 64 ids of a domain; an unmap flushes no more. */
static void test_children_share_64_domain_ids(void **state)
{
	struct world *world = *state;
	bool seen[UINT16_MAX + 1] = {false};
	unsigned ids = 0;

	for (uint32_t i = 0; i < 300; i++) {
		did_t child = world_child(world, world_bind(world, gpasid(i)));

		ids += !seen[child.v];
		seen[child.v] = true;
	}
	assert_int_equal(ids, 64);
	assert_int_equal(vsva_domain_map(world->domain, gpa(0), hpa(0), 4096, 3), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0), 4096, NULL), 0);
	expect_log_count(world, 65 + 3);
}

/* Hundreds go in one sequence of invalidations, by domain id, and one drain. */
static void test_free_all_flushes_once_for_many(void **state)
{
	struct world *world = *state;

	for (uint32_t i = 0; i < 200; i++)
		world_bind(world, gpasid(i));
	fake_vtd_forget_log(&world->fake);
	vsva_ioasid_free_all(world->set);
	world_run(world);
	assert_int_equal(vsva_ioasid_set_count(world->set), 0);
	/* fence; 64 ids in the PASID cache, 64 in the IOTLB, device TLB, drain */
	expect_log_count(world, 1 + 64 + 64 + 1 + 1);
}

static void test_bind_costs_at_most_256_bytes(void **state)
{
	struct world *world = *state;
	size_t before;

	world_bind(world, gpasid(1000));
	rcu_barrier();
	before = base_bytes_in_use();
	for (uint32_t i = 0; i < 512; i++)
		world_bind(world, gpasid(i));
	assert_true((base_bytes_in_use() - before) / 512 <= 256);
}

/* Second stage alone: pass-through with PASID. */
static void test_bind_second_stage(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(pasid.v));
	struct vtd_pasid_entry entry, rid_entry = world_entry(world, hpasid(0));

	assert_int_equal(vsva_bind_second_stage(world->domain, world->dev, hpasid(0)), -EINVAL);
	assert_int_equal(vsva_bind_second_stage(world->domain, world->dev, hpasid(4000)), -ENOENT);
	assert_int_equal(vsva_bind_second_stage(world->domain, NULL, pasid), -EINVAL);
	assert_int_equal(vsva_bind_second_stage(world->domain, world->dev, pasid), 0);
	entry = world_entry(world, pasid);
	assert_int_equal(vtd_pasid_entry_PGTT(&entry), VTD_PGTT_SECOND_STAGE);
	assert_int_equal(vtd_pasid_entry_SSPTPTR(&entry), vtd_pasid_entry_SSPTPTR(&rid_entry));
	assert_int_equal(vtd_pasid_entry_AW(&entry), vtd_pasid_entry_AW(&rid_entry));
	assert_int_not_equal(vtd_pasid_entry_DID(&entry), vtd_pasid_entry_DID(&rid_entry));
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), -EBUSY);
	assert_int_equal(vsva_bind_second_stage(world->domain, world->dev, pasid), 0);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
	assert_int_equal(vsva_bind_second_stage(world->domain, world->dev, pasid), -EBUSY);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_bind_refuses_missing_arguments),
		T(test_bind_refuses_bad_format),
		T(test_bind_refuses_bad_pasid),
		T(test_bind_refuses_bad_first_stage),
		cmocka_unit_test(test_bind_refuses_what_unit_lacks),
		cmocka_unit_test(test_bind_refuses_unit_without_pasids),
		T(test_bind_refuses_unfit_device),
		T(test_bind_refuses_other_owner),
		T(test_bind_refuses_wrong_domain),
		T(test_bind_refuses_duplicate_gpasid),
		T(test_bind_refuses_other_data),
		T(test_bind_writes_nested_entry),
		T(test_bind_invalidates_context_once),
		cmocka_unit_test(test_bind_with_caching_mode_invalidates_real_pasid),
		T(test_unbind_flushes_by_domain_and_drains),
		cmocka_unit_test(test_unbind_flushes_device_tlb_in_caching_mode),
		T(test_unbind_clears_present_before_the_rest),
		T(test_bind_counts_users),
		T(test_unbind_errors),
		T(test_bind_leaves_flags_and_gpasid),
		T(test_bind_without_gpasid_means_the_same),
		T(test_bind_keeps_the_number_of_a_freed_id),
		T(test_free_before_unbind_is_torn_down),
		T(test_bind_tells_its_story),
		T(test_bind_loop_loses_nothing),
		cmocka_unit_test(test_bind_without_domain_ids),
		cmocka_unit_test(test_bind_with_the_domains_own_id),
		T(test_children_share_64_domain_ids),
		T(test_free_all_flushes_once_for_many),
		T(test_bind_costs_at_most_256_bytes),
		T(test_bind_second_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
