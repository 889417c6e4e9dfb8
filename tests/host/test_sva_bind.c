// SPDX-License-Identifier: MIT
/*
 * Native SVA on a unit of registers: each errno, entries and descriptors one by one, what a
 * time-out leaves behind, each step that can fail.
 */
#include "world.h"

#include <errno.h>
#include <string.h>

#include "base/rcu.h"
#include "host/flush.h"
#include "host/sva.h"
#include "vsva/limits.h"

#define PAGE UINT64_C(4096)
#define AT   UINT64_C(0x10000000)
#define RW   (VSVA_PROT_READ | VSVA_PROT_WRITE)

struct native {
	struct world *world;
	struct vsva_domain *host; /* without an owner */
	struct vsva_mm *mm;
};

static void attach_to_host(struct native *native)
{
	struct world *world = native->world;

	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(vsva_domain_alloc(world->iommu, NULL, 0, 0, &native->host), 0);
	assert_int_equal(vsva_domain_attach(native->host, world->dev), 0);
	fake_vtd_forget_log(&world->fake);
}

static struct native *create(uint64_t cap, uint64_t ecap)
{
	struct native *native = calloc(1, sizeof(*native));

	native->world = world_create_with(cap, ecap);
	attach_to_host(native);
	assert_int_equal(vsva_mm_create(native->world->iommu, 0, &native->mm), 0);
	return native;
}

static void destroy(struct native *native)
{
	struct world *world = native->world;

	vsva_mm_put(native->mm);
	if (world->dev)
		host_dev_remove(world->dev);
	world->dev = NULL;
	assert_int_equal(vsva_domain_free(native->host), 0);
	world_destroy(world);
	free(native);
}

static int setup(void **state)
{
	*state = create(world_cap(), world_ecap());
	return 0;
}

static int teardown(void **state)
{
	destroy(*state);
	return 0;
}

static int try_bind(struct native *native, struct vsva_mm *mm, uint32_t flags)
{
	struct vsva_sva *bond;
	int err = vsva_sva_bind(native->world->dev, mm, flags, NULL, NULL, &bond);

	if (!err)
		assert_int_equal(vsva_sva_unbind(bond), 0);
	return err;
}

static struct vsva_sva *bind(struct native *native)
{
	struct vsva_sva *bond;

	assert_int_equal(vsva_sva_bind(native->world->dev, native->mm, 0, NULL, NULL, &bond), 0);
	return bond;
}

static void map_pages(struct native *native, uint64_t count)
{
	assert_int_equal(vsva_mm_map(native->mm, uva(AT), count * PAGE, RW, NULL), 0);
	for (uint64_t i = 0; i < count; i++)
		assert_int_equal(vsva_mm_fault_in(native->mm, uva(AT + i * PAGE), true), 0);
}

static enum vsva_ioasid_state state_of(struct native *native, hpasid_t pasid)
{
	return vsva_ioasid_state_of(vsva_iommu_ioasid_space(native->world->iommu), pasid, NULL);
}

/* Errors */

static void test_sva_checks_arguments(void **state)
{
	struct native *native = *state;
	struct vsva_sva *bond;

	assert_int_equal(vsva_sva_bind(NULL, native->mm, 0, NULL, NULL, &bond), -EINVAL);
	assert_int_equal(vsva_sva_bind(native->world->dev, NULL, 0, NULL, NULL, &bond), -EINVAL);
	assert_int_equal(vsva_sva_bind(native->world->dev, native->mm, 0, NULL, NULL, NULL),
			 -EINVAL);
	assert_int_equal(try_bind(native, native->mm, 4), -EINVAL);
	assert_int_equal(try_bind(native, native->mm, VSVA_SVA_PRIVATE_PASID), -EINVAL);
	assert_int_equal(vsva_sva_unbind(NULL), 0);
	assert_int_equal(vsva_sva_pasid_of(NULL).v, VSVA_PASID_INVALID);
	assert_int_equal(vsva_sva_pasid_of(native->mm).v, VSVA_PASID_INVALID);
	assert_int_equal(try_bind(native, native->mm, 0), 0);
}

