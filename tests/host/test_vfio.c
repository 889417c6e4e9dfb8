// SPDX-License-Identifier: MIT
/* Containers and device handles: what close takes down, whatever the state, whoever calls. */
#include "world.h"

#include <errno.h>

#include "vsva/limits.h"
#include "vsva/vfio.h"

struct box {
	struct world *world;
	struct vsva_container *container;
	struct vsva_container_device *device;
	struct vsva_dev *dev;
	unsigned requests;
	bool close_in_handler;
	int close_result;
};

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct box *box = arg;

	(void)dev;
	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0;
	box->requests++;
	if (box->close_in_handler)
		box->close_result = vsva_container_device_close(box->device);
	return 0;
}

static struct box *box_create(enum vsva_free_policy policy)
{
	struct vsva_container_options options = {.vm = 7, .policy = policy};
	struct host_dev_info info = {.rid = RID_PF, .pf_rid = RID_PF, .is_pci = true};
	struct box *box = calloc(1, sizeof(*box));

	box->world = world_create_bare(world_cap(), world_ecap());
	fake_pci_init(&box->world->pci, FAKE_HAS_ALL, 20);
	info.config = box->world->pci.port;
	assert_int_equal(host_dev_add(box->world->iommu, &info, &box->dev), 0);
	assert_int_equal(vsva_container_open(box->world->iommu, &options, &box->container), 0);
	assert_int_equal(vsva_container_add(box->container, box->dev, &box->device), 0);
	assert_int_equal(vsva_container_set_fault_handler(box->device, on_fault, NULL, box), 0);
	return box;
}

static void box_destroy(struct box *box)
{
	assert_int_equal(host_dev_remove(box->dev), 0);
	world_destroy(box->world);
	free(box);
}

static int box_setup(void **state)
{
	*state = box_create(VSVA_FREE_RECLAIMS);
	return 0;
}

static int box_teardown(void **state)
{
	box_destroy(*state);
	return 0;
}

static hpasid_t bind(struct box *box, gpasid_t guest)
{
	struct vsva_gpasid_bind_data data;
	hpasid_t pasid;

	assert_int_equal(vsva_container_pasid_alloc(box->container, &pasid), 0);
	assert_true(pasid.v >= VSVA_LIMIT_FIRST_VM_PASID);
	data = world_bind_data(pasid, guest);
	assert_int_equal(vsva_container_bind_gpasid(box->device, &data), 0);
	return pasid;
}

static struct vsva_ioasid_space *space_of(struct box *box)
{
	return vsva_iommu_ioasid_space(box->world->iommu);
}

static void expect_nothing_left(struct box *box)
{
	struct vsva_iommu_stats stats;

	vsva_iommu_get_stats(box->world->iommu, &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(stats.domains_now, 0);
	assert_int_equal(stats.requests_pending_now, 0);
	assert_int_equal(vsva_ioasid_space_available(space_of(box)), VSVA_PASID_MAX);
}

static void test_container_open_refuses(void **state)
{
	struct box *box = *state;
	struct vsva_container_options options = {.policy = (enum vsva_free_policy)9};
	struct vsva_container *container;

	assert_int_equal(vsva_container_open(NULL, NULL, &container), -EINVAL);
	assert_int_equal(vsva_container_open(box->world->iommu, NULL, NULL), -EINVAL);
	assert_int_equal(vsva_container_open(box->world->iommu, &options, &container), -EINVAL);
	options = (struct vsva_container_options){.domain_flags = 1u << 30};
	assert_int_equal(vsva_container_open(box->world->iommu, &options, &container), -EINVAL);
	options = (struct vsva_container_options){.pasid_quota = VSVA_PASID_MAX};
	assert_int_equal(vsva_container_open(box->world->iommu, &options, &container), -ENOSPC);
	assert_int_equal(vsva_container_close(box->container), 0);
	expect_nothing_left(box);
}

static void test_free_policy_names(void **state)
{
	enum vsva_free_policy policy;

	(void)state;
	assert_int_equal(vsva_free_policy_parse("unbinds-first", &policy), 0);
	assert_int_equal(policy, VSVA_FREE_UNBINDS_FIRST);
	assert_string_equal(vsva_free_policy_name(VSVA_FREE_RECLAIMS), "reclaims");
	assert_string_equal(vsva_free_policy_name((enum vsva_free_policy)7), "?");
	assert_int_equal(vsva_free_policy_parse("later", &policy), -EINVAL);
}

static void test_container_close_takes_everything(void **state)
{
	struct box *box = *state;
	hpasid_t first = bind(box, gpasid(1));

	for (uint32_t i = 2; i < 40; i++)
		bind(box, gpasid(i));
	assert_int_equal(vsva_container_map(box->container, gpa(0x10000), hpa(0), 0x4000, 3), 0);
	assert_int_equal(vsva_container_close(box->container), 0);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), first, NULL), VSVA_IOASID_FREE);
	expect_nothing_left(box);
}

