// SPDX-License-Identifier: MIT
/* The invalidation queue: errors, recovery, a full queue. Bring-up, shutdown and fault events. */
#include "world.h"

#include <errno.h>
#include <string.h>

#include "host/driver.h"
#include "host/mmio.h"

static int flush_rid(struct world *world)
{
	struct vsva_flush flush = {.pasid = {VSVA_FLUSH_RID}, .all = true};

	return vsva_flush_device_tlb(world->dev, &flush, false);
}

static int flush_domain(struct world *world)
{
	struct flush flush;

	flush_begin(&flush, world->iommu);
	flush_iotlb_domain(&flush, host_domain_did(world->domain));
	return flush_end(&flush);
}

static void test_qi_device_timeout_is_recovered(void **state)
{
	struct world *world = *state;

	world->fake.silent = RID_PF;
	assert_int_equal(flush_rid(world), -ETIMEDOUT);
	world->fake.silent = rid(0);
	assert_int_equal(flush_domain(world), 0);
	assert_int_equal(flush_rid(world), 0);
}

/* Another's time-out aborts our wait: our descriptors go out again, and nobody hears of it. */
static void test_qi_batch_aborted_by_others_timeout_is_repeated(void **state)
{
	struct world *world = *state;
	struct vtd_desc foreign = vtd_desc_of_type(VTD_DESC_DEV_TLB);

	vtd_desc_dev_tlb_set_SID(&foreign, 0x4444);
	world->fake.silent = rid(0x4444);
	world->fake.is_held = true;
	assert_int_equal(qi_post(&world->iommu->qi, &foreign, NULL, NULL), 0);
	world->fake.is_held = false;
	/* the tail write of the next batch runs into the time-out of the descriptor before it */
	assert_int_equal(flush_domain(world), 0);
	assert_true(fake_vtd_count(&world->fake, VTD_DESC_IOTLB) >= 1);
	assert_int_equal(world->iommu->qi.timeout_count, 1);
}

static void test_qi_refused_descriptor_is_skipped(void **state)
{
	struct world *world = *state;

	for (unsigned nth = 1; nth <= 2; nth++) {
		world->fake.refuse_at = nth; /* the descriptor itself, or its wait */
		assert_int_equal(flush_domain(world), -ETIMEDOUT);
		assert_int_equal(flush_domain(world), 0);
	}
}

static void test_qi_queue_may_wrap(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(flush_domain(world), 0);
	assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_IOTLB), 1000);
}

static void test_qi_full_queue_times_out(void **state)
{
	struct world *world = *state;
	struct vtd_desc fence = vtd_desc_of_type(VTD_DESC_WAIT);
	unsigned posted = 0;

	vtd_desc_wait_set_FN(&fence, 1);
	world->fake.is_held = true;
	while (!qi_post(&world->iommu->qi, &fence, NULL, NULL))
		posted++;
	/* one slot stays free, or full would look like empty */
	assert_int_equal(posted, world->iommu->qi.slot_count - 1);
	assert_int_equal(flush_domain(world), -ETIMEDOUT);
	assert_int_equal(qi_wait_for_room(&world->iommu->qi), -ETIMEDOUT);
	fake_vtd_release(&world->fake);
	assert_int_equal(flush_domain(world), 0);
}

/* More descriptors than a batch holds go out in several, in order. Device TLBs of so many PASIDs are
 * flushed whole. */
static void test_flush_of_many_children(void **state)
{
	struct world *world = *state;
	did_t last = {0};

	for (uint32_t i = 0; i < 40; i++)
		world_bind(world, gpasid(i));
	assert_int_equal(vsva_domain_map(world->domain, gpa(0), hpa(0), 4096, 3), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0), 4096, NULL), 0);
	expect_log_count(world, 41 + 3);
	expect_dev_tlb(world, 41, RID_PF, 0, false);
	expect_dev_tlb_all_pasids(world, 42, RID_PF);
	expect_dev_tlb(world, 43, RID_PF, VTD_DEVICE_TLB_ALL, true);
	for (unsigned i = 0; i < 41; i++) {
		did_t did_ = did((uint16_t)vtd_desc_iotlb_DID(&world->fake.log[i]));

		expect_iotlb_range(world, i, did_, 0, 0);
		assert_int_not_equal(did_.v, last.v);
		last = did_;
	}
}

static void test_flush_range_covers(void **state)
{
	static const struct {
		uint64_t first, last;
		unsigned order;
	} cases[] = {
		{0, 0, 0},
		{0, 4095, 0},
		{4095, 4096, 1},
		{0x1000, 0x2fff, 2},
		{0x3000, 0x4fff, 3},
		{0, UINT64_MAX, 52},
		{UINT64_MAX, UINT64_MAX, 0},
		{UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), 52},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(flush_range_cover(cases[i].first, cases[i].last).order,
				 cases[i].order);
}

/* Bring-up */

static uint64_t reg(const struct world *world, uint32_t offset)
{
	return world->fake.port.read(world->fake.port.arg, offset, 4);
}