static int bind_on(uint64_t ecap, unsigned has, unsigned width, uint32_t mm_flags, uint32_t flags)
{
	struct native *native = create(world_cap(), ecap);
	struct host_dev_info info = {.rid = rid(0x0200), .pf_rid = rid(0x0200), .is_pci = has != 0};
	struct fake_pci pci;
	struct vsva_dev *dev;
	struct vsva_sva *bond;
	struct vsva_mm *mm;
	int err;

	fake_pci_init(&pci, has, width);
	info.config = pci.port;
	assert_int_equal(host_dev_add(native->world->iommu, &info, &dev), 0);
	assert_int_equal(vsva_domain_attach(native->host, dev), 0);
	assert_int_equal(vsva_mm_create(native->world->iommu, mm_flags, &mm), 0);
	err = vsva_sva_bind(dev, mm, flags, NULL, NULL, &bond);
	if (!err) {
		assert_true(vsva_sva_pasid(bond).v < UINT32_C(1) << width);
		assert_int_equal(vsva_sva_unbind(bond), 0);
	}
	vsva_mm_put(mm);
	host_dev_remove(dev);
	destroy(native);
	return err;
}

static void test_sva_needs_unit_and_device(void **state)
{
	uint64_t ecap = world_ecap();

	(void)state;
	assert_int_equal(bind_on(ecap, FAKE_HAS_ALL, 20, 0, 0), 0);
	assert_int_equal(bind_on(ecap, FAKE_HAS_PASID, 4, 0, 0), 0);
	assert_int_equal(bind_on(vtd_without(ecap, VTD_ECAP_FSTS), FAKE_HAS_ALL, 20, 0, 0),
			 -ENOTSUP);
	assert_int_equal(bind_on(ecap, FAKE_HAS_ATS | FAKE_HAS_PRI, 20, 0, 0), -EINVAL);
	assert_int_equal(bind_on(ecap, 0, 20, 0, 0), -EINVAL);
}

static void test_sva_supervisor_is_for_the_kernel(void **state)
{
	uint64_t ecap = world_ecap();

	(void)state;
	assert_int_equal(bind_on(ecap, FAKE_HAS_ALL, 20, VSVA_MM_KERNEL, VSVA_SVA_SUPERVISOR), 0);
	assert_int_equal(bind_on(ecap, FAKE_HAS_ALL, 20, 0, VSVA_SVA_SUPERVISOR), -EINVAL);
	assert_int_equal(bind_on(ecap, FAKE_HAS_ALL, 20, VSVA_MM_KERNEL, 0), -EINVAL);
	assert_int_equal(bind_on(vtd_without(ecap, VTD_ECAP_SRS), FAKE_HAS_ALL, 20, VSVA_MM_KERNEL,
				 VSVA_SVA_SUPERVISOR),
			 -EINVAL);
}

static void test_sva_feature(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond;

	assert_true(vsva_sva_has_feature(world->dev));
	assert_int_equal(vsva_sva_enable(world->dev), 0);
	assert_int_equal(vsva_sva_enable(world->dev), 0);
	bond = bind(native);
	assert_int_equal(vsva_sva_disable(world->dev), -EBUSY);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	assert_int_equal(vsva_sva_disable(world->dev), 0);
	assert_int_equal(vsva_domain_detach(native->host, world->dev), 0);
	assert_int_equal(vsva_sva_enable(world->dev), -EINVAL);
	assert_int_equal(vsva_sva_disable(world->dev), -EINVAL);
	assert_int_equal(vsva_sva_enable(NULL), -EINVAL);
	assert_false(vsva_sva_has_feature(NULL));
}

static void test_sva_device_must_be_the_hosts(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;

	assert_int_equal(vsva_domain_detach(native->host, world->dev), 0);
	assert_int_equal(try_bind(native, native->mm, 0), -EINVAL);
	assert_int_equal(vsva_domain_attach(world->domain, world->dev), 0);
	assert_int_equal(try_bind(native, native->mm, 0), -EBUSY);
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(vsva_domain_attach(native->host, world->dev), 0);
	assert_int_equal(try_bind(native, native->mm, 0), 0);
}