static void test_container_close_with_page_requests(void **state)
{
	struct box *box = *state;
	struct world *world = box->world;
	hpasid_t reported = bind(box, gpasid(1)), queued = bind(box, gpasid(2));

	world_request_push(world, reported.v, 0x5000, 1, true);
	world_run(world);
	assert_int_equal(box->requests, 1);
	world_request_push(world, queued.v, 0x6000, 2, true);
	world_request_push(world, queued.v, 0x7000, 3, false);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_container_close(box->container), 0);
	assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_PAGE_RESPONSE), 2);
	expect_nothing_left(box);
}

/* What was let in before the close does no harm after it. */
static void test_closed_handles_say_so(void **state)
{
	struct box *box = *state;
	hpasid_t pasid = bind(box, gpasid(1)), other;
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(1));
	struct vsva_rid_config config = {.kind = VSVA_RID_BLOCKED};
	struct vsva_cache_invalidate_info info = {.argsz = sizeof(info)};
	struct vsva_page_response response = {.argsz = sizeof(response), .version = 1};
	struct vsva_container_device *device;

	vsva_container_get(box->container);
	vsva_container_device_get(box->device);
	assert_int_equal(vsva_container_close(box->container), 0);
	assert_int_equal(vsva_container_bind_gpasid(box->device, &data), -ENODEV);
	assert_int_equal(vsva_container_bind_second_stage(box->device, pasid), -ENODEV);
	assert_int_equal(vsva_container_unbind_gpasid(box->device, pasid), -ENODEV);
	assert_int_equal(vsva_container_attach_rid(box->device, &config), -ENODEV);
	assert_int_equal(vsva_container_cache_invalidate(box->device, &info), -ENODEV);
	assert_int_equal(vsva_container_page_response(box->device, &response), -ENODEV);
	assert_int_equal(vsva_container_set_fault_handler(box->device, on_fault, NULL, box),
			 -ENODEV);
	assert_int_equal(vsva_container_map(box->container, gpa(0), hpa(0), 4096, 3), -ENODEV);
	assert_int_equal(vsva_container_unmap(box->container, gpa(0), 4096, NULL), -ENODEV);
	assert_int_equal(vsva_container_pasid_alloc(box->container, &other), -ENODEV);
	assert_int_equal(other.v, VSVA_PASID_INVALID);
	assert_int_equal(vsva_container_pasid_free(box->container, pasid), -ENODEV);
	assert_int_equal(vsva_container_add(box->container, box->dev, &device), -ENODEV);
	assert_int_equal(vsva_container_device_close(box->device), 0);
	assert_int_equal(vsva_container_close(box->container), 0);
	vsva_container_device_put(box->device);
	vsva_container_put(box->container);
	expect_nothing_left(box);
}

static void test_device_close_leaves_the_container(void **state)
{
	struct box *box = *state;
	hpasid_t pasid = bind(box, gpasid(1));
	struct vsva_container_device *again;

	assert_int_equal(vsva_container_add(box->container, box->dev, &again), -EBUSY);
	assert_int_equal(vsva_container_device_close(box->device), 0);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), pasid, NULL), VSVA_IOASID_IDLE);
	assert_int_equal(vsva_container_add(box->container, box->dev, &box->device), 0);
	assert_int_equal(vsva_container_close(box->container), 0);
	expect_nothing_left(box);
}

/* QEMU "teardown FAULTQ in bottom half": the handle is closed inside its own fault handler. */
static void test_device_close_in_its_fault_handler(void **state)
{
	struct box *box = *state;
	struct world *world = box->world;
	hpasid_t pasid = bind(box, gpasid(1));

	box->close_in_handler = true;
	world_request_push(world, pasid.v, 0x5000, 1, true);
	fake_vtd_forget_log(&world->fake);
	world_run(world);
	assert_int_equal(box->requests, 1);
	assert_int_equal(box->close_result, -ETIMEDOUT); /* the handler was running: this one */
	assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_PAGE_RESPONSE), 1);
	assert_int_equal(vsva_container_close(box->container), 0);
	expect_nothing_left(box);
}

/* Policy 1: the layer unbinds; nobody sees a PASID that is free-pending and bound. */
static void test_free_unbinds_first(void **state)
{
	struct box *box = box_create(VSVA_FREE_UNBINDS_FIRST);
	hpasid_t pasid = bind(box, gpasid(1));
	struct vtd_pasid_entry entry;
	struct vsva_iommu_stats stats;

	(void)state;
	assert_int_equal(vsva_container_pasid_free(box->container, pasid), 0);
	assert_int_equal(host_pasid_entry(box->dev, pasid, &entry), 0);
	assert_false(vtd_pasid_entry_P(&entry));
	vsva_iommu_get_stats(box->world->iommu, &stats);
	assert_int_equal(stats.bound_now, 0);
	world_run(box->world);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), pasid, NULL), VSVA_IOASID_FREE);
	assert_int_equal(vsva_container_pasid_free(box->container, pasid), 0);
	assert_int_equal(vsva_container_close(box->container), 0);
	box_destroy(box);
}

/* Policy 2: free returns with the PASID bound; the work queue takes it down. Unbinds that come late
 * find nothing. */
