// SPDX-License-Identifier: MIT
/* One accelerator, several owners: nobody sees, delays or disturbs another one. */
#include "mdev_world.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

#define STUCK_PAGE (MW_VA + 0x10000)
#define RECORD     MW_VA

static struct mw w;
static struct mw_owner one, two;
static struct mw_mdev a, b; /* of one, of two; dedicated */
static hpasid_t host_a, host_b;
static uint64_t record_a, record_b; /* GPAs of their records' pages */

/* Guest PASID 5 of both, bound to different memory. */
static void begin_as(enum vsva_cache_policy policy, enum vsva_mdev_type type)
{
	mw_create(&w, policy);
	mw_owner_create(&w, &one);
	mw_owner_create(&w, &two);
	mw_give(&one, type, &a);
	mw_give(&two, type, &b);
	host_a = mw_pasid(&one, 5);
	host_b = mw_pasid(&two, 5);
	assert_int_equal(mw_bind(&a, host_a, 5), 0);
	assert_int_equal(mw_bind(&b, host_b, 5), 0);
	record_a = mw_map(&one, RECORD);
	record_b = mw_map(&two, RECORD);
	mw_start(&a, 5);
	mw_start(&b, 5);
	mw_forget_commands(&w);
}

static int setup(void **state)
{
	(void)state;
	begin_as(VSVA_CACHE_LRU, VSVA_MDEV_DEDICATED);
	return 0;
}

static void unbind(struct mw_mdev *m, hpasid_t host)
{
	assert_int_equal(vsva_unbind_gpasid(m->owner->domain, vsva_mdev_dev(m->mdev), host), 0);
}

static int teardown(void **state)
{
	(void)state;
	vsva_mdev_reset(a.mdev);
	vsva_mdev_reset(b.mdev);
	unbind(&a, host_a);
	unbind(&b, host_b);
	mw_take(&a);
	mw_take(&b);
	mw_owner_destroy(&one);
	mw_owner_destroy(&two);
	mw_destroy(&w);
	return 0;
}

/* Parents */

static void test_parent_comes_and_goes(void **state)
{
	struct vsva_machine *machine;
	struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};
	struct vsva_device_options engine = {.kind = VSVA_DEVICE_TEST_ENGINE};
	struct vsva_device *device, *other;
	struct vsva_vdcm *vdcm, *again;
	struct vsva_mdev *mdevs[9];
	uint64_t value;

	(void)state;
	assert_int_equal(vsva_machine_create(NULL, &machine), 0);
	assert_int_equal(vsva_device_create(machine, &dsa, &device), 0);
	assert_int_equal(vsva_device_create(machine, &engine, &other), 0);
	assert_int_equal(vsva_vdcm_create(NULL, &vdcm), -EINVAL);
	assert_int_equal(vsva_vdcm_create(other, &vdcm), -EINVAL);
	assert_int_equal(vsva_vdcm_create(device, &vdcm), 0);
	assert_ptr_equal(vsva_vdcm_device(vdcm), device);
	assert_int_equal(vsva_vdcm_create(device, &again), -EBUSY);
	assert_int_equal(vsva_device_destroy(device), -EBUSY);
	assert_int_equal(vsva_vdcm_available(vdcm), 8);
	assert_int_equal(vsva_mdev_create(vdcm, (enum vsva_mdev_type)2, &mdevs[0]), -EINVAL);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(vsva_mdev_create(vdcm,
						  i % 2 ? VSVA_MDEV_SHARED : VSVA_MDEV_DEDICATED,
						  &mdevs[i]),
				 0);
	assert_int_equal(vsva_vdcm_available(vdcm), 0);
	assert_int_equal(vsva_mdev_create(vdcm, VSVA_MDEV_SHARED, &mdevs[8]), -ENOSPC);
	assert_int_equal(vsva_vdcm_destroy(vdcm), -EBUSY);
	assert_int_equal(vsva_mdev_destroy(mdevs[3]), 0);
	assert_int_equal(vsva_mdev_create(vdcm, VSVA_MDEV_DEDICATED, &mdevs[3]), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(vsva_mdev_destroy(mdevs[i]), 0);
	assert_int_equal(vsva_mdev_destroy(NULL), 0);
	assert_int_equal(vsva_vdcm_destroy(vdcm), 0);
	assert_int_equal(vsva_vdcm_destroy(NULL), 0);
	/* disabled, as it was found */
	assert_int_equal(vsva_device_read(device, 0, DSA_REG_GENSTS, 4, &value), 0);
	assert_int_equal(dsa_GENSTS_STATE(value), DSA_DEVICE_DISABLED);
	assert_int_equal(vsva_device_destroy(device), 0);
	vsva_machine_destroy(machine);
}