static void test_sva_counts_users(void **state)
{
	static const struct vsva_sva_ops ops, other;
	struct native *native = *state;
	struct vsva_dev *dev = native->world->dev;
	struct vsva_sva *first, *second;
	struct vtd_pasid_entry entry;
	int data;

	assert_int_equal(vsva_sva_bind(dev, native->mm, 0, &ops, &data, &first), 0);
	assert_int_equal(vsva_sva_bind(dev, native->mm, 0, &ops, NULL, &second), 0);
	assert_ptr_equal(first, second);
	assert_int_equal(vsva_sva_bind(dev, native->mm, 0, &other, &data, &second), -EBUSY);
	assert_int_equal(vsva_sva_bind(dev, native->mm, 0, NULL, NULL, &second), -EBUSY);
	assert_int_equal(vsva_sva_unbind(first), 0);
	entry = world_entry(native->world, vsva_sva_pasid(first));
	assert_true(vtd_pasid_entry_P(&entry));
	assert_int_equal(state_of(native, vsva_sva_pasid(first)), VSVA_IOASID_ACTIVE);
	assert_int_equal(vsva_sva_unbind(first), 0);
}

static void test_sva_of_a_dead_process(void **state)
{
	struct native *native = *state;

	vsva_mm_exit(native->mm);
	assert_int_equal(try_bind(native, native->mm, 0), -ESRCH);
}

static void test_sva_has_no_more_pasids_than_the_host(void **state)
{
	struct native *native = *state;
	struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(native->world->iommu);
	struct vsva_sva *bond = bind(native);
	struct vsva_ioasid_set *set = vsva_ioasid_set_of(space, vsva_sva_pasid(bond));
	struct vsva_mm *other;
	hpasid_t pasid;

	while (vsva_ioasid_alloc(set, 1, VSVA_LIMIT_FIRST_VM_PASID - 1, NULL, &pasid) == 0)
		;
	assert_int_equal(vsva_mm_create(native->world->iommu, 0, &other), 0);
	assert_int_equal(try_bind(native, other, 0), -ENOSPC);
	vsva_mm_put(other);
	assert_int_equal(vsva_sva_unbind(bond), 0);
}

/* Entries and descriptors */

static void test_sva_entry_is_a_first_stage(void **state)
{
	struct native *native = *state;
	struct vsva_sva *bond = bind(native);
	struct vtd_pasid_entry entry = world_entry(native->world, vsva_sva_pasid(bond));

	assert_int_equal(vtd_pasid_entry_P(&entry), 1);
	assert_int_equal(vtd_pasid_entry_PGTT(&entry), VTD_PGTT_FIRST_STAGE);
	assert_int_equal(vtd_pasid_entry_FSPTPTR(&entry), mm_root(native->mm).v);
	assert_int_equal(vtd_pasid_entry_FSPM(&entry), VTD_FSPM_4_LEVEL);
	assert_int_equal(vtd_pasid_entry_SRE(&entry), 0);
	assert_int_equal(vtd_pasid_entry_FPD(&entry), 0);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	entry = world_entry(native->world, hpasid(1));
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(entry.q[i], 0);
}

static void test_sva_kernel_entry_is_for_supervisors(void **state)
{
	struct native *native = *state;
	struct vtd_pasid_entry entry;
	struct vsva_sva *bond;
	struct vsva_mm *kernel;

	assert_int_equal(vsva_mm_create(native->world->iommu, VSVA_MM_KERNEL, &kernel), 0);
	assert_int_equal(
		vsva_sva_bind(native->world->dev, kernel, VSVA_SVA_SUPERVISOR, NULL, NULL, &bond),
		0);
	entry = world_entry(native->world, vsva_sva_pasid(bond));
	assert_int_equal(vtd_pasid_entry_SRE(&entry), 1);
	assert_int_equal(vtd_pasid_entry_WPE(&entry), 1);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	vsva_mm_put(kernel);
}

static did_t native_did(struct native *native, struct vsva_sva *bond)
{
	return world_child(native->world, vsva_sva_pasid(bond));
}