static void test_free_reclaims(void **state)
{
	struct box *box = *state;
	hpasid_t pasid = bind(box, gpasid(1));
	struct vtd_pasid_entry entry;
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(1));

	assert_int_equal(vsva_container_pasid_free(box->container, pasid), 0);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), pasid, NULL),
			 VSVA_IOASID_FREE_PENDING);
	assert_int_equal(host_pasid_entry(box->dev, pasid, &entry), 0);
	assert_true(vtd_pasid_entry_P(&entry) && vtd_pasid_entry_FPD(&entry));
	assert_int_equal(vsva_container_bind_gpasid(box->device, &data), -ENOENT);
	world_run(box->world);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), pasid, NULL), VSVA_IOASID_FREE);
	assert_int_equal(vsva_container_unbind_gpasid(box->device, pasid), 0);
	assert_int_equal(vsva_container_close(box->container), 0);
	expect_nothing_left(box);
}

static void test_pasid_free_refuses_others(void **state)
{
	struct box *box = *state;
	struct vsva_container *other;
	hpasid_t pasid;

	assert_int_equal(vsva_container_open(box->world->iommu, NULL, &other), 0);
	assert_int_equal(vsva_container_pasid_alloc(other, &pasid), 0);
	assert_int_equal(vsva_container_pasid_free(box->container, pasid), -EACCES);
	assert_int_equal(vsva_container_pasid_free(box->container, hpasid(0)), -EINVAL);
	assert_int_equal(vsva_container_close(other), 0);
	assert_int_equal(vsva_container_close(box->container), 0);
	expect_nothing_left(box);
}

/* A subscriber that keeps a reference keeps the number out of use, not the container open. */
static void test_container_close_with_a_reference_kept(void **state)
{
	struct box *box = *state;
	hpasid_t pasid = bind(box, gpasid(1)), other;
	struct vsva_container *next;

	assert_int_equal(vsva_ioasid_get(space_of(box), NULL, pasid), 0);
	assert_int_equal(vsva_container_close(box->container), -ETIMEDOUT);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), pasid, NULL),
			 VSVA_IOASID_FREE_PENDING);
	assert_int_equal(vsva_container_open(box->world->iommu, NULL, &next), 0);
	assert_int_equal(vsva_container_pasid_alloc(next, &other), 0);
	assert_int_not_equal(other.v, pasid.v);
	vsva_ioasid_put(space_of(box), pasid);
	world_run(box->world);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), pasid, NULL), VSVA_IOASID_FREE);
	assert_int_equal(vsva_container_close(next), 0);
	expect_nothing_left(box);
}

/* A time-out leaves the unit in doubt: the PASID is not given out until a flush has worked. */
static void test_pasid_in_doubt_is_not_given_out(void **state)
{
	struct box *box = *state;
	hpasid_t pasid = bind(box, gpasid(1)), other = bind(box, gpasid(2));

	box->world->fake.is_held = true;
	assert_int_equal(vsva_container_unbind_gpasid(box->device, pasid), -ETIMEDOUT);
	assert_int_equal(vsva_container_pasid_free(box->container, pasid), 0);
	world_run(box->world);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), pasid, NULL),
			 VSVA_IOASID_FREE_PENDING);
	fake_vtd_release(&box->world->fake);
	assert_int_equal(vsva_container_unbind_gpasid(box->device, other), 0);
	assert_int_equal(vsva_container_unbind_gpasid(box->device, other), 0);
	world_run(box->world);
	assert_int_equal(vsva_ioasid_state_of(space_of(box), pasid, NULL), VSVA_IOASID_FREE);
	assert_int_equal(vsva_container_close(box->container), 0);
	expect_nothing_left(box);
}

static void test_container_open_fail_nth(void **state)
{
	struct box *box = *state;
	struct vsva_container *container;
	unsigned nth = 1;
	size_t before;

	rcu_barrier();
	before = base_bytes_in_use();
	for (;; nth++) {
		bool has_failed;
		int err;

		fail_nth_set(nth, 0);
		err = vsva_container_open(box->world->iommu, NULL, &container);
		has_failed = fail_nth_hits() >= nth;
		fail_nth_set(0, 0);
		if (!has_failed)
			break;
		assert_true(err == -ENOMEM || err == -ENOSPC || err == -EAGAIN);
		rcu_barrier();
		assert_int_equal(base_bytes_in_use(), before);
	}
	assert_true(nth > 4);
	assert_int_equal(vsva_container_close(container), 0);
	assert_int_equal(vsva_container_close(box->container), 0);
	expect_nothing_left(box);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)
	const struct CMUnitTest tests[] = {
		T(test_container_open_refuses),
		cmocka_unit_test(test_free_policy_names),
		T(test_container_close_takes_everything),
		T(test_container_close_with_page_requests),
		T(test_closed_handles_say_so),
		T(test_device_close_leaves_the_container),
		T(test_device_close_in_its_fault_handler),
		cmocka_unit_test(test_free_unbinds_first),
		T(test_free_reclaims),
		T(test_pasid_free_refuses_others),
		T(test_container_close_with_a_reference_kept),
		T(test_pasid_in_doubt_is_not_given_out),
		T(test_container_open_fail_nth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