static void test_type_names(void **state)
{
	enum vsva_mdev_type type;

	(void)state;
	assert_int_equal(vsva_mdev_type_parse("1dwq", &type), 0);
	assert_int_equal(type, VSVA_MDEV_DEDICATED);
	assert_int_equal(vsva_mdev_type_parse("1swq", &type), 0);
	assert_string_equal(vsva_mdev_type_name(type), "1swq");
	assert_int_equal(vsva_mdev_type_parse("2dwq", &type), -EINVAL);
	assert_string_equal(vsva_mdev_type_name((enum vsva_mdev_type)7), "?");
}

/* Makes a parent and one of its children, with the nth fallible step failing (0: none), and takes
 * them away again. */
static int make_and_destroy(struct vsva_machine *machine, struct vsva_device *device, uint64_t nth,
			    int stuck)
{
	struct vsva_vdcm *vdcm = NULL;
	struct vsva_mdev *mdev = NULL;
	int err;

	fail_nth_set(nth, stuck);
	err = vsva_vdcm_create(device, &vdcm);
	if (!err)
		err = vsva_mdev_create(vdcm, VSVA_MDEV_DEDICATED, &mdev);
	fail_nth_set(0, 0);
	assert_int_equal(vsva_mdev_destroy(mdev), 0);
	assert_int_equal(vsva_vdcm_destroy(vdcm), 0);
	vsva_machine_run_idle(machine, 1000);
	rcu_barrier();
	return err;
}

/* Every step that may fail does, once and for good: nothing is left, and then it works. */
static void test_making_fails_at_every_step(void **state)
{
	struct vsva_machine *machine;
	struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};
	struct vsva_device *device;
	size_t before;

	(void)state;
	assert_int_equal(vsva_machine_create(NULL, &machine), 0);
	assert_int_equal(vsva_device_create(machine, &dsa, &device), 0);
	assert_int_equal(make_and_destroy(machine, device, 0, 0), 0);
	before = base_bytes_in_use();
	for (int stuck = 0; stuck < 2; stuck++) {
		uint64_t nth = 1;

		while (make_and_destroy(machine, device, nth, stuck)) {
			assert_int_equal(base_bytes_in_use(), before);
			nth++;
		}
		assert_true(nth > 5);
		assert_int_equal(base_bytes_in_use(), before);
	}
	assert_int_equal(vsva_device_destroy(device), 0);
	vsva_machine_destroy(machine);
}

/* Two owners */

static void test_same_guest_pasid_different_memory(void **state)
{
	uint64_t from_a = mw_map(&one, MW_VA + 0x1000), to_a = mw_map(&one, MW_VA + 0x2000);
	uint64_t from_b = mw_map(&two, MW_VA + 0x1000), to_b = mw_map(&two, MW_VA + 0x2000);
	struct dsa_descriptor copy = mw_copy(RECORD, MW_VA + 0x1000, MW_VA + 0x2000);

	(void)state;
	memset(one.memory + from_a, 0xaa, 64);
	memset(two.memory + from_b, 0xbb, 64);
	assert_int_not_equal(host_a.v, host_b.v);
	assert_int_equal(mw_submit(&a, copy, hpasid(0)), 0);
	assert_int_equal(mw_submit(&b, copy, hpasid(0)), 0);
	assert_int_equal(one.memory[record_a], DSA_STATUS_SUCCESS);
	assert_int_equal(two.memory[record_b], DSA_STATUS_SUCCESS);
	assert_int_equal(one.memory[to_a + 63], 0xaa);
	assert_int_equal(two.memory[to_b + 63], 0xbb);
}

static void physical_command(unsigned code, uint32_t operand)
{
	vsva_device_write(w.device, 0, DSA_REG_CMD, 4,
			  dsa_CMD_with_OPERAND(dsa_CMD_with_CODE(0, code), operand));
	assert_int_equal(mw_physical(&w, DSA_REG_CMDSTS, 4), 0);
}

