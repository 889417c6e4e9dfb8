// SPDX-License-Identifier: MIT
/* Sub-devices: several owners on one function, each with a base PASID and PASIDs of its own. */
#include "world.h"

#include <errno.h>

#define BASE_A 0x20u
#define BASE_B 0x21u

/* Two owners beside the function's own: each with a set, a nesting domain and a sub-device. */
struct owner {
	struct vsva_ioasid_set *set;
	struct vsva_domain *domain;
	struct vsva_dev *dev;
	struct vsva_fault fault;
	struct vsva_unit_fault unit_fault;
	unsigned faults, unit_faults;
};

struct pair {
	struct world *world;
	struct owner a, b;
};

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct owner *owner = arg;

	assert_ptr_equal(dev, owner->dev);
	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0;
	owner->fault = *fault;
	owner->faults++;
	return 0;
}

static void on_unit_fault(void *arg, struct vsva_dev *dev, const struct vsva_unit_fault *fault)
{
	struct owner *owner = arg;

	assert_ptr_equal(dev, owner->dev);
	owner->unit_fault = *fault;
	owner->unit_faults++;
}

static void owner_init(struct world *world, struct owner *owner, uint32_t base, uint32_t vm)
{
	struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(world->iommu);

	assert_int_equal(vsva_ioasid_set_alloc(space, owner, 100, &owner->set), 0);
	assert_int_equal(vsva_domain_alloc(world->iommu, owner->set, VSVA_DOMAIN_NESTING, vm,
					   &owner->domain),
			 0);
	assert_int_equal(host_subdev_add(world->dev, hpasid(base), &owner->dev), 0);
	assert_int_equal(vsva_domain_attach(owner->domain, owner->dev), 0);
	assert_int_equal(
		vsva_dev_register_fault_handler(owner->dev, on_fault, on_unit_fault, owner), 0);
}

static void owner_fini(struct owner *owner)
{
	if (owner->dev)
		assert_int_equal(host_dev_remove(owner->dev), 0);
	assert_int_equal(vsva_domain_free(owner->domain), 0);
	assert_int_equal(vsva_ioasid_free_all_sync(owner->set), 0);
	vsva_ioasid_set_free(owner->set);
}

static int pair_setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->world = world_create();
	owner_init(pair->world, &pair->a, BASE_A, 2);
	owner_init(pair->world, &pair->b, BASE_B, 3);
	fake_vtd_forget_log(&pair->world->fake);
	*state = pair;
	return 0;
}

static int pair_teardown(void **state)
{
	struct pair *pair = *state;

	owner_fini(&pair->a);
	owner_fini(&pair->b);
	world_destroy(pair->world);
	free(pair);
	return 0;
}

static hpasid_t pasid_of(struct owner *owner)
{
	hpasid_t pasid;

	assert_int_equal(vsva_ioasid_alloc(owner->set, 0x1000, VSVA_PASID_MAX, NULL, &pasid), 0);
	return pasid;
}

static hpasid_t bind(struct owner *owner, gpasid_t guest)
{
	hpasid_t pasid = pasid_of(owner);
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, guest);

	assert_int_equal(vsva_bind_gpasid(owner->domain, owner->dev, &data), 0);
	return pasid;
}

static struct vtd_pasid_entry entry_of(struct owner *owner, hpasid_t pasid)
{
	struct vtd_pasid_entry entry;

	assert_int_equal(host_pasid_entry(owner->dev, pasid, &entry), 0);
	return entry;
}

static void test_subdev_refuses_bad_arguments(void **state)
{
	struct pair *pair = *state;
	struct vsva_dev *dev;

	assert_int_equal(host_subdev_add(NULL, hpasid(5), &dev), -EINVAL);
	assert_int_equal(host_subdev_add(pair->a.dev, hpasid(5), &dev), -EINVAL);
	assert_int_equal(host_subdev_add(pair->world->dev, hpasid(0), &dev), -EINVAL);
	assert_int_equal(host_subdev_add(pair->world->dev, hpasid(1u << 20), &dev), -EINVAL);
	assert_int_equal(host_subdev_add(pair->world->dev, hpasid(BASE_A), &dev), -EEXIST);
}