static void test_sva_entries_have_one_domain_id(void **state)
{
	struct native *native = *state;
	struct vsva_sva *first = bind(native), *second;
	struct vsva_mm *other;

	assert_int_equal(vsva_mm_create(native->world->iommu, 0, &other), 0);
	assert_int_equal(vsva_sva_bind(native->world->dev, other, 0, NULL, NULL, &second), 0);
	assert_int_equal(native_did(native, first).v, native_did(native, second).v);
	assert_int_not_equal(native_did(native, first).v, host_domain_did(native->host).v);
	assert_int_not_equal(vsva_sva_pasid(first).v, vsva_sva_pasid(second).v);
	assert_int_equal(vsva_sva_unbind(first), 0);
	assert_int_equal(vsva_sva_unbind(second), 0);
	vsva_mm_put(other);
}

/* Nobody else's translations are lost: PASID-selective, though the domain id is everybody's. */
static void test_sva_unbind_flushes_its_pasid(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);
	uint32_t pasid = vsva_sva_pasid(bond).v;
	did_t did_ = native_did(native, bond);

	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	/* the drain goes the same way */
	expect_fence(world, 0);
	expect_pasid_cache(world, 1, did_, pasid);
	expect_piotlb_all(world, 2, did_, pasid);
	expect_pasid_dev_tlb(world, 3, RID_PF, pasid, VTD_DEVICE_TLB_ALL, true);
	expect_drain(world, 4);
	expect_log_count(world, 5);
}

static void test_sva_exit_leaves_faults_disabled_and_does_not_drain(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);
	uint32_t pasid = vsva_sva_pasid(bond).v;
	did_t did_ = native_did(native, bond);
	struct vtd_pasid_entry entry;

	fake_vtd_forget_log(&world->fake);
	vsva_mm_exit(native->mm);
	expect_pasid_cache(world, 0, did_, pasid);
	expect_piotlb_all(world, 1, did_, pasid);
	expect_pasid_dev_tlb(world, 2, RID_PF, pasid, VTD_DEVICE_TLB_ALL, true);
	expect_log_count(world, 3);
	entry = world_entry(world, hpasid(pasid));
	assert_int_equal(vtd_pasid_entry_P(&entry), 0);
	assert_int_equal(vtd_pasid_entry_FPD(&entry), 1);
	assert_int_not_equal(state_of(native, hpasid(pasid)), VSVA_IOASID_FREE);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	/* as long as the entry is not used again */
	entry = world_entry(world, hpasid(pasid));
	assert_int_equal(vtd_pasid_entry_FPD(&entry), 1);
	assert_int_equal(vtd_pasid_entry_FSPTPTR(&entry), 0);
	world_run(world);
	assert_int_equal(state_of(native, hpasid(pasid)), VSVA_IOASID_FREE);
}

/* The device TLB's address of 2^order pages has its size in its low bits. */
static uint64_t sized(uint64_t addr, unsigned order)
{
	return order ? addr | ((UINT64_C(1) << (order - 1)) - 1) << 12 : addr;
}

/* Scenario 37: ranges that are not aligned to their size. */
static void test_sva_unmap_flushes_aligned_chunks(void **state)
{
	static const struct {
		uint64_t page;
		unsigned order;
	} chunks[] = {{3, 0}, {4, 2}, {8, 2}, {12, 0}};
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);
	uint32_t pasid = vsva_sva_pasid(bond).v;
	did_t did_ = native_did(native, bond);

	map_pages(native, 16);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_mm_unmap(native->mm, uva(AT + 3 * PAGE), 10 * PAGE), 0);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t addr = AT + chunks[i].page * PAGE;
		unsigned order = chunks[i].order;

		/* tables may have gone too, so not only leaves */
		expect_piotlb_range(world, i, did_, pasid, addr, order, false);
		expect_pasid_dev_tlb(world, 4 + i, RID_PF, pasid, sized(addr, order), order > 0);
	}
	expect_log_count(world, 8);
	assert_int_equal(vsva_sva_unbind(bond), 0);
}

static void test_sva_unmap_of_too_many_chunks_flushes_the_pasid(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);
	uint64_t len = UINT64_C(0x7fffe0000000);
	uint32_t pasid = vsva_sva_pasid(bond).v;
	did_t did_ = native_did(native, bond);

	map_pages(native, 1);
	fake_vtd_forget_log(&world->fake);
	/* 1 + 2 + 4 + … pages up and down again */
	assert_int_equal(vsva_mm_unmap(native->mm, uva(PAGE), len - PAGE), 0);
	expect_piotlb_all(world, 0, did_, pasid);
	expect_pasid_dev_tlb(world, 1, RID_PF, pasid, VTD_DEVICE_TLB_ALL, true);
	expect_log_count(world, 2);
	assert_int_equal(vsva_sva_unbind(bond), 0);
}