/* Negative control: the host PASID in the queue is all that keeps them apart. */
static void test_control_queue_with_another_ones_pasid(void **state)
{
	uint32_t offset = vdcm_wqcfg(w.vdcm, a.mdev->queue, 0);
	uint64_t sizes = mw_physical(&w, offset, 8), mode = mw_physical(&w, offset + 8, 8);

	(void)state;
	physical_command(DSA_COMMAND_DISABLE_WQ, mdev_queue_mask(a.mdev));
	vsva_device_write(w.device, 0, offset, 8, sizes);
	vsva_device_write(w.device, 0, offset + 8, 8, dsa_WQCFG1_with_PASID(mode, host_b.v));
	physical_command(DSA_COMMAND_ENABLE_WQ, a.mdev->queue);
	assert_int_equal(mw_submit(&a, mw_noop(RECORD), hpasid(0)), 0);
	assert_int_equal(one.memory[record_a], 0);
	assert_int_equal(two.memory[record_b], DSA_STATUS_SUCCESS);
}

/* Requests "without PASID" of each go through the owner's own second stage. */
static void test_default_pasids_are_apart(void **state)
{
	uint64_t page_a = mw_page(&one), page_b;

	(void)state;
	while ((page_b = mw_page(&two)) < page_a)
		;
	assert_int_not_equal(a.mdev->base.v, b.mdev->base.v);
	for (int i = 0; i < 2; i++) {
		struct mw_mdev *m = i ? &b : &a;
		uint64_t page = i ? page_b : page_a;

		assert_int_equal(mw_command(m, DSA_COMMAND_RESET_DEVICE, 0), 0);
		mw_start(m, VSVA_PASID_INVALID);
		assert_int_equal(
			dsa_WQCFG1_PASID(mw_physical(&w, vdcm_wqcfg(w.vdcm, m->mdev->queue, 1), 8)),
			m->mdev->base.v);
		assert_int_equal(mw_submit(m, mw_noop(page), hpasid(0)), 0);
		assert_int_equal(m->owner->memory[page], DSA_STATUS_SUCCESS);
	}
}

static void test_errors_reach_their_owner_only(void **state)
{
	struct dsa_descriptor bad = mw_noop(RECORD);
	uint64_t error;

	(void)state;
	mw_put(&a, DSA_REG_GENCTRL, 4, 1);
	mw_put(&b, DSA_REG_GENCTRL, 4, 1);
	/* a failure that no record can tell */
	dsa_descriptor_set_FLAGS(&bad, 0);
	dsa_descriptor_set_OPCODE(&bad, 0x3f);
	a.interrupts[0] = b.interrupts[0] = 0;
	assert_int_equal(mw_submit(&b, bad, hpasid(0)), 0);
	error = mw_get(&b, DSA_REG_SWERR, 8);
	assert_int_equal(dsa_SWERR_ERROR(error), DSA_STATUS_BAD_OPCODE);
	assert_int_equal(dsa_SWERR_QUEUE(error), 0); /* not the physical number */
	assert_int_equal(dsa_SWERR_PASID(error), 5); /* nor the host's */
	assert_int_equal(b.interrupts[0], 1);
	assert_int_equal(mw_get(&a, DSA_REG_SWERR, 8), 0);
	assert_int_equal(mw_get(&a, DSA_REG_INTCAUSE, 4) & 1, 0);
	assert_int_equal(a.interrupts[0], 0);
	/* the register is free again for the next */
	assert_int_equal(mw_submit(&a, bad, hpasid(0)), 0);
	assert_int_equal(dsa_SWERR_ERROR(mw_get(&a, DSA_REG_SWERR, 8)), DSA_STATUS_BAD_OPCODE);
}

/* Interrupts */

static unsigned handle_of(struct mw_mdev *m)
{
	uint32_t status = mw_command(m, DSA_COMMAND_REQUEST_HANDLE, 1);

	assert_int_equal(dsa_CMDSTS_ERROR(status), 0);
	return (unsigned)dsa_CMDSTS_RESULT(status);
}

static struct dsa_descriptor with_interrupt(unsigned handle)
{
	struct dsa_descriptor noop = mw_noop(RECORD);

	dsa_descriptor_set_FLAGS(&noop, dsa_descriptor_FLAGS(&noop) | DSA_FLAG_INTERRUPT);
	dsa_descriptor_set_INTERRUPT(&noop, handle);
	return noop;
}