/* The base PASID has an entry of its own, whoever may bind it otherwise. */
static void test_subdev_base_cannot_be_bound(void **state)
{
	struct world *world = *state;
	hpasid_t base = world_pasid(world), bound = world_bind(world, gpasid(8));
	struct vsva_gpasid_bind_data data = world_bind_data(base, gpasid(7));
	static const struct vsva_rid_config blocked = {.kind = VSVA_RID_BLOCKED};
	struct vsva_dev *dev;

	assert_int_equal(host_subdev_add(world->dev, bound, &dev), -EEXIST);
	assert_int_equal(host_subdev_add(world->dev, base, &dev), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), -EBUSY);
		assert_int_equal(vsva_bind_gpasid(world->domain, dev, &data),
				 i == 0 ? -ENODEV : -EBUSY);
		if (i == 0)
			assert_int_equal(vsva_domain_attach(world->domain, dev), 0);
		else
			assert_int_equal(vsva_attach_rid(world->domain, dev, &blocked), 0);
	}
	assert_int_equal(host_dev_remove(dev), 0);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
}

/* The function cannot go, nor be detached, under those who share it. */
static void test_subdev_keeps_its_parent(void **state)
{
	struct pair *pair = *state;
	struct world *world = pair->world;

	assert_int_equal(vsva_domain_detach(world->domain, world->dev), -EBUSY);
	assert_int_equal(host_dev_remove(world->dev), -EBUSY);
	assert_int_equal(vsva_domain_detach(pair->a.domain, pair->a.dev), 0);
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), -EBUSY);
	assert_int_equal(vsva_domain_detach(pair->b.domain, pair->b.dev), 0);
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(vsva_domain_attach(pair->a.domain, pair->a.dev), -ENODEV);
	assert_int_equal(vsva_domain_attach(world->domain, world->dev), 0);
	assert_int_equal(vsva_domain_attach(pair->a.domain, pair->a.dev), 0);
}

static void test_subdev_attach_is_a_second_stage_at_its_base(void **state)
{
	struct pair *pair = *state;
	struct vtd_pasid_entry a = entry_of(&pair->a, hpasid(0));
	struct vtd_pasid_entry b = entry_of(&pair->b, hpasid(BASE_B));

	assert_true(vtd_pasid_entry_P(&a) && vtd_pasid_entry_P(&b));
	assert_int_equal(vtd_pasid_entry_PGTT(&a), VTD_PGTT_SECOND_STAGE);
	assert_int_equal(vtd_pasid_entry_DID(&a), host_domain_did(pair->a.domain).v);
	assert_int_equal(vtd_pasid_entry_DID(&b), host_domain_did(pair->b.domain).v);
	assert_int_not_equal(vtd_pasid_entry_SSPTPTR(&a), vtd_pasid_entry_SSPTPTR(&b));
}

/* The same guest PASID in both; neither can touch the other's. */
static void test_subdev_owners_are_apart(void **state)
{
	struct pair *pair = *state;
	hpasid_t a = bind(&pair->a, gpasid(5)), b = bind(&pair->b, gpasid(5));
	struct vsva_gpasid_bind_data data = world_bind_data(a, gpasid(5));
	struct vtd_pasid_entry entry;

	assert_int_not_equal(a.v, b.v);
	entry = entry_of(&pair->a, a);
	assert_int_equal(vtd_pasid_entry_PGTT(&entry), VTD_PGTT_NESTED);
	assert_int_equal(vsva_bind_gpasid(pair->b.domain, pair->b.dev, &data), -EACCES);
	assert_int_equal(vsva_bind_gpasid(pair->a.domain, pair->b.dev, &data), -ENODEV);
	assert_int_equal(vsva_unbind_gpasid(pair->b.domain, pair->b.dev, a), -EACCES);
	data.hpasid = BASE_A;
	assert_int_equal(vsva_bind_gpasid(pair->a.domain, pair->a.dev, &data), -ENOENT);
	assert_int_equal(vsva_unbind_gpasid(pair->a.domain, pair->a.dev, hpasid(BASE_A)), 0);
	entry = entry_of(&pair->a, hpasid(0));
	assert_true(vtd_pasid_entry_P(&entry));
	assert_int_equal(vsva_unbind_gpasid(pair->a.domain, pair->a.dev, a), 0);
	entry = entry_of(&pair->b, b);
	assert_true(vtd_pasid_entry_P(&entry));
}

