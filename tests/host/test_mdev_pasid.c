// SPDX-License-Identifier: MIT
/*
 * PASIDs of mediated devices: the guest's numbers never reach the hardware, and a host PASID that
 * stands in hardware is kept until the hardware is clean of it.
 */
#include "mdev_world.h"

#include <errno.h>
#include <string.h>

#define RECORD MW_VA

static struct mw w;
static struct mw_owner owner;
static struct mw_mdev d, s; /* dedicated, shared */
static hpasid_t five;       /* bound on both as guest PASID 5 */
static uint64_t record;     /* GPA of the record's page */

static int setup(void **state)
{
	(void)state;
	mw_create(&w, VSVA_CACHE_LRU);
	mw_owner_create(&w, &owner);
	mw_give(&owner, VSVA_MDEV_DEDICATED, &d);
	mw_give(&owner, VSVA_MDEV_SHARED, &s);
	five = mw_pasid(&owner, 5);
	assert_int_equal(mw_bind(&d, five, 5), 0);
	assert_int_equal(mw_bind(&s, five, 5), 0);
	record = mw_map(&owner, RECORD);
	mw_start(&s, 0);
	mw_forget_commands(&w);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mw_take(&d);
	mw_take(&s);
	mw_owner_destroy(&owner);
	mw_destroy(&w);
	return 0;
}

static struct vsva_ioasid_space *space(void)
{
	return vsva_iommu_ioasid_space(vsva_machine_iommu(w.machine));
}

static uint32_t references(hpasid_t id)
{
	uint32_t count = 0;

	vsva_ioasid_state_of(space(), id, &count);
	return count;
}

static enum vsva_ioasid_state state_of(hpasid_t id)
{
	return vsva_ioasid_state_of(space(), id, NULL);
}

static uint32_t physical_pasid(struct mw_mdev *m)
{
	return (uint32_t)dsa_WQCFG1_PASID(
		mw_physical(&w, vdcm_wqcfg(w.vdcm, m->mdev->queue, 1), 8));
}

/* What the guest wrote has not become a command's operand or a queue's PASID. */
static void expect_no_guest_number(uint32_t guest)
{
	assert_false(mw_has_command(&w, DSA_COMMAND_DRAIN_PASID, guest));
	assert_false(mw_has_command(&w, DSA_COMMAND_ABORT_PASID, guest));
	assert_int_not_equal(physical_pasid(&d), guest);
	assert_int_not_equal(physical_pasid(&s), guest);
}

/* Translation and references */

static void test_enabled_queue_has_the_host_pasid(void **state)
{
	uint32_t before = references(five);

	(void)state;
	mw_start(&d, 5);
	assert_int_equal(physical_pasid(&d), five.v);
	assert_int_equal(dsa_WQCFG1_PASID(mw_get(&d, DSA_WQCFG + 8, 8)), 5);
	assert_int_equal(references(five), before + 1);
	assert_int_equal(mw_command(&d, DSA_COMMAND_DISABLE_WQ, 1), 0);
	assert_int_equal(references(five), before);
	assert_int_equal(physical_pasid(&d), 0); /* not even the number is left */
	assert_int_equal(dsa_WQCFG1_PASID(mw_get(&d, DSA_WQCFG + 8, 8)), 5);
	expect_no_guest_number(5);
}

static void test_every_end_of_a_queue_returns_its_reference(void **state)
{
	uint32_t before = references(five);

	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		vsva_mdev_config_write(d.mdev, 0x04, 2, 0x6);
		vsva_mdev_config_write(d.mdev, 0x146, 2, 0x1);
		mw_command(&d, DSA_COMMAND_RESET_DEVICE, 0);
		mw_start(&d, 5);
		assert_int_equal(references(five), before + 1);
		if (kind == 0)
			mw_command(&d, DSA_COMMAND_DISABLE_WQ, 1);
		else if (kind == 1)
			mw_command(&d, DSA_COMMAND_RESET_WQ, 1);
		else if (kind == 2)
			mw_command(&d, DSA_COMMAND_DISABLE_DEVICE, 0);
		else if (kind == 3)
			mw_command(&d, DSA_COMMAND_RESET_DEVICE, 0);
		else if (kind == 4)
			vsva_mdev_config_write(d.mdev, 0x48, 2, 0x8000);
		else
			vsva_mdev_reset(d.mdev);
		assert_int_equal(references(five), before);
	}
}

/* The reference code kept its reference when the hardware did not enable the queue. */
static void test_queue_that_hardware_refuses_keeps_no_reference(void **state)
{
	uint32_t before = references(five);

	(void)state;
	mw_configure(&d, 5);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), 0);
	w.spoils_enable = true;
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_INVALID_QUEUE);
	assert_true(mw_has_command(&w, DSA_COMMAND_ENABLE_WQ, MW_ANY));
	assert_int_equal(references(five), before);
	assert_int_equal(physical_pasid(&d), 0);
	w.spoils_enable = false;
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
	assert_int_equal(references(five), before + 1);
}