static void test_completion_interrupts_of_its_own_only(void **state)
{
	unsigned handle_a = handle_of(&a), handle_b = handle_of(&b);

	(void)state;
	assert_int_not_equal(handle_a, handle_b);
	assert_int_equal(mw_command(&a, DSA_COMMAND_REQUEST_HANDLE, 0), DSA_CMDSTS_INTERRUPT_INDEX);
	assert_int_equal(mw_command(&a, DSA_COMMAND_REQUEST_HANDLE, 1 | DSA_HANDLE_OF_IMS),
			 DSA_CMDSTS_INTERRUPT_INDEX);
	assert_int_equal(mw_submit(&a, with_interrupt(handle_a), hpasid(0)), 0);
	assert_int_equal(one.memory[record_a], DSA_STATUS_SUCCESS);
	assert_int_equal(a.interrupts[1], 1);
	/* every other handle, the parent's own vector too */
	for (unsigned handle = 0; handle < 12; handle++) {
		if (handle == handle_a)
			continue;
		one.memory[record_a] = 0;
		assert_int_equal(mw_submit(&a, with_interrupt(handle), hpasid(0)), 0);
		assert_int_equal(one.memory[record_a], DSA_STATUS_BAD_INTERRUPT);
	}
	assert_int_equal(a.interrupts[1], 1);
	assert_int_equal(b.interrupts[1], 0);
	assert_int_equal(mw_command(&a, DSA_COMMAND_RELEASE_HANDLE, handle_a), 0);
}

/* The descriptors of a batch are read from the guest's memory: nobody could look at them before. */
static void test_batch_cannot_name_another_ones_interrupt(void **state)
{
	struct dsa_descriptor children[2] = {with_interrupt(handle_of(&b)),
					     with_interrupt(handle_of(&a))};
	struct dsa_descriptor batch = mw_noop(RECORD);
	uint64_t list = mw_map(&one, MW_VA + 0x1000);

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		dsa_descriptor_set_RECORD(&children[i], MW_VA + 0x40 + 0x20 * i);
	memcpy(one.memory + list, children, sizeof(children));
	dsa_descriptor_set_OPCODE(&batch, DSA_OP_BATCH);
	dsa_descriptor_set_SOURCE(&batch, MW_VA + 0x1000);
	dsa_descriptor_set_SIZE(&batch, 2);
	assert_int_equal(mw_submit(&a, batch, hpasid(0)), 0);
	assert_int_equal(one.memory[record_a], DSA_STATUS_BATCH_FAILED);
	assert_int_equal(one.memory[record_a + 0x40], DSA_STATUS_BAD_INTERRUPT);
	assert_int_equal(one.memory[record_a + 0x60], DSA_STATUS_SUCCESS);
	assert_int_equal(a.interrupts[1], 1);
	assert_int_equal(b.interrupts[1], 0);
}

/* Negative control: what it is that stops them. */
static void test_control_vectors_that_permit_everybody(void **state)
{
	unsigned handle_b = handle_of(&b);

	(void)state;
	vsva_device_write(w.device, 0, w.vdcm->permission_offset + handle_b * DSA_MSIXPERM_STRIDE,
			  4, 0);
	assert_int_equal(mw_submit(&a, with_interrupt(handle_b), hpasid(0)), 0);
	assert_int_equal(b.interrupts[1], 1);
}

static void test_guest_names_the_pasid_of_an_interrupt(void **state)
{
	hpasid_t six = mw_pasid(&one, 6);
	unsigned handle = handle_of(&a);
	uint32_t offset = MDEV_MSIXPERM + DSA_MSIXPERM_STRIDE;
	uint64_t permission = dsa_MSIXPERM_with_PASID_ENABLE(0, 1);
	uint32_t references;

	(void)state;
	mw_put(&a, offset, 4, dsa_MSIXPERM_with_PASID(permission, 6));
	assert_int_equal(dsa_MSIXPERM_PASID(mw_physical(
				 &w, w.vdcm->permission_offset + handle * DSA_MSIXPERM_STRIDE, 4)),
			 six.v);
	vsva_ioasid_state_of(vsva_ioasid_set_space(one.set), six, &references);
	assert_int_equal(references, 2);
	assert_int_equal(mw_submit(&a, with_interrupt(handle), hpasid(0)), 0);
	assert_int_equal(one.memory[record_a], DSA_STATUS_BAD_INTERRUPT);
	mw_put(&a, offset, 4, dsa_MSIXPERM_with_PASID(permission, 5));
	assert_int_equal(mw_get(&a, offset, 4), dsa_MSIXPERM_with_PASID(permission, 5));
	vsva_ioasid_state_of(vsva_ioasid_set_space(one.set), six, &references);
	assert_int_equal(references, 1);
	assert_int_equal(mw_submit(&a, with_interrupt(handle), hpasid(0)), 0);
	assert_int_equal(a.interrupts[1], 1);
	/* nobody's PASID permits nobody */
	mw_put(&a, offset, 4, dsa_MSIXPERM_with_PASID(permission, 99));
	assert_int_equal(mw_submit(&a, with_interrupt(handle), hpasid(0)), 0);
	assert_int_equal(one.memory[record_a], DSA_STATUS_BAD_INTERRUPT);
}