static void test_subdev_detach_takes_only_its_own(void **state)
{
	struct pair *pair = *state;
	hpasid_t a = bind(&pair->a, gpasid(5)), b = bind(&pair->b, gpasid(5));
	struct vtd_pasid_entry entry;

	assert_int_equal(vsva_domain_detach(pair->a.domain, pair->a.dev), 0);
	entry = entry_of(&pair->b, a);
	assert_false(vtd_pasid_entry_P(&entry));
	entry = entry_of(&pair->b, hpasid(BASE_A));
	assert_false(vtd_pasid_entry_P(&entry));
	entry = entry_of(&pair->b, b);
	assert_true(vtd_pasid_entry_P(&entry));
	entry = entry_of(&pair->b, hpasid(0));
	assert_true(vtd_pasid_entry_P(&entry));
}

/* An unmap in one domain flushes its children's ids, not the others'. */
static void test_subdev_unmap_flushes_its_own_ids(void **state)
{
	struct pair *pair = *state;
	struct world *world = pair->world;
	hpasid_t a = bind(&pair->a, gpasid(5));
	did_t child;

	bind(&pair->b, gpasid(5));
	assert_int_equal(host_child_did(pair->a.dev, a, &child), 0);
	assert_int_equal(vsva_domain_map(pair->a.domain, gpa(0x1000), hpa(0), 4096, 3), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_domain_unmap(pair->a.domain, gpa(0x1000), 4096, NULL), 0);
	expect_iotlb_range(world, 0, host_domain_did(pair->a.domain), 0x1000, 0);
	expect_iotlb_range(world, 1, child, 0x1000, 0);
	expect_pasid_dev_tlb(world, 2, RID_PF, BASE_A, 0x1000, false);
	expect_pasid_dev_tlb(world, 3, RID_PF, a.v, VTD_DEVICE_TLB_ALL, true);
	expect_log_count(world, 4);
}

/* Requests without PASID of the guest: a nested entry at the base, flushed by PASID. */
static void test_subdev_nested_base(void **state)
{
	struct pair *pair = *state;
	struct world *world = pair->world;
	struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = {ROOT_GPA}, .addr_width = 48};
	struct vsva_flush flush = {.pasid = {VSVA_FLUSH_RID}, .addr = 0x5000};
	struct vtd_pasid_entry entry;
	did_t child;

	assert_int_equal(vsva_attach_rid(pair->a.domain, pair->a.dev, &nested), 0);
	entry = entry_of(&pair->a, hpasid(0));
	assert_int_equal(vtd_pasid_entry_PGTT(&entry), VTD_PGTT_NESTED);
	assert_int_equal(host_child_did(pair->a.dev, hpasid(0), &child), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_flush_iotlb(pair->a.dev, &flush), 0);
	expect_piotlb_range(world, 0, child, BASE_A, 0x5000, 0, false);
	assert_int_equal(vsva_flush_device_tlb(pair->a.dev, &flush, false), 0);
	expect_pasid_dev_tlb(world, 1, RID_PF, BASE_A, 0x5000, false);
}

static void push(struct world *world, uint32_t pasid, uint16_t prgi)
{
	world_request_push(world, pasid, 0x7000, prgi, true);
	world_run(world);
}

static int respond(struct owner *owner, uint32_t pasid, uint16_t prgi)
{
	struct vsva_page_response response = {
		.argsz = sizeof(response),
		.version = 1,
		.flags = pasid == VSVA_PASID_INVALID ? 0 : VSVA_PAGE_RESP_PASID_VALID,
		.pasid = pasid,
		.grpid = prgi};

	return vsva_page_response(owner->dev, &response);
}