static void test_iommu_bring_up_and_shutdown(void **state)
{
	struct world *world = world_create_bare(world_cap(), world_ecap());
	struct fake_vtd *fake = &world->fake;

	(void)state;
	assert_int_equal(reg(world, VTD_REG_GSTS), VTD_GSTS_TES | VTD_GSTS_QIES | VTD_GSTS_RTPS);
	assert_int_equal(vtd_RTADDR_TTM(fake->regs[VTD_REG_RTADDR / 8]), VTD_TTM_SCALABLE);
	assert_true(vtd_IQA_DW(fake->regs[VTD_REG_IQA / 8]));
	assert_int_equal(reg(world, VTD_REG_FECTL), 0);
	assert_int_equal(reg(world, VTD_REG_PECTL), 0);
	assert_int_not_equal(vtd_PQA_PQA(fake->regs[VTD_REG_PQA / 8]), 0);
	assert_int_equal(fake_vtd_count(fake, VTD_DESC_CONTEXT), 1);
	assert_int_equal(vtd_desc_context_G(&fake->log[0]), VTD_CONTEXT_GLOBAL);
	assert_int_equal(vtd_desc_pasid_cache_G(&fake->log[1]), VTD_PASID_CACHE_GLOBAL);
	assert_int_equal(vtd_desc_iotlb_G(&fake->log[2]), VTD_IOTLB_GLOBAL);
	host_iommu_destroy(world->iommu);
	assert_int_equal(reg(world, VTD_REG_GSTS) & (VTD_GSTS_TES | VTD_GSTS_QIES), 0);
	assert_int_equal(fake->regs[VTD_REG_RTADDR / 8], 0);
	assert_int_equal(physmem_pages_in_use(fake->port.physmem), 0);
	for (unsigned i = 0; i < FAKE_MSI_MAX; i++)
		assert_null(fake->msi[i].handler);
	worker_pool_destroy(world->pool);
	fake_vtd_fini(fake);
	free(world);
}

static int create_on(struct fake_vtd *fake, struct vsva_iommu **out)
{
	struct worker_pool *pool = worker_pool_create(WORKERS_MANUAL, 0);
	struct host_iommu_config config = {.port = &fake->port, .pool = pool, .qi_timeout_ms = 5};
	int err = host_iommu_create(&config, out);

	if (!err)
		host_iommu_destroy(*out);
	worker_pool_destroy(pool);
	return err;
}

static void test_iommu_takes_over_leftovers(void **state)
{
	struct fake_vtd fake;
	struct vsva_iommu *iommu;

	(void)state;
	fake_vtd_init(&fake, world_cap(), world_ecap());
	fake.port.write(&fake, VTD_REG_GCMD, 4, VTD_GCMD_TE | VTD_GCMD_QIE | VTD_GCMD_IRE);
	fake.regs[VTD_REG_FSTS / 8] = (uint64_t)(VTD_FSTS_IQE | VTD_FSTS_PFO) << 32;
	assert_int_equal(create_on(&fake, &iommu), 0);
	assert_int_equal(fake.regs[VTD_REG_FSTS / 8] >> 32, 0);
	fake_vtd_fini(&fake);
}

static void test_iommu_refuses_unfit_unit(void **state)
{
	const uint64_t lacking[] = {VTD_ECAP_SMTS, VTD_ECAP_QI, VTD_ECAP_SSTS};
	struct vsva_iommu *iommu;
	struct fake_vtd fake;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		fake_vtd_init(&fake, world_cap(), vtd_without(world_ecap(), lacking[i]));
		assert_int_equal(create_on(&fake, &iommu), -ENODEV);
		fake_vtd_fini(&fake);
	}
	fake_vtd_init(&fake, vtd_CAP_with_SAGAW(world_cap(), 2), world_ecap());
	assert_int_equal(create_on(&fake, &iommu), -ENODEV);
	fake_vtd_fini(&fake);
	fake_vtd_init(&fake, world_cap(), world_ecap());
	fake.msi_limit = 1;
	assert_int_equal(create_on(&fake, &iommu), -ENOSPC);
	fake.msi_limit = FAKE_MSI_MAX;
	fake.ignores_commands = true;
	assert_int_equal(create_on(&fake, &iommu), -ETIMEDOUT);
	fake.ignores_commands = false;
	assert_int_equal(create_on(&fake, &iommu), 0);
	fake_vtd_fini(&fake);
}

static void test_iommu_create_fail_nth(void **state)
{
	struct vsva_iommu *iommu;
	struct fake_vtd fake;
	unsigned nth = 1;

	(void)state;
	log_set_level(LOG_ERROR);
	fake_vtd_init(&fake, world_cap(), world_ecap());
	for (;; nth++) {
		size_t bytes = base_bytes_in_use();
		struct worker_pool *pool = worker_pool_create(WORKERS_MANUAL, 0);
		struct host_iommu_config config = {.port = &fake.port, .pool = pool};
		int err;

		fail_nth_set(nth, 0);
		err = host_iommu_create(&config, &iommu);
		fail_nth_set(0, 0);
		if (!err)
			host_iommu_destroy(iommu);
		worker_pool_destroy(pool);
		rcu_barrier();
		assert_int_equal(base_bytes_in_use(), bytes);
		assert_int_equal(physmem_pages_in_use(fake.port.physmem), 0);
		if (!err)
			break;
		assert_true(err == -ENOMEM || err == -ETIMEDOUT);
	}
	assert_true(nth > 10);
	fake_vtd_fini(&fake);
}