static void test_flush_range_first_cuts_exactly(void **state)
{
	(void)state;
	for (uint64_t start = 0; start < 40; start++)
		for (uint64_t end = start + 1; end < 80; end++) {
			uint64_t at = start * PAGE;
			unsigned count = 0;

			while (at < end * PAGE) {
				struct flush_range range = flush_range_first(at, end * PAGE);

				assert_int_equal(range.addr, at);
				assert_int_equal(at % (PAGE << range.order), 0);
				at += PAGE << range.order;
				count++;
			}
			assert_int_equal(at, end * PAGE);
			assert_in_range(count, 1, 12);
		}
	assert_int_equal(flush_range_first(0, UINT64_C(1) << 63).order, 51);
}

static void test_sva_unmap_without_a_bond_flushes_nothing(void **state)
{
	struct native *native = *state;

	assert_int_equal(try_bind(native, native->mm, 0), 0);
	map_pages(native, 2);
	fake_vtd_forget_log(&native->world->fake);
	assert_int_equal(vsva_mm_unmap(native->mm, uva(AT), PAGE), 0);
	vsva_mm_exit(native->mm);
	expect_log_count(native->world, 0);
}

/* Page requests */

static void test_sva_page_request_is_resolved_here(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);
	uint32_t pasid = vsva_sva_pasid(bond).v;

	assert_int_equal(vsva_mm_map(native->mm, uva(AT), 4 * PAGE, RW, NULL), 0);
	fake_vtd_forget_log(&world->fake);
	world_request_push(world, pasid, AT, 5, false);
	world_request_push(world, pasid, AT + 2 * PAGE, 5, true);
	world_run(world);
	assert_int_equal(world->fault_count, 0);
	assert_int_equal(vsva_mm_page_count(native->mm), 2);
	expect_response(world, 0, RID_PF, pasid, 5, VTD_RESPONSE_SUCCESS);
	/* one bad request makes the group's answer */
	world_request_push(world, pasid, AT + PAGE, 6, false);
	world_request_push(world, pasid, AT + 4 * PAGE, 6, true);
	world_run(world);
	expect_response(world, 1, RID_PF, pasid, 6, VTD_RESPONSE_INVALID);
	expect_log_count(world, 2);
	assert_int_equal(vsva_sva_unbind(bond), 0);
}

static void push(struct world *world, uint32_t pasid, uint64_t addr, uint32_t perm, uint16_t prgi)
{
	struct vtd_page_request request = world_request(RID_PF, pasid, addr, perm, prgi, true);

	assert_true(fake_vtd_page_request(&world->fake, &request));
	world_run(world);
}

static void test_sva_page_requests_that_are_refused(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);
	uint32_t pasid = vsva_sva_pasid(bond).v;
	const struct {
		uint64_t addr;
		uint32_t perm;
	} bad[] = {
		{AT, VSVA_FAULT_PERM_WRITE},
		{AT - PAGE, VSVA_FAULT_PERM_READ},
		{AT, VSVA_FAULT_PERM_READ | VSVA_FAULT_PERM_PRIV},
		{AT, VSVA_FAULT_PERM_READ | VSVA_FAULT_PERM_EXEC},
		{AT | UINT64_C(1) << 60, VSVA_FAULT_PERM_READ},
	};

	assert_int_equal(vsva_mm_map(native->mm, uva(AT), PAGE, VSVA_PROT_READ, NULL), 0);
	fake_vtd_forget_log(&world->fake);
	for (unsigned i = 0; i < 5; i++) {
		push(world, pasid, bad[i].addr, bad[i].perm, (uint16_t)i);
		expect_response(world, i, RID_PF, pasid, (uint16_t)i, VTD_RESPONSE_INVALID);
	}
	assert_int_equal(vsva_mm_page_count(native->mm), 0);
	push(world, pasid, AT, VSVA_FAULT_PERM_READ, 9);
	expect_response(world, 5, RID_PF, pasid, 9, VTD_RESPONSE_SUCCESS);
	vsva_mm_exit(native->mm);
	fake_vtd_forget_log(&world->fake);
	push(world, pasid, AT, VSVA_FAULT_PERM_READ, 10);
	expect_response(world, 0, RID_PF, pasid, 10, VTD_RESPONSE_INVALID);
	assert_int_equal(world->fault_count, 0);
	assert_int_equal(vsva_sva_unbind(bond), 0);
}