/* The command register */

static bool is_waiting(struct mw_mdev *m)
{
	return mw_is_active((uint32_t)mw_get(m, DSA_REG_CMDSTS, 4));
}

static void test_drain_of_one_does_not_delay_another(void **state)
{
	const struct {
		unsigned code;
		uint32_t operand;
	} others[] = {
		{DSA_COMMAND_DRAIN_WQ, 1},       {DSA_COMMAND_DRAIN_ALL, 0},
		{DSA_COMMAND_DRAIN_PASID, 5},    {DSA_COMMAND_ABORT_WQ, 1},
		{DSA_COMMAND_ABORT_PASID, 5},    {DSA_COMMAND_DISABLE_WQ, 1},
		{DSA_COMMAND_ENABLE_WQ, 0},      {DSA_COMMAND_RESET_WQ, 1},
		{DSA_COMMAND_DISABLE_DEVICE, 0}, {DSA_COMMAND_ENABLE_DEVICE, 0},
		{DSA_COMMAND_RESET_DEVICE, 0},
	};

	(void)state;
	mw_submit_stuck(&a, host_a);
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_DRAIN_WQ, 1)));
	a.interrupts[0] = 0;
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(mw_command(&b, others[i].code, others[i].operand), 0);
		assert_true(is_waiting(&a));
	}
	assert_int_equal(a.interrupts[0], 0);
	mw_map(&one, STUCK_PAGE);
	mw_answer(&a, VSVA_PAGE_RESP_SUCCESS);
	assert_false(is_waiting(&a));
	assert_int_equal(a.interrupts[0], 1);
}

/* Negative control: a drain in the physical register, and nobody who lets it give way. */
static void test_control_drain_that_does_not_give_way(void **state)
{
	uint64_t drain = dsa_CMD_with_OPERAND(dsa_CMD_with_CODE(0, DSA_COMMAND_DRAIN_WQ),
					      mdev_queue_mask(a.mdev));
	uint64_t enable =
		dsa_CMD_with_OPERAND(dsa_CMD_with_CODE(0, DSA_COMMAND_ENABLE_WQ), b.mdev->queue);

	(void)state;
	assert_int_equal(mw_command(&b, DSA_COMMAND_DISABLE_WQ, 1), 0);
	mw_submit_stuck(&a, host_a);
	vsva_device_write(w.device, 0, DSA_REG_CMD, 4, drain);
	vsva_device_write(w.device, 0, DSA_REG_CMD, 4, enable);
	mw_run(&w);
	assert_true(mw_is_active((uint32_t)mw_physical(&w, DSA_REG_CMDSTS, 4)));
	assert_int_equal(mw_physical(&w, DSA_REG_CMD, 4), drain); /* the second was ignored */
	mw_answer(&a, VSVA_PAGE_RESP_INVALID);
}

/* Two that wait: whichever work ends, its drain ends, in either order. */
static void drains_take_turns(struct mw_mdev *first, struct mw_mdev *second)
{
	mw_submit_stuck(&a, host_a);
	mw_submit_stuck(&b, host_b);
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_DRAIN_WQ, 1)));
	assert_true(mw_is_active(mw_command(&b, DSA_COMMAND_DISABLE_WQ, 1)));
	a.interrupts[0] = b.interrupts[0] = 0;
	mw_answer(first, VSVA_PAGE_RESP_INVALID);
	assert_true(is_waiting(second));
	if (is_waiting(first)) /* a look at CMDSTS has it looked after */
		mw_run(&w);
	assert_false(is_waiting(first));
	assert_int_equal(first->interrupts[0], 1);
	assert_true(is_waiting(second));
	mw_answer(second, VSVA_PAGE_RESP_INVALID);
	assert_false(is_waiting(second));
	assert_int_equal(second->interrupts[0], 1);
	assert_int_equal(dsa_WQCFG3_STATE(mw_get(&b, DSA_WQCFG + 24, 4)), DSA_WQ_DISABLED);
	assert_int_equal(mw_command(&b, DSA_COMMAND_ENABLE_WQ, 0), 0);
}