/* A VMM gives a PASID that it has not seen a host PASID, so that faults come back under it. */
static void test_pasid_that_is_not_bound(void **state)
{
	hpasid_t given;

	(void)state;
	owner.gives_pasids = true;
	mw_start(&d, 9);
	given = owner.given;
	assert_int_not_equal(given.v, 0);
	assert_int_equal(physical_pasid(&d), given.v);
	assert_int_equal(references(given), 2);
	assert_int_equal(mw_submit(&d, mw_noop(RECORD), hpasid(0)), 0);
	assert_true(d.unit_fault_count > 0 || d.fault_count > 0);
	assert_int_equal(dsa_SWERR_PASID(mw_get(&d, DSA_REG_SWERR, 8)), 9);
	assert_int_equal(s.unit_fault_count + s.fault_count, 0);
	assert_int_equal(mw_command(&d, DSA_COMMAND_DISABLE_WQ, 1), 0);
	assert_int_equal(owner.given.v, 0);
	mw_run(&w);
	assert_int_equal(state_of(given), VSVA_IOASID_FREE);
}

/* Commands on PASIDs */

static void test_commands_name_the_host_pasid(void **state)
{
	(void)state;
	mw_submit_stuck(&s, five);
	assert_true(mw_is_active(mw_command(&s, DSA_COMMAND_DRAIN_PASID, 5)));
	assert_true(mw_has_command(&w, DSA_COMMAND_DRAIN_PASID, five.v));
	assert_int_equal(mw_command(&s, DSA_COMMAND_ABORT_PASID, 5), 0);
	assert_true(mw_has_command(&w, DSA_COMMAND_ABORT_PASID, five.v));
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&s, DSA_WQCFG + 24, 4)), 0);
	expect_no_guest_number(5);
}

/* Negative control: the guest's number, given to the hardware, finds nothing to wait for. */
static void test_control_drain_of_the_guests_number(void **state)
{
	uint64_t drain = dsa_CMD_with_OPERAND(dsa_CMD_with_CODE(0, DSA_COMMAND_DRAIN_PASID), 5);

	(void)state;
	mw_submit_stuck(&s, five);
	vsva_device_write(w.device, 0, DSA_REG_CMD, 4, drain);
	assert_int_equal(mw_physical(&w, DSA_REG_CMDSTS, 4), 0);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&s, DSA_WQCFG + 24, 4)), 1);
	mw_answer(&s, VSVA_PAGE_RESP_INVALID);
}

static void test_pasid_that_nobody_knows_has_no_work(void **state)
{
	(void)state;
	mw_submit_stuck(&s, five);
	mw_forget_commands(&w);
	assert_int_equal(mw_command(&s, DSA_COMMAND_DRAIN_PASID, 77), 0);
	assert_int_equal(mw_command(&s, DSA_COMMAND_ABORT_PASID, 77), 0);
	/* a host PASID is no guest PASID */
	assert_int_equal(mw_command(&s, DSA_COMMAND_ABORT_PASID, five.v), 0);
	assert_int_equal(mw_command(&s, DSA_COMMAND_ABORT_PASID, d.mdev->base.v), 0);
	assert_int_equal(w.command_count, 0);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&s, DSA_WQCFG + 24, 4)), 1);
	mw_answer(&s, VSVA_PAGE_RESP_INVALID);
}

/* A dedicated queue's drain is of the queue: another queue of the VM with the same PASID is not
 * meant. */
static void test_dedicated_queue_is_drained_alone(void **state)
{
	(void)state;
	mw_start(&d, 5);
	mw_submit_stuck(&s, five);
	assert_int_equal(mw_command(&d, DSA_COMMAND_DRAIN_PASID, 5), 0);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ABORT_PASID, 5), 0);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&s, DSA_WQCFG + 24, 4)), 1);
	mw_answer(&s, VSVA_PAGE_RESP_INVALID);
}

/* The number of a drain is nobody else's as long as it waits. */
static void test_drain_keeps_its_pasid(void **state)
{
	uint32_t before = references(five);

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		mw_submit_stuck(&s, five);
		assert_true(mw_is_active(mw_command(&s, DSA_COMMAND_DRAIN_PASID, 5)));
		assert_int_equal(references(five), before + 1);
		if (kind == 0)
			mw_answer(&s, VSVA_PAGE_RESP_INVALID);
		else if (kind == 1)
			assert_int_equal(mw_command(&s, DSA_COMMAND_ABORT_ALL, 0), 0);
		else if (kind == 2)
			assert_int_equal(mw_command(&s, DSA_COMMAND_RESET_DEVICE, 0), 0);
		else
			vsva_mdev_reset(s.mdev);
		assert_int_equal(references(five), before);
		if (kind == 2)
			mw_start(&s, 0);
	}
}

