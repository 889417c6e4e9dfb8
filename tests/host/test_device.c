// SPDX-License-Identifier: MIT
/* Devices: attach and detach, capabilities, VFs, removal. And the queue's errors. */
#include "world.h"

#include <errno.h>

#include "base/rcu.h"
#include "host/pasid_table.h"
#include "host/pci_caps.h"

#define ALL VTD_DEVICE_TLB_ALL

static void expect_write(const struct fake_pci *pci, unsigned at, uint32_t offset, uint32_t value)
{
	assert_true(at < pci->write_count);
	assert_int_equal(pci->writes[at].offset, offset);
	assert_int_equal(pci->writes[at].value, value);
}

/* PASID before ATS; page requests when the first PASID is bound; away in reverse. */
static void test_device_enables_capabilities_in_order(void **state)
{
	struct world *world = *state;
	struct fake_pci *pci = &world->pci;

	assert_int_equal(pci->write_count, 2);
	expect_write(pci, 0, FAKE_PASID + 6, 7);
	expect_write(pci, 1, FAKE_ATS + 6, 0x8000);
	world_bind(world, gpasid(1));
	assert_int_equal(pci->write_count, 6);
	expect_write(pci, 2, FAKE_PRI + 4, 2);
	expect_write(pci, 3, FAKE_PRI + 6, 3);
	expect_write(pci, 4, FAKE_PRI + 12, 256);
	expect_write(pci, 5, FAKE_PRI + 4, 1);
	world_bind(world, gpasid(2));
	assert_int_equal(pci->write_count, 6);
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(pci->write_count, 9);
	expect_write(pci, 6, FAKE_PRI + 4, 0);
	expect_write(pci, 7, FAKE_ATS + 6, 0);
	expect_write(pci, 8, FAKE_PASID + 6, 0);
}

struct ats_watch {
	struct world *world;
	unsigned flushes;
};

static void check_ats_is_on(void *arg, const struct vtd_desc *desc)
{
	struct ats_watch *watch = arg;

	if (vtd_desc_type(desc) != VTD_DESC_DEV_TLB &&
	    vtd_desc_type(desc) != VTD_DESC_PASID_DEV_TLB)
		return;
	watch->flushes++;
	assert_int_equal(watch->world->pci.bytes[FAKE_ATS + 7], 0x80);
}

/* CVE-2024-56669: cached translations go while the device still answers for them. */
static void test_detach_flushes_before_ats_goes(void **state)
{
	struct world *world = *state;
	struct ats_watch watch = {world, 0};

	world_bind(world, gpasid(1));
	world->fake.on_desc = check_ats_is_on;
	world->fake.on_desc_arg = &watch;
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	world->fake.on_desc = NULL;
	assert_true(watch.flushes >= 3);
}

static const struct vtd_context_entry *context_of(struct world *world, rid_t rid_)
{
	struct physmem *pm = world->fake.port.physmem;
	uint64_t root = vtd_RTADDR_RTA(world->fake.regs[VTD_REG_RTADDR / 8]);
	const struct vtd_root_entry *entry;
	uint64_t table;
	const struct vtd_context_entry *contexts;

	rcu_read_lock();
	entry = (const struct vtd_root_entry *)physmem_ptr(pm, hpa(root), 4096, false) +
		vtd_root_index(rid_);
	table = vtd_context_is_upper(rid_) ? vtd_root_entry_UCTP(entry)
					   : vtd_root_entry_LCTP(entry);
	contexts = table ? physmem_ptr(pm, hpa(table), 4096, false) : NULL;
	rcu_read_unlock();
	return contexts ? &contexts[vtd_context_index(rid_)] : NULL;
}

static void test_device_context_entry(void **state)
{
	struct world *world = *state;
	const struct vtd_context_entry *context = context_of(world, RID_PF);

	assert_true(vtd_context_entry_P(context));
	assert_true(vtd_context_entry_DTE(context));
	assert_false(vtd_context_entry_PASIDE(context));
	assert_false(vtd_context_entry_PRE(context));
	assert_int_equal(vtd_context_entry_PDTS(context), 7);
	assert_int_equal(vtd_context_entry_RID_PASID(context), 0);
	world_bind(world, gpasid(1));
	assert_true(vtd_context_entry_PASIDE(context));
	assert_true(vtd_context_entry_PRE(context));
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(context->q[i], 0);
}