static void test_drains_take_turns(void **state)
{
	(void)state;
	drains_take_turns(&a, &b);
	drains_take_turns(&b, &a);
}

/* Until the hardware has done with the command, and no worker has looked. */
static void run_until_command_is_over(void)
{
	for (unsigned i = 0; mw_is_active((uint32_t)mw_physical(&w, DSA_REG_CMDSTS, 4)); i++) {
		assert_true(i < 100000);
		vsva_machine_step(w.machine);
	}
}

static void give(struct mw_mdev *m, unsigned code, uint32_t operand)
{
	mw_put(m, DSA_REG_CMD, 4, dsa_CMD_with_OPERAND(dsa_CMD_with_CODE(0, code), operand));
}

static void submit_only(struct mw_mdev *m, struct dsa_descriptor d)
{
	assert_int_equal(
		vsva_mdev_portal_write(m->mdev, DSA_PORTAL_LIMITED * DSA_PORTAL_PAGE, &d, false),
		0);
}

/* Commands of one that come before the worker has seen another one's drain end: it has ended, and
 * does not wait for what was submitted since. */
static void drain_that_has_ended_stays_so(unsigned code, uint32_t operand)
{
	submit_only(&a, mw_noop(RECORD));
	give(&a, DSA_COMMAND_DRAIN_WQ, 1);
	assert_true(mw_is_active((uint32_t)mw_physical(&w, DSA_REG_CMDSTS, 4)));
	run_until_command_is_over();
	submit_only(&a, mw_noop(STUCK_PAGE));
	give(&b, code, operand);
	mw_run(&w);
	assert_int_equal(mw_get(&a, DSA_REG_CMDSTS, 4), 0);
	assert_int_equal(mw_get(&b, DSA_REG_CMDSTS, 4), 0);
	mw_answer(&a, VSVA_PAGE_RESP_INVALID);
}

static void test_drain_that_has_ended_is_not_begun_again(void **state)
{
	(void)state;
	drain_that_has_ended_stays_so(DSA_COMMAND_DRAIN_WQ, 1);
	drain_that_has_ended_stays_so(DSA_COMMAND_ABORT_WQ, 1);
	drain_that_has_ended_stays_so(DSA_COMMAND_RESET_WQ, 1);
}

static void test_abort_and_reset_end_ones_own_drain(void **state)
{
	(void)state;
	mw_submit_stuck(&a, host_a);
	mw_submit_stuck(&b, host_b);
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_DRAIN_WQ, 1)));
	/* what is not taken meanwhile */
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_ENABLE_WQ, 0)));
	assert_int_equal(dsa_CMD_CODE(mw_get(&a, DSA_REG_CMD, 4)), DSA_COMMAND_DRAIN_WQ);
	assert_int_equal(mw_command(&a, DSA_COMMAND_ABORT_WQ, 1), 0);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&a, DSA_WQCFG + 24, 4)), 0);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&b, DSA_WQCFG + 24, 4)), 1);
	assert_true(mw_is_active(mw_command(&b, DSA_COMMAND_DISABLE_DEVICE, 0)));
	assert_int_equal(dsa_GENSTS_STATE(mw_get(&b, DSA_REG_GENSTS, 4)), DSA_DEVICE_DRAIN);
	assert_true(mw_is_active(mw_command(&b, DSA_COMMAND_ABORT_ALL, 0))); /* no drain */
	assert_int_equal(mw_command(&b, DSA_COMMAND_RESET_DEVICE, 0), 0);
	assert_int_equal(mw_get(&b, DSA_REG_GENSTS, 4), 0);
}

/* A queue that is being disabled takes nothing new, or its guest could keep it for ever. */
static void test_queue_takes_nothing_while_it_is_disabled(void **state)
{
	(void)state;
	mw_submit_stuck(&a, host_a);
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_DISABLE_WQ, 1)));
	assert_int_equal(dsa_WQCFG3_STATE(mw_get(&a, DSA_WQCFG + 24, 4)), DSA_WQ_BUSY);
	mw_submit(&a, mw_noop(RECORD), hpasid(0));
	assert_int_equal(one.memory[record_a], 0);
	assert_int_equal(dsa_SWERR_ERROR(mw_get(&a, DSA_REG_SWERR, 8)),
			 DSA_PORTAL_QUEUE_NOT_ENABLED);
	mw_answer(&a, VSVA_PAGE_RESP_INVALID);
	assert_false(is_waiting(&a));
}