static void test_sva_page_request_to_the_kernel_is_refused(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_mm *kernel;
	struct vsva_sva *bond;
	uva_t at;

	assert_int_equal(vsva_mm_create(world->iommu, VSVA_MM_KERNEL, &kernel), 0);
	assert_int_equal(vsva_mm_map(kernel, uva(0), PAGE, RW, &at), 0);
	assert_int_equal(vsva_sva_bind(world->dev, kernel, VSVA_SVA_SUPERVISOR, NULL, NULL, &bond),
			 0);
	fake_vtd_forget_log(&world->fake);
	push(world, vsva_sva_pasid(bond).v, at.v, VSVA_FAULT_PERM_READ, 1);
	expect_response(world, 0, RID_PF, vsva_sva_pasid(bond).v, 1, VTD_RESPONSE_INVALID);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	vsva_mm_put(kernel);
}

/* Nobody else may answer for a process, or wait for it. */
static void test_sva_page_request_is_nobody_elses(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);
	struct vsva_page_response response = {.argsz = sizeof(response),
					      .version = 1,
					      .flags = VSVA_PAGE_RESP_PASID_VALID,
					      .pasid = vsva_sva_pasid(bond).v,
					      .grpid = 3};
	struct vtd_page_request request =
		world_request(RID_PF, response.pasid, AT, VSVA_FAULT_PERM_READ, 3, true);

	assert_int_equal(vsva_mm_map(native->mm, uva(AT), PAGE, RW, NULL), 0);
	assert_true(fake_vtd_page_request(&world->fake, &request));
	assert_int_equal(vsva_drain_page_requests(world->dev), 0);
	assert_int_equal(vsva_page_response(world->dev, &response), -EINVAL);
	world_run(world);
	assert_int_equal(vsva_mm_page_count(native->mm), 1);
	assert_int_equal(vsva_page_response(world->dev, &response), -EINVAL);
	assert_int_equal(vsva_sva_unbind(bond), 0);
}

/* Time-outs */

static void test_sva_unmap_with_a_silent_device_isolates_it(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native), *again;

	map_pages(native, 2);
	world->fake.silent = RID_PF;
	assert_int_equal(vsva_mm_unmap(native->mm, uva(AT), PAGE), 0);
	assert_int_equal(vsva_mm_page_count(native->mm), 1);
	world->fake.silent = rid(0);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	assert_int_equal(vsva_sva_bind(world->dev, native->mm, 0, NULL, NULL, &again), -ENODEV);
}

/* A unit that stands still. */

static void test_sva_unmap_in_doubt_keeps_pages(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);

	map_pages(native, 3);
	world->fake.is_held = true;
	assert_int_equal(vsva_mm_unmap(native->mm, uva(AT), PAGE), -ETIMEDOUT);
	assert_int_equal(vsva_mm_page_count(native->mm), 3);
	fake_vtd_release(&world->fake);
	assert_int_equal(vsva_mm_unmap(native->mm, uva(AT + PAGE), PAGE), 0);
	assert_int_equal(vsva_mm_page_count(native->mm), 1);
	assert_int_equal(vsva_sva_unbind(bond), 0);
}