struct context_watch {
	const struct vtd_context_entry *entry;
	struct vtd_context_entry before;
	unsigned seen;
};

/* CVE-2026-45944: only P has changed when the context cache is flushed. */
static void check_context(void *arg, const struct vtd_desc *desc)
{
	struct context_watch *watch = arg;

	if (vtd_desc_type(desc) != VTD_DESC_CONTEXT)
		return;
	watch->seen++;
	assert_int_equal(watch->entry->q[0], watch->before.q[0] & ~UINT64_C(1));
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(watch->entry->q[i], watch->before.q[i]);
}

static void test_detach_clears_context_present_first(void **state)
{
	struct world *world = *state;
	struct context_watch watch = {.entry = context_of(world, RID_PF)};

	watch.before = *watch.entry;
	world->fake.on_desc = check_context;
	world->fake.on_desc_arg = &watch;
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	world->fake.on_desc = NULL;
	assert_int_equal(watch.seen, 1);
	/* "Invalidate PASID cache when root/context entry changed" */
	expect_context_device(world, world->fake.log_count - 4, RID_PF);
	expect_pasid_cache_domain(world, world->fake.log_count - 3, host_domain_did(world->domain));
	expect_iotlb_domain(world, world->fake.log_count - 2, host_domain_did(world->domain));
	expect_dev_tlb(world, world->fake.log_count - 1, RID_PF, ALL, true);
}

static void test_device_attach_rules(void **state)
{
	struct world *world = *state;
	struct vsva_domain *other;

	assert_int_equal(vsva_domain_alloc(world->iommu, world->set, 0, 2, &other), 0);
	assert_int_equal(vsva_domain_attach(world->domain, world->dev), 0);
	assert_int_equal(vsva_domain_attach(other, world->dev), -EBUSY);
	assert_int_equal(vsva_domain_detach(other, world->dev), -EINVAL);
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), -EINVAL);
	assert_int_equal(vsva_domain_attach(other, world->dev), 0);
	assert_int_equal(vsva_domain_attach(NULL, world->dev), -EINVAL);
	assert_int_equal(vsva_domain_detach(other, world->dev), 0);
	assert_int_equal(vsva_domain_free(other), 0);
	assert_int_equal(world_events(world, VSVA_EV_DEVICE_ATTACH), 1);
	assert_int_equal(world_events(world, VSVA_EV_DEVICE_DETACH), 2);
}