static void test_iommu_caps(void **state)
{
	struct world *world = *state;
	struct vsva_iommu_caps caps;

	vsva_iommu_get_caps(world->iommu, &caps);
	assert_int_equal(caps.cap, world_cap());
	assert_int_equal(caps.ecap, world_ecap());
	assert_true(caps.nesting && caps.five_level && caps.gigabyte_pages && caps.supervisor);
	assert_true(caps.extended_access && caps.page_requests);
	assert_int_equal(caps.second_stage_width, 48);
}

/* Faults */

static struct vtd_fault_record record_of(uint32_t pasid, uint64_t addr, unsigned reason, bool read)
{
	struct vtd_fault_record record = {{0}};

	vtd_fault_record_set_FI(&record, addr);
	vtd_fault_record_set_SID(&record, RID_PF.v);
	vtd_fault_record_set_FR(&record, reason);
	vtd_fault_record_set_T1(&record, read);
	vtd_fault_record_set_PP(&record, pasid != VSVA_PASID_INVALID);
	vtd_fault_record_set_PV(&record, pasid != VSVA_PASID_INVALID ? pasid : 0);
	vtd_fault_record_set_F(&record, 1);
	return record;
}

static void test_fault_is_reported_to_owner(void **state)
{
	struct world *world = *state;
	struct vtd_fault_record record = record_of(77, 0xffff800012345000, VTD_FAULT_SPT_2, false);
	const struct vsva_fault_unrecoverable *event = &world->faults[0].u.event;
	struct vsva_iommu_stats stats;

	fake_vtd_fault(&world->fake, &record);
	world_run(world);
	assert_int_equal(world->unit_fault_count, 1);
	assert_int_equal(world->unit_fault.code, VTD_FAULT_SPT_2);
	assert_int_equal(world->unit_fault.pasid.v, 77);
	assert_true(world->unit_fault.has_pasid);
	assert_false(world->unit_fault.read);
	assert_int_equal(world->unit_fault.addr, 0xffff800012345000);
	assert_int_equal(world->fault_count, 1);
	assert_int_equal(world->faults[0].type, VSVA_FAULT_DMA_UNRECOV);
	assert_int_equal(event->reason, VSVA_FAULT_REASON_PASID_INVALID);
	assert_int_equal(event->flags,
			 VSVA_FAULT_UNRECOV_PASID_VALID | VSVA_FAULT_UNRECOV_ADDR_VALID);
	assert_int_equal(event->perm, VSVA_FAULT_PERM_WRITE);
	vsva_iommu_get_stats(world->iommu, &stats);
	assert_int_equal(stats.faults, 1);
	/* the record is free again */
	record = record_of(VSVA_PASID_INVALID, 0x5000, VTD_FAULT_SGN_6, true);
	fake_vtd_fault(&world->fake, &record);
	world_run(world);
	assert_int_equal(world->unit_fault_count, 2);
	assert_false(world->unit_fault.has_pasid);
	assert_int_equal(world->faults[1].u.event.reason, VSVA_FAULT_REASON_PERMISSION);
}

/* CVE-2024-35843: the device goes between the fault and its report. */
static void test_fault_of_removed_device_is_dropped(void **state)
{
	struct world *world = *state;
	struct vtd_fault_record record = record_of(77, 0, VTD_FAULT_SPT_2, false);
	hpasid_t pasid = world_bind(world, gpasid(1));

	fake_vtd_fault(&world->fake, &record);
	world_request_push(world, pasid.v, 0, 3, true);
	assert_int_equal(host_dev_remove(world->dev), 0);
	world->dev = NULL;
	world_run(world);
	assert_int_equal(world->unit_fault_count, 0);
	assert_int_equal(world->fault_count, 0);
	assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_PAGE_RESPONSE), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_qi_device_timeout_is_recovered),
		T(test_qi_batch_aborted_by_others_timeout_is_repeated),
		T(test_qi_refused_descriptor_is_skipped),
		T(test_qi_queue_may_wrap),
		T(test_qi_full_queue_times_out),
		T(test_flush_of_many_children),
		cmocka_unit_test(test_flush_range_covers),
		cmocka_unit_test(test_iommu_bring_up_and_shutdown),
		cmocka_unit_test(test_iommu_takes_over_leftovers),
		cmocka_unit_test(test_iommu_refuses_unfit_unit),
		cmocka_unit_test(test_iommu_create_fail_nth),
		T(test_iommu_caps),
		T(test_fault_is_reported_to_owner),
		T(test_fault_of_removed_device_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