static void test_sva_exit_in_doubt_keeps_memory_until_the_unit_answers(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct physmem *pm = world->fake.port.physmem;
	size_t before = physmem_pages_in_use(pm), with;
	struct vsva_sva *bond;
	struct vsva_mm *mm = native->mm;

	map_pages(native, 3);
	bond = bind(native);
	with = physmem_pages_in_use(pm);
	world->fake.is_held = true;
	vsva_mm_exit(mm);
	assert_int_equal(physmem_pages_in_use(pm), with);
	assert_int_equal(vsva_sva_unbind(bond), -ETIMEDOUT);
	vsva_mm_put(mm);
	assert_int_equal(physmem_pages_in_use(pm), with);
	fake_vtd_release(&world->fake);
	/* a flush that works finds the limbo full, and empties it */
	assert_int_equal(vsva_mm_create(world->iommu, 0, &native->mm), 0);
	assert_int_equal(try_bind(native, native->mm, 0), 0);
	world_run(world);
	/* a table of the PASID directory was made for good */
	assert_in_range(physmem_pages_in_use(pm), before, before + 1);
}

static void test_sva_destroyed_in_doubt_frees_all(void **state)
{
	struct native *native = *state;
	struct world *world = native->world;
	struct vsva_sva *bond = bind(native);

	map_pages(native, 3);
	world->fake.is_held = true;
	assert_int_equal(vsva_mm_unmap(native->mm, uva(AT), PAGE), -ETIMEDOUT);
	assert_int_equal(vsva_sva_unbind(bond), -ETIMEDOUT);
}

/* Fail the nth */

struct trial {
	size_t bytes, pages;
	uint32_t ids;
};

static struct trial measure(struct native *native)
{
	struct vsva_iommu *iommu = native->world->iommu;

	world_run(native->world);
	rcu_barrier();
	return (struct trial){
		.bytes = base_bytes_in_use(),
		.pages = physmem_pages_in_use(native->world->fake.port.physmem),
		.ids = iommu->native_set ? vsva_ioasid_set_count(iommu->native_set) : 0,
	};
}

static void expect_same(struct native *native, const struct trial *before)
{
	struct trial after = measure(native);

	assert_int_equal(after.bytes, before->bytes);
	assert_int_equal(after.pages, before->pages);
	assert_int_equal(after.ids, before->ids);
}

/* Scenarios 21 and 22: every failure point of a bind, and of an unbind, once and stuck; nothing is
 * lost. Returns how many there are. */
static unsigned fail_bind(struct native *native, bool stuck)
{
	struct trial before = measure(native);
	struct vsva_sva *bond;
	bool reached = true;
	unsigned nth = 1;

	for (; reached; nth++) {
		int err;

		fail_nth_set(nth, stuck);
		err = vsva_sva_bind(native->world->dev, native->mm, 0, NULL, NULL, &bond);
		reached = fail_nth_hits() >= nth;
		fail_nth_set(0, 0);
		assert_true(err == -ENOMEM || err == -ENOSPC || err == -ETIMEDOUT || err == 0);
		if (!err)
			assert_int_equal(vsva_sva_unbind(bond), 0);
		expect_same(native, &before);
	}
	return nth - 2;
}

static unsigned fail_unbind(struct native *native, bool stuck)
{
	struct trial before = measure(native);
	bool reached = true;
	unsigned nth = 1;

	for (; reached; nth++) {
		struct vsva_sva *bond = bind(native);
		int err;

		fail_nth_set(nth, stuck);
		err = vsva_sva_unbind(bond);
		reached = fail_nth_hits() >= nth;
		fail_nth_set(0, 0);
		assert_true(err == -ETIMEDOUT || err == 0);
		/* what was in doubt is settled by the next flush that works */
		assert_int_equal(try_bind(native, native->mm, 0), 0);
		expect_same(native, &before);
	}
	return nth - 2;
}

static void test_bbe4b3af9d9e_memory_of_a_bind_that_fails(void **state)
{
	struct native *native = *state;
	struct trial before, after;
	struct vsva_sva *bond;

	/* what is made once, for good, has been made */
	assert_int_equal(try_bind(native, native->mm, 0), 0);
	assert_in_range(fail_bind(native, false), 3, 100);
	assert_in_range(fail_bind(native, true), 1, 100);
	fail_unbind(native, false);
	fail_unbind(native, true);
	/* negative control: one bond that is not given back */
	before = measure(native);
	bond = bind(native);
	after = measure(native);
	assert_int_not_equal(after.bytes, before.bytes);
	assert_int_not_equal(after.ids, before.ids);
	assert_int_equal(vsva_sva_unbind(bond), 0);
}