/* Bus mastering is taken from it meanwhile: its work ends, and when it is back the queue still takes
 * nothing. */
static void test_bus_master_off_while_it_is_disabled(void **state)
{
	(void)state;
	mw_submit_stuck(&a, host_a);
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_DISABLE_WQ, 1)));
	vsva_mdev_config_write(a.mdev, 0x04, 2, 0x2);
	assert_int_equal(dsa_WQCFG3_OCCUPANCY(mw_get(&a, DSA_WQCFG + 24, 4)), 0);
	vsva_mdev_config_write(a.mdev, 0x04, 2, 0x6);
	assert_false(mdev_gate_enter(a.mdev));
	mw_run(&w);
	assert_int_equal(mw_get(&a, DSA_REG_CMDSTS, 4), 0);
	assert_int_equal(dsa_WQCFG3_STATE(mw_get(&a, DSA_WQCFG + 24, 4)), DSA_WQ_DISABLED);
}

/* An owner that dies while it waits. */
static void test_close_while_a_drain_waits(void **state)
{
	(void)state;
	mw_submit_stuck(&a, host_a);
	mw_submit_stuck(&b, host_b);
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_DRAIN_WQ, 1)));
	assert_true(mw_is_active(mw_command(&b, DSA_COMMAND_DRAIN_WQ, 1)));
	vsva_mdev_reset(a.mdev);
	assert_true(is_waiting(&b));
	unbind(&a, host_a);
	mw_take(&a);
	mw_answer(&b, VSVA_PAGE_RESP_INVALID);
	assert_false(is_waiting(&b));
	mw_give(&one, VSVA_MDEV_DEDICATED, &a);
	assert_int_equal(mw_bind(&a, host_a, 5), 0);
	/* nothing of the life before is seen in this one */
	assert_int_equal(mw_get(&a, DSA_REG_CMD, 4), 0);
	assert_int_equal(mw_get(&a, DSA_REG_SWERR, 8), 0);
	mw_start(&a, 5);
}

/* The hardware fails */

static void test_parent_that_is_gone(void **state)
{
	(void)state;
	mw_submit_stuck(&a, host_a);
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_DRAIN_WQ, 1)));
	vsva_device_set_gone(w.device, true);
	assert_int_equal(mw_command(&b, DSA_COMMAND_RESET_WQ, 1), 0);
	assert_true(vdcm_is_broken(w.vdcm));
	assert_int_equal(dsa_GENSTS_STATE(mw_get(&b, DSA_REG_GENSTS, 4)), DSA_DEVICE_HALT);
	assert_int_equal(mw_command(&b, DSA_COMMAND_ENABLE_DEVICE, 0), DSA_CMDSTS_HARDWARE);
	assert_int_equal(mw_get(&a, DSA_REG_CMDSTS, 4), DSA_CMDSTS_HARDWARE);
	vsva_device_set_gone(w.device, false);
}

/* A reference goes when the hardware is clean, and no sooner: here by a reset of the function. */
/* Nothing interrupts any more, and nobody else gives a command that would notice. */
static void test_drain_ends_when_the_parent_is_gone(void **state)
{
	uint32_t status;

	(void)state;
	mw_submit_stuck(&a, hpasid(0));
	assert_true(mw_is_active(mw_command(&a, DSA_COMMAND_DRAIN_ALL, 0)));
	vsva_device_set_gone(w.device, true);
	mw_get(&a, DSA_REG_CMDSTS, 4);
	mw_run(&w);
	status = (uint32_t)mw_get(&a, DSA_REG_CMDSTS, 4);
	assert_false(mw_is_active(status));
	assert_int_equal(dsa_CMDSTS_ERROR(status), DSA_CMDSTS_HARDWARE);
	/* and one that is begun then does not wait */
	assert_false(mw_is_active(mw_command(&b, DSA_COMMAND_DRAIN_ALL, 0)));
	vsva_device_set_gone(w.device, false);
}