static void test_subdev_page_requests_find_their_owner(void **state)
{
	struct pair *pair = *state;
	struct world *world = pair->world;
	hpasid_t a = bind(&pair->a, gpasid(5)), b = bind(&pair->b, gpasid(5));

	fake_vtd_forget_log(&world->fake);
	push(world, a.v, 1);
	push(world, b.v, 2);
	assert_int_equal(pair->a.faults, 1);
	assert_int_equal(pair->b.faults, 1);
	assert_int_equal(world->fault_count, 0);
	assert_int_equal(pair->a.fault.u.prm.pasid, a.v);
	/* nobody answers for somebody else */
	assert_int_equal(respond(&pair->b, a.v, 1), -EINVAL);
	assert_int_equal(respond(&pair->a, a.v, 1), 0);
	expect_response(world, 0, RID_PF, a.v, 1, VTD_RESPONSE_SUCCESS);
	/* b unbinds while it is asked */
	assert_int_equal(vsva_unbind_gpasid(pair->b.domain, pair->b.dev, b), 0);
	expect_response(world, 1, RID_PF, b.v, 2, VTD_RESPONSE_INVALID);
}

/* At the base PASID they are the guest's requests without PASID, and are answered so. */
static void test_subdev_page_requests_of_the_base(void **state)
{
	struct pair *pair = *state;
	struct world *world = pair->world;
	struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = {ROOT_GPA}, .addr_width = 48};

	assert_int_equal(vsva_attach_rid(pair->a.domain, pair->a.dev, &nested), 0);
	fake_vtd_forget_log(&world->fake);
	push(world, BASE_A, 3);
	assert_int_equal(pair->a.faults, 1);
	assert_int_equal(pair->a.fault.u.prm.flags & VSVA_PAGE_REQ_PASID_VALID, 0);
	assert_int_equal(respond(&pair->a, VSVA_PASID_INVALID, 3), 0);
	expect_response(world, 0, RID_PF, BASE_A, 3, VTD_RESPONSE_SUCCESS);
}

static void fault(struct world *world, uint32_t pasid)
{
	struct vtd_fault_record record = {{0}};

	vtd_fault_record_set_SID(&record, RID_PF.v);
	vtd_fault_record_set_PP(&record, pasid != VSVA_PASID_INVALID);
	vtd_fault_record_set_PV(&record, pasid == VSVA_PASID_INVALID ? 0 : pasid);
	vtd_fault_record_set_F(&record, 1);
	vtd_fault_record_set_FR(&record, VTD_FAULT_SFS_2);
	fake_vtd_fault(&world->fake, &record);
	world_run(world);
}

static void test_subdev_faults_find_their_owner(void **state)
{
	struct pair *pair = *state;
	struct world *world = pair->world;
	hpasid_t a = bind(&pair->a, gpasid(5)), b = pasid_of(&pair->b);

	fault(world, a.v);
	assert_int_equal(pair->a.unit_faults, 1);
	assert_true(pair->a.unit_fault.has_pasid);
	fault(world, BASE_A);
	assert_int_equal(pair->a.unit_faults, 2);
	assert_false(pair->a.unit_fault.has_pasid);
	/* allocated by b, bound nowhere */
	fault(world, b.v);
	assert_int_equal(pair->b.unit_faults, 1);
	fault(world, VSVA_PASID_INVALID);
	assert_int_equal(world->unit_fault_count, 1);
	assert_int_equal(pair->a.unit_faults, 2);
}