/* Freed */

/* A drain that never ends must not keep it. */
static void test_free_while_a_drain_waits_for_it(void **state)
{
	(void)state;
	mw_submit_stuck(&s, five);
	assert_true(mw_is_active(mw_command(&s, DSA_COMMAND_DRAIN_PASID, 5)));
	w.drains_never_end = true;
	vsva_ioasid_free(owner.set, five);
	mw_run(&w);
	w.drains_never_end = false;
	assert_int_equal(state_of(five), VSVA_IOASID_FREE);
	assert_int_equal(mw_get(&s, DSA_REG_CMDSTS, 4), 0);
	assert_true(mw_get(&s, DSA_REG_INTCAUSE, 4) & 2);
}

static void test_free_closes_the_gate_at_once(void **state)
{
	uint32_t before;

	(void)state;
	mw_start(&d, 5);
	mw_put(&d, DSA_REG_GENCTRL, 4, 1);
	assert_int_equal(vsva_ioasid_free(owner.set, five), 0);
	assert_int_equal(state_of(five), VSVA_IOASID_FREE_PENDING);
	/* no worker has run yet */
	before = w.command_count;
	assert_int_equal(
		vsva_mdev_portal_write(d.mdev, 0x1000, &(struct dsa_descriptor){{0}}, false), 0);
	assert_int_equal(dsa_SWERR_ERROR(mw_get(&d, DSA_REG_SWERR, 8)),
			 DSA_PORTAL_QUEUE_NOT_ENABLED);
	assert_int_equal(mw_physical(&w, DSA_REG_SWERR, 8), 0);
	assert_int_equal(w.command_count, before);
	assert_true(references(five) > 0);
	mw_run(&w);
	assert_int_equal(state_of(five), VSVA_IOASID_FREE);
	assert_int_equal(physical_pasid(&d), 0);
	assert_true(mw_has_command(&w, DSA_COMMAND_DRAIN_PASID, five.v));
	assert_false(mw_has_command(&w, DSA_COMMAND_ABORT_PASID, five.v));
	expect_no_guest_number(5);
	/* for the guest the queue is still enabled: it disables it in its own time */
	assert_int_equal(dsa_WQCFG3_STATE(mw_get(&d, DSA_WQCFG + 24, 4)), DSA_WQ_ENABLED);
	assert_int_equal(mw_command(&d, DSA_COMMAND_DISABLE_WQ, 1), 0);
	/* and the number again, with another host PASID behind it */
	five = mw_pasid(&owner, 5);
	assert_int_equal(mw_bind(&d, five, 5), 0);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
	assert_int_equal(mw_submit(&d, mw_noop(RECORD), hpasid(0)), 0);
	assert_int_equal(owner.memory[record], DSA_STATUS_SUCCESS);
}

/* Bus mastering on again must not open it. */
static void test_freed_queue_stays_closed(void **state)
{
	(void)state;
	mw_start(&d, 5);
	vsva_ioasid_free(owner.set, five);
	vsva_mdev_config_write(d.mdev, 4, 2, 2);
	vsva_mdev_config_write(d.mdev, 4, 2, 6);
	assert_false(mdev_gate_enter(d.mdev));
	mw_run(&w);
	vsva_mdev_config_write(d.mdev, 4, 2, 2);
	vsva_mdev_config_write(d.mdev, 4, 2, 6);
	assert_false(mdev_gate_enter(d.mdev));
}

static void test_free_while_work_waits_for_its_guest(void **state)
{
	(void)state;
	mw_start(&d, 5);
	/* the requests of both are of one PASID: either of the two may be told */
	mw_submit(&d, mw_noop(RECORD + 0x10000), hpasid(0));
	mw_submit(&s, mw_noop(RECORD + 0x20000), five);
	assert_int_equal(d.fault_count + s.fault_count, 2);
	assert_true(mw_is_active(mw_command(&d, DSA_COMMAND_DRAIN_ALL, 0)));
	vsva_ioasid_free(owner.set, five);
	mw_run(&w);
	assert_int_equal(state_of(five), VSVA_IOASID_FREE);
	assert_false(mw_is_active((uint32_t)mw_get(&d, DSA_REG_CMDSTS, 4)));
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&s, DSA_WQCFG + 24, 4)), 0);
	expect_no_guest_number(5);
}