static void test_drain_of_a_parent_that_is_gone(void **state)
{
	(void)state;
	vsva_device_set_gone(w.device, true);
	mw_put(&a, DSA_REG_CMD, 4, dsa_CMD_with_CODE(0, DSA_COMMAND_DRAIN_ALL));
	assert_int_equal(dsa_CMDSTS_ERROR(mw_get(&a, DSA_REG_CMDSTS, 4)), DSA_CMDSTS_HARDWARE);
	vsva_device_set_gone(w.device, false);
}

static void test_queue_that_cannot_be_stopped(void **state)
{
	struct vsva_ioasid_space *space = vsva_ioasid_set_space(one.set);
	uint32_t before, after;
	struct vsva_mdev *mdev;

	(void)state;
	vsva_ioasid_state_of(space, host_a, &before);
	mw_submit_stuck(&b, host_b);
	assert_true(mw_is_active(mw_command(&b, DSA_COMMAND_DRAIN_WQ, 1)));
	w.resets_never_end = true;
	mw_command(&a, DSA_COMMAND_RESET_WQ, 1);
	w.resets_never_end = false;
	assert_true(vdcm_is_broken(w.vdcm));
	assert_int_equal(mw_physical(&w, vdcm_wqcfg(w.vdcm, a.mdev->queue, 1), 8), 0);
	vsva_ioasid_state_of(space, host_a, &after);
	assert_int_equal(after, before - 1);
	/* it has halted for everybody, and nobody waits */
	assert_int_equal(mw_get(&b, DSA_REG_CMDSTS, 4), DSA_CMDSTS_HARDWARE);
	assert_int_equal(dsa_GENSTS_STATE(mw_get(&b, DSA_REG_GENSTS, 4)), DSA_DEVICE_HALT);
	assert_int_equal(mw_command(&a, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_HARDWARE);
	assert_int_equal(vsva_mdev_create(w.vdcm, VSVA_MDEV_SHARED, &mdev), -ENODEV);
}

/* The owner's set goes first: a container that is closed while a device of it is open here. */
static void test_set_that_goes_before_its_device(void **state)
{
	struct mw_owner three;
	struct mw_mdev c;
	hpasid_t host;

	(void)state;
	mw_owner_create(&w, &three);
	mw_give(&three, VSVA_MDEV_DEDICATED, &c);
	host = mw_pasid(&three, 5);
	assert_int_equal(mw_bind(&c, host, 5), 0);
	mw_start(&c, 5);
	mw_submit_stuck(&c, host);
	vsva_ioasid_set_free(three.set);
	mw_run(&w);
	assert_int_equal(vsva_ioasid_state_of(vsva_ioasid_set_space(one.set), host, NULL),
			 VSVA_IOASID_FREE);
	assert_int_equal(mw_command(&c, DSA_COMMAND_DRAIN_PASID, 5), 0);
	assert_int_equal(mw_command(&c, DSA_COMMAND_DISABLE_WQ, 1), 0);
	assert_int_equal(mw_command(&c, DSA_COMMAND_ENABLE_WQ, 0), DSA_CMDSTS_QUEUE_PASID);
	mw_take(&c);
	mw_owner_forget(&three);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parent_comes_and_goes),
		cmocka_unit_test(test_type_names),
		cmocka_unit_test(test_making_fails_at_every_step),
		CASE(test_same_guest_pasid_different_memory),
		CASE(test_control_queue_with_another_ones_pasid),
		CASE(test_default_pasids_are_apart),
		CASE(test_errors_reach_their_owner_only),
		CASE(test_completion_interrupts_of_its_own_only),
		CASE(test_batch_cannot_name_another_ones_interrupt),
		CASE(test_control_vectors_that_permit_everybody),
		CASE(test_guest_names_the_pasid_of_an_interrupt),
		CASE(test_drain_of_one_does_not_delay_another),
		CASE(test_control_drain_that_does_not_give_way),
		CASE(test_drains_take_turns),
		CASE(test_drain_that_has_ended_is_not_begun_again),
		CASE(test_abort_and_reset_end_ones_own_drain),
		CASE(test_queue_takes_nothing_while_it_is_disabled),
		CASE(test_bus_master_off_while_it_is_disabled),
		CASE(test_close_while_a_drain_waits),
		CASE(test_parent_that_is_gone),
		CASE(test_drain_ends_when_the_parent_is_gone),
		CASE(test_drain_of_a_parent_that_is_gone),
		CASE(test_queue_that_cannot_be_stopped),
		CASE(test_set_that_goes_before_its_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
