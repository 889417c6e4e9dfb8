// SPDX-License-Identifier: MIT
/*
 * vsva/guest.h. What the guest's driver asks for goes through its registers, queue and tables: the
 * steps that fail are the virtual unit's and the host's, below its descriptors. They never fail: what
 * was refused is done when the guest invalidates again.
 */
#include "trial.h"

RUN(guest_create)
{
	const struct vsva_guest_options options = {.memory = UINT64_C(1) << 20};

	return vsva_guest_create(w->machine, &options, &w->guest);
}

RUN(guest_destroy)
{
	vsva_guest_destroy(w->guest);
	w->guest = NULL;
	return 0;
}

static void undo_guest_create(struct fail_world *w)
{
	run_guest_destroy(w);
}

RUN(guest_reboot)
{
	w->process = NULL;
	return vsva_guest_reboot(w->guest);
}

RUN(guest_reinit)
{
	w->process = NULL;
	return vsva_guest_reinit(w->guest);
}

RUN(guest_add_device)
{
	return vsva_guest_add_device(w->guest, w->accelerator, WORLD_GUEST_RID, &w->guest_device);
}

RUN(guest_remove_device)
{
	int err = vsva_guest_remove_device(w->guest_device);

	w->guest_device = NULL;
	return err;
}

static void undo_add_device(struct fail_world *w)
{
	assert_int_equal(run_guest_remove_device(w), 0);
}

static void setup_add_device(struct fail_world *w)
{
	world_guest(w);
	world_accelerator(w);
}

RUN(guest_add_mdev)
{
	return vsva_guest_add_mdev(w->guest, w->mdev, WORLD_GUEST_RID, &w->guest_device);
}

static void setup_add_mdev(struct fail_world *w)
{
	world_guest(w);
	world_mdev(w);
}

RUN(guest_dma_alloc)
{
	gpa_t memory;
	int err = vsva_guest_dma_alloc(w->guest_device, VSVA_PAGE_SIZE, &w->extra, &memory);

	w->area.v = memory.v;
	return err;
}

RUN(guest_dma_free)
{
	return vsva_guest_dma_free(w->guest_device, w->extra, gpa(w->area.v), VSVA_PAGE_SIZE);
}

static void undo_dma_alloc(struct fail_world *w)
{
	assert_int_equal(run_guest_dma_free(w), 0);
}

static void setup_dma_free(struct fail_world *w)
{
	world_guest_device(w);
	assert_int_equal(run_guest_dma_alloc(w), 0);
}

RUN(guest_spin)
{
	return vsva_guest_spin(w->process, w->guest_device, 2);
}

/* FECTL: event messages masked */
RUN(guest_mmio_write)
{
	return vsva_guest_mmio_write(w->guest, 0x38, 4, 1u << 31);
}

/* Processes */

RUN(process_create)
{
	return vsva_process_create(w->guest, &w->process);
}

RUN(process_exit)
{
	vsva_process_exit(w->process);
	w->process = NULL;
	return 0;
}

static void undo_process_create(struct fail_world *w)
{
	run_process_exit(w);
}

RUN(process_mmap)
{
	return vsva_process_mmap(w->process, gva(0), 4 * VSVA_PAGE_SIZE, true, false, &w->buffer);
}

static void undo_mmap(struct fail_world *w)
{
	assert_int_equal(vsva_process_munmap(w->process, w->buffer, 4 * VSVA_PAGE_SIZE), 0);
}

/* From the middle of four pages: the area is cut, and there are two pages to free. */
RUN(process_munmap)
{
	return vsva_process_munmap(w->process, gva(w->buffer.v + VSVA_PAGE_SIZE),
				   2 * VSVA_PAGE_SIZE);
}

static void setup_munmap(struct fail_world *w)
{
	static const char text[4 * VSVA_PAGE_SIZE];

	world_process_bound(w);
	assert_int_equal(run_process_mmap(w), 0);
	assert_int_equal(vsva_process_write(w->process, w->buffer, text, sizeof(text)), 0);
}

RUN(process_write)
{
	return vsva_process_write(w->process, gva(w->buffer.v + VSVA_PAGE_SIZE), "x", 1);
}

RUN(process_read)
{
	return vsva_process_read(w->process, w->buffer, &w->extra, sizeof(w->extra));
}

RUN(process_bind)
{
	return vsva_process_bind(w->process, w->guest_device);
}

RUN(process_unbind)
{
	return vsva_process_unbind(w->process, w->guest_device);
}

static void undo_bind(struct fail_world *w)
{
	assert_int_equal(run_process_unbind(w), 0);
}

/* The process' PASID on the device; and a processor that finds no translation asks the hypervisor. */
static void invalidate_again(struct fail_world *w)
{
	struct vsva_vm *vm = vsva_guest_vm(w->guest);
	gpasid_t pasid = vsva_process_pasid(w->process);
	hpasid_t host;

	assert_int_equal(vsva_guest_spin(w->process, w->guest_device, 1), 0);
	assert_int_equal(vsva_vm_hpasid(vm, pasid, &host), 0);
	assert_int_equal(
		vsva_kvm_resolve(vsva_vm_kvm(vm), vsva_ioasid_set_of(w->space, host), pasid), 0);
}

/* All that the guest has: another kernel takes over. */
static void invalidate_all(struct fail_world *w)
{
	assert_int_equal(vsva_guest_reinit(w->guest), 0);
	world_run(w);
}