/* Two mediated devices of one owner on one function: one entry, which stays while one needs it. */
static void test_subdevs_of_one_owner_share_an_entry(void **state)
{
	struct pair *pair = *state;
	hpasid_t pasid = bind(&pair->a, gpasid(5));
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(5));
	struct vtd_pasid_entry entry;
	struct vsva_dev *second;

	assert_int_equal(host_subdev_add(pair->world->dev, hpasid(0x22), &second), 0);
	assert_int_equal(vsva_domain_attach(pair->a.domain, second), 0);
	data.gpgd += 4096;
	assert_int_equal(vsva_bind_gpasid(pair->a.domain, second, &data), -EBUSY);
	data.gpgd -= 4096;
	assert_int_equal(vsva_bind_gpasid(pair->a.domain, second, &data), 0);
	assert_int_equal(vsva_unbind_gpasid(pair->a.domain, pair->a.dev, pasid), 0);
	entry = entry_of(&pair->a, pasid);
	assert_true(vtd_pasid_entry_P(&entry));
	assert_int_equal(
		vsva_ioasid_state_of(vsva_iommu_ioasid_space(pair->world->iommu), pasid, NULL),
		VSVA_IOASID_ACTIVE);
	assert_int_equal(vsva_unbind_gpasid(pair->a.domain, second, pasid), 0);
	entry = entry_of(&pair->a, pasid);
	assert_false(vtd_pasid_entry_P(&entry));
	assert_int_equal(host_dev_remove(second), 0);
}

/* Freed by its owner, a PASID goes from every device of every domain of his. */
static void test_free_reaches_all_devices(void **state)
{
	struct pair *pair = *state;
	struct world *world = pair->world;
	struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(world->iommu);
	hpasid_t pasid = bind(&pair->a, gpasid(5)), other = bind(&pair->b, gpasid(5));
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(5));
	struct vsva_domain *second;
	struct vsva_dev *dev;
	struct vtd_pasid_entry entry;

	assert_int_equal(
		vsva_domain_alloc(world->iommu, pair->a.set, VSVA_DOMAIN_NESTING, 2, &second), 0);
	assert_int_equal(host_subdev_add(world->dev, hpasid(0x22), &dev), 0);
	assert_int_equal(vsva_domain_attach(second, dev), 0);
	/* one function, one entry of a PASID: not with two second stages */
	assert_int_equal(vsva_bind_gpasid(second, dev, &data), -EBUSY);
	assert_int_equal(vsva_ioasid_free(pair->a.set, pasid), 0);
	world_run(world);
	assert_int_equal(vsva_ioasid_state_of(space, pasid, NULL), VSVA_IOASID_FREE);
	entry = entry_of(&pair->a, pasid);
	assert_false(vtd_pasid_entry_P(&entry));
	entry = entry_of(&pair->b, other);
	assert_true(vtd_pasid_entry_P(&entry) && !vtd_pasid_entry_FPD(&entry));
	assert_int_equal(host_dev_remove(dev), 0);
	assert_int_equal(vsva_domain_free(second), 0);
}

/* A function that does not answer is isolated, and with it whoever shares it; each detach ends. */
static void test_subdev_of_a_silent_function(void **state)
{
	struct pair *pair = *state;
	struct world *world = pair->world;
	hpasid_t a = bind(&pair->a, gpasid(5));

	bind(&pair->b, gpasid(5));
	world->pci.is_gone = true;
	assert_int_equal(vsva_unbind_gpasid(pair->a.domain, pair->a.dev, a), 0);
	assert_int_equal(vsva_ioasid_free(pair->a.set, a), 0);
	world_run(world);
	assert_int_equal(vsva_ioasid_set_count(pair->a.set), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		T(test_subdev_refuses_bad_arguments),
		cmocka_unit_test_setup_teardown(test_subdev_base_cannot_be_bound, world_setup,
						world_teardown),
		T(test_subdev_keeps_its_parent),
		T(test_subdev_attach_is_a_second_stage_at_its_base),
		T(test_subdev_owners_are_apart),
		T(test_subdev_detach_takes_only_its_own),
		T(test_subdev_unmap_flushes_its_own_ids),
		T(test_subdev_nested_base),
		T(test_subdev_page_requests_find_their_owner),
		T(test_subdev_page_requests_of_the_base),
		T(test_subdev_faults_find_their_owner),
		T(test_subdevs_of_one_owner_share_an_entry),
		T(test_free_reaches_all_devices),
		T(test_subdev_of_a_silent_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