/* idxd-config #7: the driver goes with PASIDs active. */
static void test_detach_unbinds_everything(void **state)
{
	struct world *world = *state;
	struct vsva_iommu_stats stats;
	hpasid_t pasid = {0};

	for (uint32_t i = 0; i < 100; i++)
		pasid = world_bind(world, gpasid(i));
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	vsva_iommu_get_stats(world->iommu, &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(stats.unbinds, 100);
	assert_int_equal(world_events(world, VSVA_EV_UNBIND_DONE), 100);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	assert_int_equal(vsva_ioasid_free(world->set, pasid), 0);
}

/* Row 65ca7f5f7d1c: 2^(PDTS+7) directory entries of 64 PASIDs each. */
static void test_pasid_table_sizes(void **state)
{
	(void)state;
	assert_int_equal(pasid_table_pdts(1), 0);
	assert_int_equal(pasid_table_pdts(13), 0);
	assert_int_equal(pasid_table_pdts(14), 1);
	assert_int_equal(pasid_table_pdts(20), 7);
	for (unsigned bits = 13; bits <= 20; bits++)
		assert_int_equal(vtd_pasid_end(pasid_table_pdts(bits)), 1u << bits);
}

static void test_pasid_table_limits(void **state)
{
	struct physmem *pm = physmem_create();
	struct page_list removed = {0};
	struct pasid_table table;

	(void)state;
	for (unsigned bits = 13; bits <= 20; bits++) {
		uint32_t end = 1u << bits;

		assert_int_equal(pasid_table_init(&table, &(struct table_memory){.pm = pm}, bits),
				 0);
		assert_null(pasid_table_find(&table, 0));
		assert_non_null(pasid_table_make(&table, 0));
		assert_non_null(pasid_table_make(&table, end - 1));
		assert_null(pasid_table_make(&table, end));
		assert_null(pasid_table_find(&table, end));
		assert_null(pasid_table_find(&table, VSVA_PASID_INVALID));
		assert_ptr_equal(pasid_table_find(&table, 63), pasid_table_find(&table, 0) + 63);
		assert_null(pasid_table_find(&table, 64));
		pasid_table_fini(&table, &removed);
		page_list_free(pm, &removed);
		assert_int_equal(physmem_pages_in_use(pm), 0);
	}
	physmem_destroy(pm);
}

/* What the unit would refuse must not be written: every kind of entry against the reserved bits. */
static void test_pasid_entries_are_valid(void **state)
{
	struct vtd_rules rules = {.cap = world_cap(), .ecap = world_ecap(), .haw = 46};
	struct pasid_second_stage ss = {{5}, VTD_AW_48, {0x123000}, true};
	struct pasid_first_stage fs = {0x456000, 57, VSVA_VTD_GPASID_SRE | VSVA_VTD_GPASID_EAFE};
	struct vtd_pasid_entry entries[4];

	(void)state;
	entries[0] = pasid_entry_first_stage(rules.ecap, did(5), &fs);
	entries[1] = pasid_entry_second_stage(rules.ecap, &ss);
	entries[2] = pasid_entry_nested(rules.ecap, &ss, &fs);
	entries[3] = pasid_entry_pass_through(rules.ecap, did(5), VTD_AW_57);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(vtd_pasid_entry_PGTT(&entries[i]), i + 1);
		assert_int_equal(vtd_pasid_entry_DID(&entries[i]), 5);
		assert_true(vtd_pasid_entry_P(&entries[i]));
		assert_true(vtd_pasid_entry_PWSNP(&entries[i]));
		assert_false(vtd_pasid_entry_has_reserved(&entries[i], &rules));
	}
	assert_int_equal(vtd_pasid_entry_SSPTPTR(&entries[0]), 0);
	assert_int_equal(vtd_pasid_entry_FSPTPTR(&entries[1]), 0);
}

/* VFs */

struct vf {
	struct fake_pci pci;
	struct vsva_dev *dev;
};

static void add_vf(struct world *world, struct vf *vf, rid_t rid_)
{
	struct host_dev_info info = {.rid = rid_, .pf_rid = RID_PF, .is_pci = true, .is_vf = true};

	fake_pci_init(&vf->pci, FAKE_HAS_ATS, 0);
	info.config = vf->pci.port;
	assert_int_equal(host_dev_add(world->iommu, &info, &vf->dev), 0);
	assert_int_equal(vsva_domain_attach(world->domain, vf->dev), 0);
}

/* A VF has ATS of its own; PASID and page requests are the PF's, for both. */
static void test_vf_shares_capabilities_of_pf(void **state)
{
	struct world *world = *state;
	struct vsva_gpasid_bind_data data = world_bind_data(world_pasid(world), gpasid(1));
	struct fake_pci *pf = &world->pci;
	struct vf vf;

	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	pf->write_count = 0;
	add_vf(world, &vf, RID_VF);
	assert_int_equal(pf->write_count, 1);
	expect_write(pf, 0, FAKE_PASID + 6, 7);
	assert_int_equal(vf.pci.write_count, 1);
	expect_write(&vf.pci, 0, FAKE_ATS + 6, 0x8000);
	assert_int_equal(vsva_bind_gpasid(world->domain, vf.dev, &data), 0);
	assert_int_equal(pf->write_count, 5);
	assert_int_equal(vsva_domain_attach(world->domain, world->dev), 0);
	/* the PF's own attach finds its PASIDs enabled */
	assert_int_equal(pf->write_count, 6);
	assert_int_equal(host_dev_remove(vf.dev), 0);
	/* page requests go with the last user, PASIDs stay for the PF */
	assert_int_equal(pf->write_count, 7);
	expect_write(pf, 6, FAKE_PRI + 4, 0);
}