static void setup_vcmd_process(struct fail_world *w)
{
	world_vcmd_guest(w);
	world_process(w);
}

static void setup_vcmd_bound(struct fail_world *w)
{
	world_vcmd_guest(w);
	world_process_bound(w);
}

static void setup_mdev_process(struct fail_world *w)
{
	world_guest_mdev(w);
	world_process(w);
}

static void setup_mdev_bound(struct fail_world *w)
{
	world_guest_mdev(w);
	world_process_bound(w);
}

RUN(process_free_pasid)
{
	int err = vsva_process_free_pasid(w->process);

	world_run(w);
	return err;
}

RUN(process_submit)
{
	const struct vsva_dsa_descriptor noop = {.flags_opcode = (uint32_t)VSVA_DSA_NOOP << 24};

	return vsva_process_submit(w->process, w->guest_device, &noop, false);
}

/* To the second page of the buffer, which is not there yet; the record is in the first. */
static void fill_second_page(struct fail_world *w)
{
	const struct vsva_dsa_descriptor fill = {
		.flags_opcode = (uint32_t)VSVA_DSA_FILL << 24 | VSVA_DSA_BLOCK_ON_FAULT |
				VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION,
		.completion = w->buffer.v,
		.destination = w->buffer.v + VSVA_PAGE_SIZE,
		.size = 64,
	};
	static const struct vsva_dsa_completion none;

	assert_int_equal(vsva_process_write(w->process, w->buffer, &none, sizeof(none)), 0);
	assert_int_equal(vsva_process_submit(w->process, w->guest_device, &fill, false), 0);
}

static int run_fill(struct fail_world *w)
{
	fill_second_page(w);
	w->extra = (uint64_t)vsva_process_wait(w->process, w->buffer, NULL);
	return 0;
}

/* A page request that was refused ends the work: it is given again. */
static void fill_again(struct fail_world *w)
{
	if (w->extra != VSVA_DSA_SUCCESS)
		run_fill(w);
	assert_int_equal(w->extra, VSVA_DSA_SUCCESS);
}

RUN(process_wait)
{
	return vsva_process_wait(w->process, w->buffer, NULL) == 'x' ? 0 : -EIO;
}

RUN(process_bind_begin)
{
	int err = vsva_process_bind_begin(w->process, w->guest_device);

	world_run(w);
	return err;
}

RUN(process_flush_begin)
{
	int err = vsva_process_flush_begin(w->process, w->buffer, VSVA_PAGE_SIZE);

	world_run(w);
	return err;
}

const struct trial guest_trials[] = {
	UNDONE(guest_create, world_bare, undo_guest_create, MAY_NOMEM | MAY_NOSPC | MAY_AGAIN),
	DONE(guest_destroy, world_process_bound, 0),
	TRIAL(guest_reboot, world_process_bound, .again = invalidate_all),
	TRIAL(guest_reinit, world_process_bound, .again = invalidate_all),
	TRIAL(guest_add_device, setup_add_device, .undo = undo_add_device, .again = invalidate_all,
	      .may = MAY_NOMEM | MAY_TIMEDOUT),
	TRIAL(guest_add_mdev, setup_add_mdev, .undo = undo_add_device, .again = invalidate_all,
	      .may = MAY_NOMEM | MAY_TIMEDOUT),
	DONE(guest_remove_device, world_process_bound, 0),
	VARIANT(guest_remove_device, " mediated", run_guest_remove_device, setup_mdev_bound,
		.done_if = ALL),
	NO_STEP(guest_dma_alloc, world_guest_device, undo_dma_alloc),
	DONE(guest_dma_free, setup_dma_free, 0),
	DONE(guest_spin, world_process_bound, 0),
	NO_STEP(guest_mmio_write, world_guest, NULL),
	UNDONE(process_create, world_guest_device, undo_process_create, MAY_NOMEM),
	DONE(process_exit, world_process_bound, 0),
	UNDONE(process_mmap, world_process, undo_mmap, MAY_NOMEM),
	UNDONE(process_munmap, setup_munmap, NULL, MAY_NOMEM | MAY_TIMEDOUT),
	NO_STEP(process_write, world_process, NULL),
	NO_STEP(process_read, world_process, NULL),
	TRIAL(process_bind, world_process, .undo = undo_bind, .again = invalidate_again),
	VARIANT(process_bind, " with a virtual command", run_process_bind, setup_vcmd_process,
		.undo = undo_bind, .again = invalidate_again, .may = MAY_NOSPC),
	VARIANT(process_bind, " on a mediated device", run_process_bind, setup_mdev_process,
		.undo = undo_bind, .again = invalidate_again),
	DONE(process_unbind, world_process_bound, 0),
	DONE(process_free_pasid, setup_vcmd_bound, 0),
	NO_STEP(process_submit, world_process_bound, NULL),
	/* a parent that does not answer is out of order */
	VARIANT(process_submit, " to a mediated device", run_process_submit, setup_mdev_bound,
		.may = MAY_IO, .lost_if = MAY_IO),
	NO_STEP(process_wait, world_process_bound, NULL),
	TRIAL(process_bind_begin, world_process, .again = invalidate_again),
	DONE(process_flush_begin, world_process_bound, 0),
	VARIANT(process_submit, " to a page that is not there", run_fill, world_process_bound,
		.again = fill_again),
	{.function = NULL},
};