/* Of another PASID in the same queue. */
static void test_free_harms_no_other_pasid(void **state)
{
	hpasid_t six = mw_pasid(&owner, 6);

	(void)state;
	assert_int_equal(mw_bind(&s, six, 6), 0);
	mw_submit_stuck(&s, six);
	vsva_ioasid_free(owner.set, five);
	mw_run(&w);
	assert_int_equal(state_of(five), VSVA_IOASID_FREE);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&s, DSA_WQCFG + 24, 4)), 1);
	assert_false(mw_has_command(&w, DSA_COMMAND_ABORT_PASID, MW_ANY) &&
		     mw_has_command(&w, DSA_COMMAND_ABORT_PASID, six.v));
	mw_map(&owner, MW_VA + 0x10000);
	mw_answer(&s, VSVA_PAGE_RESP_SUCCESS);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&s, DSA_WQCFG + 24, 4)), 0);
}

/* Work that does not end in time is ended, by the host PASID. */
static void test_free_aborts_what_does_not_end(void **state)
{
	(void)state;
	mw_start(&d, 5);
	mw_forget_commands(&w);
	w.drains_never_end = true;
	vsva_ioasid_free(owner.set, five);
	mw_run(&w);
	w.drains_never_end = false;
	assert_true(mw_has_command(&w, DSA_COMMAND_ABORT_PASID, five.v));
	assert_int_equal(state_of(five), VSVA_IOASID_FREE);
	assert_int_equal(physical_pasid(&d), 0);
	expect_no_guest_number(5);
}

/* All of a VM's at once: one drain for the queue, not one for each. */
static void test_free_all(void **state)
{
	hpasid_t ids[20];
	unsigned drains = 0;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		ids[i] = mw_pasid(&owner, 100 + i);
	mw_submit_stuck(&s, five);
	mw_forget_commands(&w);
	vsva_ioasid_free_all(owner.set);
	mw_run(&w);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(state_of(ids[i]), VSVA_IOASID_FREE);
	assert_int_equal(state_of(five), VSVA_IOASID_FREE);
	for (unsigned i = 0; i < w.command_count; i++)
		drains += dsa_CMD_CODE(w.commands[i]) == DSA_COMMAND_DRAIN_WQ ||
			  dsa_CMD_CODE(w.commands[i]) == DSA_COMMAND_DRAIN_PASID;
	assert_true(drains <= 4);
}

/* A number that is on its way out is not put into a queue. */
static void test_free_pending_pasid_is_not_programmed(void **state)
{
	(void)state;
	assert_int_equal(vsva_ioasid_get(space(), owner.set, five), 0);
	vsva_ioasid_free(owner.set, five);
	mw_run(&w);
	assert_int_equal(state_of(five), VSVA_IOASID_FREE_PENDING);
	mw_configure(&d, 5);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_DEVICE, 0), 0);
	assert_int_equal(mw_command(&d, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_QUEUE_PASID);
	vsva_ioasid_put(space(), five);
	assert_int_equal(state_of(five), VSVA_IOASID_FREE);
}

/* Unbound under a queue: the number stays, what is done under it faults. */
static void test_unbind_under_an_enabled_queue(void **state)
{
	uint32_t before = references(five);

	(void)state;
	mw_start(&d, 5);
	assert_int_equal(vsva_unbind_gpasid(owner.domain, vsva_mdev_dev(d.mdev), five), 0);
	assert_int_equal(vsva_unbind_gpasid(owner.domain, vsva_mdev_dev(s.mdev), five), 0);
	assert_int_equal(references(five), before - 2 + 1);
	assert_int_equal(mw_submit(&d, mw_noop(RECORD), hpasid(0)), 0);
	assert_int_equal(owner.memory[record], 0);
	assert_int_equal(dsa_SWERR_PASID(mw_get(&d, DSA_REG_SWERR, 8)), 5);
	assert_int_equal(mw_command(&d, DSA_COMMAND_DISABLE_WQ, 1), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_enabled_queue_has_the_host_pasid),
		CASE(test_every_end_of_a_queue_returns_its_reference),
		CASE(test_queue_that_hardware_refuses_keeps_no_reference),
		CASE(test_pasid_that_is_not_bound),
		CASE(test_commands_name_the_host_pasid),
		CASE(test_control_drain_of_the_guests_number),
		CASE(test_pasid_that_nobody_knows_has_no_work),
		CASE(test_dedicated_queue_is_drained_alone),
		CASE(test_drain_keeps_its_pasid),
		CASE(test_free_while_a_drain_waits_for_it),
		CASE(test_free_closes_the_gate_at_once),
		CASE(test_freed_queue_stays_closed),
		CASE(test_free_while_work_waits_for_its_guest),
		CASE(test_free_harms_no_other_pasid),
		CASE(test_free_aborts_what_does_not_end),
		CASE(test_free_all),
		CASE(test_free_pending_pasid_is_not_programmed),
		CASE(test_unbind_under_an_enabled_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