/* 4e7120d79edb: PFSID[15:4] stands at bit 52. */
static void test_vf_pfsid_encoding(void **state)
{
	struct world *world = *state;
	struct vsva_flush flush = {.pasid = {VSVA_FLUSH_RID}, .all = true};
	struct vsva_gpasid_bind_data data = world_bind_data(world_pasid(world), gpasid(1));
	struct host_dev_info info = {.rid = rid(0xabcd), .pf_rid = rid(0xabcd), .is_pci = true};
	struct vsva_dev *pf_dev, *vf_dev;
	struct fake_pci pf, vf;

	fake_pci_init(&pf, FAKE_HAS_ALL, 20);
	fake_pci_init(&vf, FAKE_HAS_ATS, 0);
	info.config = pf.port;
	assert_int_equal(host_dev_add(world->iommu, &info, &pf_dev), 0);
	info = (struct host_dev_info){.rid = RID_VF,
				      .pf_rid = rid(0xabcd),
				      .is_pci = true,
				      .is_vf = true,
				      .config = vf.port};
	assert_int_equal(host_dev_add(world->iommu, &info, &vf_dev), 0);
	assert_int_equal(vsva_domain_attach(world->domain, vf_dev), 0);
	assert_int_equal(vsva_bind_gpasid(world->domain, vf_dev, &data), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_flush_device_tlb(vf_dev, &flush, false), 0);
	flush.pasid = hpasid((uint32_t)data.hpasid);
	assert_int_equal(vsva_flush_device_tlb(vf_dev, &flush, false), 0);
	/* bits: 15:12 = d, 63:52 = abc */
	assert_int_equal(world->fake.log[0].q[0] >> 52, 0xabc);
	assert_int_equal((world->fake.log[0].q[0] >> 12) & 0xf, 0xd);
	assert_int_equal(world->fake.log[1].q[0] >> 52, 0xabc);
	assert_int_equal((world->fake.log[1].q[0] >> 12) & 0xf, 0xd);
	assert_int_equal(vtd_desc_dev_tlb_SID(&world->fake.log[0]), RID_VF.v);
	assert_int_equal(host_dev_remove(pf_dev), -EBUSY);
	assert_int_equal(host_dev_remove(vf_dev), 0);
	assert_int_equal(host_dev_remove(pf_dev), 0);
}

static void test_pfsid_is_zero_without_dit(void **state)
{
	struct world *world =
		world_create_with(world_cap(), vtd_without(world_ecap(), VTD_ECAP_DIT));
	struct vsva_flush flush = {.pasid = {VSVA_FLUSH_RID}, .all = true};

	(void)state;
	assert_int_equal(vsva_flush_device_tlb(world->dev, &flush, false), 0);
	assert_int_equal(vtd_desc_pfsid(&world->fake.log[0]), 0);
	assert_int_equal(vtd_desc_dev_tlb_MIP(&world->fake.log[0]), 16);
	world_destroy(world);
}

static void test_device_add_rules(void **state)
{
	struct world *world = *state;
	struct host_dev_info info = {
		.rid = RID_PF, .pf_rid = RID_PF, .is_pci = true, .config = world->pci.port};
	struct vsva_dev *dev;

	assert_int_equal(host_dev_add(world->iommu, &info, &dev), -EEXIST);
	info = (struct host_dev_info){.rid = RID_VF,
				      .pf_rid = rid(0x999),
				      .is_pci = true,
				      .is_vf = true,
				      .config = world->pci.port};
	assert_int_equal(host_dev_add(world->iommu, &info, &dev), -ENOENT);
	assert_int_equal(vsva_dev_rid(world->dev).v, RID_PF.v);
}

/* A list of capabilities that leads in circles, or nowhere, ends. */
static void test_pci_caps_of_hostile_function(void **state)
{
	struct fake_pci pci;
	struct pci_caps caps;

	(void)state;
	fake_pci_init(&pci, FAKE_HAS_ALL, 20);
	*(uint32_t *)(void *)(pci.bytes + FAKE_PASID) = 0x1b | FAKE_ATS << 20;
	pci_caps_read(&pci.port, &caps);
	assert_int_equal(caps.ats, FAKE_ATS);
	assert_int_equal(caps.pasid_width, 20);
	pci.is_gone = true;
	pci_caps_read(&pci.port, &caps);
	assert_int_equal(caps.ats | caps.pri | caps.pasid, 0);
	assert_false(pci_is_present(&pci.port));
}

/* Devices that do not answer */