static void test_sva_first_bind_survives_each_failure(void **state)
{
	(void)state;
	for (uint64_t nth = 1; nth < 40; nth++) {
		struct native *native = create(world_cap(), world_ecap());
		struct vsva_sva *bond;
		int err;

		fail_nth_set(nth, 0);
		err = vsva_sva_bind(native->world->dev, native->mm, 0, NULL, NULL, &bond);
		fail_nth_set(0, 0);
		assert_true(err == 0 || err == -ENOMEM || err == -ENOSPC || err == -EAGAIN ||
			    err == -ETIMEDOUT);
		if (!err)
			assert_int_equal(vsva_sva_unbind(bond), 0);
		assert_int_equal(try_bind(native, native->mm, 0), 0);
		destroy(native);
	}
}

/* Many binds and unbinds, some of which are refused: the last gets the number that the first had.
 * */
static void test_701fac40384f_no_pasid_is_lost(void **state)
{
	static const struct vsva_sva_ops other;
	struct native *native = *state;
	struct vsva_dev *dev = native->world->dev;
	struct vsva_ioasid_set *set;
	struct vsva_sva *bond, *refused;
	hpasid_t pasid;

	assert_int_equal(try_bind(native, native->mm, 0), 0);
	world_run(native->world);
	set = native->world->iommu->native_set;
	for (unsigned i = 0; i < 2 * VSVA_LIMIT_FIRST_VM_PASID; i++) {
		bond = bind(native);
		assert_int_equal(vsva_sva_bind(dev, native->mm, 0, &other, NULL, &refused), -EBUSY);
		assert_int_equal(
			vsva_sva_bind(dev, native->mm, VSVA_SVA_SUPERVISOR, NULL, NULL, &refused),
			-EINVAL);
		assert_int_equal(vsva_ioasid_set_count(set), 1);
		assert_int_equal(vsva_sva_unbind(bond), 0);
		world_run(native->world);
		assert_int_equal(vsva_ioasid_set_count(set), 0);
	}
	/* negative control: a reference that nobody gives back */
	bond = bind(native);
	pasid = vsva_sva_pasid(bond);
	assert_int_equal(vsva_ioasid_get(native->world->iommu->space, NULL, pasid), 0);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	world_run(native->world);
	assert_int_equal(vsva_ioasid_set_count(set), 1);
	vsva_ioasid_put(native->world->iommu->space, pasid);
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(sva_checks_arguments),
		cmocka_unit_test(test_sva_needs_unit_and_device),
		cmocka_unit_test(test_sva_supervisor_is_for_the_kernel),
		CASE(sva_feature),
		CASE(sva_device_must_be_the_hosts),
		CASE(sva_counts_users),
		CASE(sva_of_a_dead_process),
		CASE(sva_has_no_more_pasids_than_the_host),
		CASE(sva_entry_is_a_first_stage),
		CASE(sva_kernel_entry_is_for_supervisors),
		CASE(sva_entries_have_one_domain_id),
		CASE(sva_unbind_flushes_its_pasid),
		CASE(sva_exit_leaves_faults_disabled_and_does_not_drain),
		CASE(sva_unmap_flushes_aligned_chunks),
		CASE(sva_unmap_of_too_many_chunks_flushes_the_pasid),
		cmocka_unit_test(test_flush_range_first_cuts_exactly),
		CASE(sva_unmap_without_a_bond_flushes_nothing),
		CASE(sva_page_request_is_resolved_here),
		CASE(sva_page_requests_that_are_refused),
		CASE(sva_page_request_to_the_kernel_is_refused),
		CASE(sva_page_request_is_nobody_elses),
		CASE(sva_unmap_with_a_silent_device_isolates_it),
		CASE(sva_unmap_in_doubt_keeps_pages),
		CASE(sva_exit_in_doubt_keeps_memory_until_the_unit_answers),
		CASE(sva_destroyed_in_doubt_frees_all),
		cmocka_unit_test_setup_teardown(test_bbe4b3af9d9e_memory_of_a_bind_that_fails,
						setup, teardown),
		cmocka_unit_test(test_sva_first_bind_survives_each_failure),
		cmocka_unit_test_setup_teardown(test_701fac40384f_no_pasid_is_lost, setup,
						teardown),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
