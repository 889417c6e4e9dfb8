// SPDX-License-Identifier: MIT
/* Devices and queues that go while others still count on them. */
#include "replay.h"

#include <errno.h>

#include "host/world.h"
#include "vtd/registers.h"

#define VA    REPLAY_VA
#define BOUND 20u

/* How often a device that had gone was asked for an answer, and waited for. */
struct asked {
	struct silicon *s;
	unsigned count;
};

static void count_asked(void *arg, struct vtd_desc *desc)
{
	struct asked *asked = arg;

	asked->count += vtd_desc_type(desc) == VTD_DESC_DEV_TLB ||
			vtd_desc_type(desc) == VTD_DESC_PASID_DEV_TLB;
}

/* A driver that goes on after each time-out as if the device had answered. */
static void overlook_timeout(void *arg, uint32_t offset, uint64_t *value)
{
	struct asked *asked = arg;

	if (offset != VTD_REG_FSTS || !vtd_FSTS_ITE(*value))
		return;
	CHECK(unit_mmio_write(asked->s->unit, VTD_REG_FSTS, 4, VTD_FSTS_ITE) == 0);
	*value = vtd_without(*value, VTD_FSTS_ITE);
}

static void bind_many(struct silicon *s, uint64_t root)
{
	for (unsigned i = 0; i < BOUND; i++)
		assert_int_equal(silicon_bind(s, silicon_pasid(s), root), 0);
}

/* Surprise removal with BOUND PASIDs: one wait that ends in a time-out is enough to know. */
static bool removal_waits_once(bool is_negative)
{
	struct silicon s;
	struct asked asked = {.s = &s};
	struct vsva_iommu_stats stats;
	int err;

	silicon_create(&s, UNIT_CACHE_ADVERSARIAL, WORKERS_MANUAL, true);
	bind_many(&s, silicon_first_stage(&s));
	endpoint_set_gone(&s.endpoint, true);
	s.tap = (struct silicon_tap){
		.desc = count_asked, .read = is_negative ? overlook_timeout : NULL, .arg = &asked};
	err = host_dev_remove(s.dev);
	s.dev = NULL;
	s.tap = (struct silicon_tap){0};
	vsva_iommu_get_stats(s.iommu, &stats);
	assert_int_equal(stats.bound_now, 0);
	silicon_destroy(&s);
	return err == -ETIMEDOUT && asked.count == 1;
}

static void test_cve_2026_43161_removal_waits_for_a_silent_device_once(void **state)
{
	(void)state;
	assert_true(removal_waits_once(false));
	assert_false(removal_waits_once(true));
}

/* What is not on the bus any more is not asked at all. Negative: it cannot be told. */
static unsigned asked_at_removal(bool is_seen_to_be_gone)
{
	struct world *world = world_create();
	unsigned asked;

	for (uint32_t i = 0; i < BOUND; i++)
		world_bind(world, gpasid(i));
	fake_vtd_forget_log(&world->fake);
	world->fake.silent = RID_PF;
	world->pci.is_gone = is_seen_to_be_gone;
	assert_int_equal(host_dev_remove(world->dev), is_seen_to_be_gone ? 0 : -ETIMEDOUT);
	world->dev = NULL;
	asked = fake_vtd_count(&world->fake, VTD_DESC_DEV_TLB) +
		fake_vtd_count(&world->fake, VTD_DESC_PASID_DEV_TLB);
	world_destroy(world);
	return asked;
}

static void test_cve_2026_43130_absent_device_is_not_asked(void **state)
{
	(void)state;
	assert_int_equal(asked_at_removal(true), 0);
	assert_int_equal(asked_at_removal(false), 1);
}

/* One VM's device is silent: what another's needs is flushed all the same, and it goes on. */
static void test_silent_device_delays_no_other_device(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(1));
	struct host_dev_info info = {.rid = rid(0x0300), .pf_rid = rid(0x0300), .is_pci = true};
	struct fake_pci pci;
	struct vsva_dev *dev;

	fake_pci_init(&pci, FAKE_HAS_ALL, 20);
	info.config = pci.port;
	assert_int_equal(host_dev_add(world->iommu, &info, &dev), 0);
	assert_int_equal(vsva_domain_attach(world->domain, dev), 0);
	world->fake.silent = info.rid;
	assert_int_equal(host_dev_remove(dev), -ETIMEDOUT);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	assert_true(fake_vtd_count(&world->fake, VTD_DESC_PASID_DEV_TLB) > 0);
	/* seen if it is the device itself */
	world->fake.silent = RID_PF;
	pasid = world_bind(world, gpasid(2));
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), -ETIMEDOUT);
}

/* A driver goes with PASIDs bound, and its device may still have work for them. */
static bool detach_with_pasids_bound(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	struct silicon *s = &r->s;
	hpasid_t pasids[BOUND];
	struct vsva_iommu_stats stats;

	for (unsigned i = 0; i < BOUND; i++) {
		pasids[i] = silicon_pasid(s);
		if (silicon_bind(s, pasids[i], a.root) || !replay_reads(r, pasids[i].v, VA, 111))
			return false;
	}
	replay_arm(r);
	if (vsva_domain_detach(s->domain, s->dev))
		return false;
	replay_disarm(r);
	vsva_iommu_get_stats(s->iommu, &stats);
	for (unsigned i = 0; i < BOUND; i++)
		if (!replay_reads_nothing(r, pasids[i].v, VA))
			return false;
	return !stats.bound_now && !vsva_domain_attach(s->domain, s->dev) &&
	       replay_reads_nothing(r, pasids[0].v, VA) && !silicon_bind(s, pasids[0], a.root) &&
	       replay_reads(r, pasids[0].v, VA, 111);
}

static void leave_out_pasid_cache(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) == VTD_DESC_PASID_CACHE)
		replay_leave_out(r, desc);
}

static void test_idxd_config_7_driver_goes_with_pasids_bound(void **state)
{
	(void)state;
	replay_survives(detach_with_pasids_bound, NULL);
	replay_is_seen(detach_with_pasids_bound, leave_out_pasid_cache, false, NULL);
}

/* The queue of page requests, and all else of the unit, is not taken away from under a device. */
static void destroy_with_a_device(void *arg)
{
	struct world *world = world_create();

	if (!arg) {
		host_dev_remove(world->dev);
		world->dev = NULL;
		world_destroy(world);
		return;
	}
	host_iommu_destroy(world->iommu);
}

static void test_page_fault_queue_is_not_removed_with_a_device_in_it(void **state)
{
	int any;

	(void)state;
	unit_expect_check(destroy_with_a_device, &any);
	assert_int_equal(unit_run_in_child(destroy_with_a_device, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cve_2026_43130_absent_device_is_not_asked),
		cmocka_unit_test(test_cve_2026_43161_removal_waits_for_a_silent_device_once),
		cmocka_unit_test_setup_teardown(test_silent_device_delays_no_other_device,
						world_setup, world_teardown),
		cmocka_unit_test(test_idxd_config_7_driver_goes_with_pasids_bound),
		cmocka_unit_test(test_page_fault_queue_is_not_removed_with_a_device_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