/* CVE-2026-43130: the function is gone. Nothing is asked of it, and it is blocked. */
static void test_removal_of_absent_device(void **state)
{
	struct world *world = *state;
	const struct vtd_context_entry *context = context_of(world, RID_PF);

	for (uint32_t i = 0; i < 50; i++)
		world_bind(world, gpasid(i));
	fake_vtd_forget_log(&world->fake);
	world->pci.is_gone = true;
	world->fake.silent = RID_PF;
	assert_int_equal(host_dev_remove(world->dev), 0);
	world->dev = NULL;
	assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_DEV_TLB), 0);
	assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_PASID_DEV_TLB), 0);
	assert_false(vtd_context_entry_P(context));
}

/* It looks alive but does not answer: one time-out, then it is isolated, and the rest goes without
 * it. */
static void test_removal_of_silent_device(void **state)
{
	struct world *world = *state;
	struct vsva_iommu_stats stats;

	for (uint32_t i = 0; i < 50; i++)
		world_bind(world, gpasid(i));
	fake_vtd_forget_log(&world->fake);
	world->fake.silent = RID_PF;
	assert_int_equal(host_dev_remove(world->dev), -ETIMEDOUT);
	world->dev = NULL;
	assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_PASID_DEV_TLB), 1);
	vsva_iommu_get_stats(world->iommu, &stats);
	assert_int_equal(stats.timeouts, 1);
	assert_int_equal(stats.bound_now, 0);
}

static void test_unbind_of_silent_device_isolates_it(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(1));
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(1));
	static const struct vsva_rid_config blocked = {.kind = VSVA_RID_BLOCKED};
	struct vtd_pasid_entry entry;

	world->fake.silent = RID_PF;
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), -ETIMEDOUT);
	assert_false(vtd_context_entry_P(context_of(world, RID_PF)));
	entry = world_entry(world, pasid);
	assert_int_equal(entry.q[0], 0);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), -ENODEV);
	assert_int_equal(vsva_attach_rid(world->domain, world->dev, &blocked), -ENODEV);
	/* attached anew it gets another chance */
	world->fake.silent = rid(0);
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(vsva_domain_attach(world->domain, world->dev), 0);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
}

static void test_unmap_with_silent_device(void **state)
{
	struct world *world = *state;
	struct vf vf;

	add_vf(world, &vf, RID_VF);
	assert_int_equal(vsva_domain_map(world->domain, gpa(0), hpa(0), 4096, 3), 0);
	fake_vtd_forget_log(&world->fake);
	world->fake.silent = RID_PF;
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0), 4096, NULL), -ETIMEDOUT);
	assert_false(vtd_context_entry_P(context_of(world, RID_PF)));
	/* the other device was flushed all the same */
	expect_dev_tlb(world, world->fake.log_count - 1, RID_VF, 0, false);
	assert_true(vtd_context_entry_P(context_of(world, RID_VF)));
	world->fake.silent = rid(0);
	assert_int_equal(host_dev_remove(vf.dev), 0);
}

/* The unit itself does not answer: what is in doubt is not used again before a flush has worked. */
static void test_timeout_of_unit_leaves_nothing_in_use(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(1));
	did_t child = world_child(world, pasid);
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(1));

	assert_int_equal(vsva_domain_map(world->domain, gpa(0), hpa(0), 4096, 3), 0);
	world->fake.is_held = true;
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), -ETIMEDOUT);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0), 4096, NULL), -ETIMEDOUT);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
	assert_int_not_equal(world_child(world, pasid).v, child.v);
	fake_vtd_release(&world->fake);
	/* the next flush that works empties the limbo */
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
	assert_int_equal(world_child(world, pasid).v, child.v);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_device_enables_capabilities_in_order),
		T(test_detach_flushes_before_ats_goes),
		T(test_device_context_entry),
		T(test_detach_clears_context_present_first),
		T(test_device_attach_rules),
		T(test_detach_unbinds_everything),
		cmocka_unit_test(test_pasid_table_sizes),
		cmocka_unit_test(test_pasid_table_limits),
		cmocka_unit_test(test_pasid_entries_are_valid),
		T(test_vf_shares_capabilities_of_pf),
		T(test_vf_pfsid_encoding),
		cmocka_unit_test(test_pfsid_is_zero_without_dit),
		T(test_device_add_rules),
		cmocka_unit_test(test_pci_caps_of_hostile_function),
		T(test_removal_of_absent_device),
		T(test_removal_of_silent_device),
		T(test_unbind_of_silent_device_isolates_it),
		T(test_unmap_with_silent_device),
		T(test_timeout_of_unit_leaves_nothing_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
