// SPDX-License-Identifier: MIT
/* vsva/vm.h */
#include "trial.h"

RUN(vm_create)
{
	return vsva_vm_create(w->machine, NULL, &w->vm);
}

RUN(vm_destroy)
{
	vsva_vm_destroy(w->vm);
	w->vm = NULL;
	w->assigned = NULL;
	return 0;
}

static void undo_create(struct fail_world *w)
{
	run_vm_destroy(w);
}

/* All of a guest's: bound, with work. */
static int run_vm_destroy_of_a_guest(struct fail_world *w)
{
	vsva_guest_destroy(w->guest);
	w->guest = NULL;
	return 0;
}

RUN(vm_map)
{
	return vsva_vm_map(w->vm, gpa(WORLD_MEMORY), w->memory, WORLD_MEMORY, true);
}

RUN(vm_unmap)
{
	return vsva_vm_unmap(w->vm, WORLD_GPA, WORLD_MEMORY);
}

static void undo_map(struct fail_world *w)
{
	assert_int_equal(vsva_vm_unmap(w->vm, gpa(WORLD_MEMORY), WORLD_MEMORY), 0);
}

static void setup_memory(struct fail_world *w)
{
	world_vm_assigned(w);
	world_vm_memory(w);
}

RUN(vm_read)
{
	return vsva_vm_read(w->vm, WORLD_GPA, &w->extra, sizeof(w->extra));
}

RUN(vm_write)
{
	return vsva_vm_write(w->vm, WORLD_GPA, &w->extra, sizeof(w->extra));
}

RUN(viommu_read)
{
	uint64_t value;

	return vsva_viommu_read(w->vm, 0, 4, &value);
}

/* FECTL: event messages masked */
RUN(viommu_write)
{
	return vsva_viommu_write(w->vm, 0x38, 4, 1u << 31);
}

static struct vsva_vm *vm_of(struct fail_world *w)
{
	return w->vm ? w->vm : vsva_guest_vm(w->guest);
}

RUN(vm_reset)
{
	vsva_vm_reset(vm_of(w));
	return 0;
}

RUN(vm_assign)
{
	return vsva_vm_assign(w->vm, w->device, WORLD_GUEST_RID, NULL, NULL, &w->assigned);
}

RUN(vm_assign_mdev)
{
	return vsva_vm_assign_mdev(w->vm, w->mdev, WORLD_GUEST_RID, NULL, NULL, &w->assigned);
}

RUN(vm_unassign)
{
	vsva_vm_unassign(w->assigned);
	w->assigned = NULL;
	return 0;
}

static void undo_assign(struct fail_world *w)
{
	run_vm_unassign(w);
}

static void setup_assign(struct fail_world *w)
{
	world_vm(w);
	world_device(w);
}

static void setup_assign_mdev(struct fail_world *w)
{
	world_vm(w);
	world_mdev(w);
}

RUN(assigned_read)
{
	uint64_t value;

	return vsva_assigned_read(w->assigned, 0, 0, 4, &value);
}

RUN(assigned_write)
{
	return vsva_assigned_write(w->assigned, 0, 0x8, 8, 0);
}

RUN(assigned_config_read)
{
	uint32_t value;

	return vsva_assigned_config_read(w->assigned, 0, 4, &value);
}

RUN(assigned_config_write)
{
	return vsva_assigned_config_write(w->assigned, 4, 2, 0x6);
}

RUN(assigned_reset)
{
	vsva_assigned_reset(w->assigned);
	return 0;
}

RUN(vm_hpasid)
{
	hpasid_t host;

	return vsva_vm_hpasid(vm_of(w), vsva_process_pasid(w->process), &host);
}

/* Queue 1 of the guest's accelerator is shared, as its driver has set it up. */
#define SHARED_PORTAL 0x4000u

RUN(assigned_enqcmd)
{
	const struct vsva_dsa_descriptor noop = {.flags_opcode = (uint32_t)VSVA_DSA_NOOP << 24};

	return vsva_assigned_enqcmd(vsva_guest_device_assigned(w->guest_device), SHARED_PORTAL,
				    vsva_process_pasid(w->process).v | 1u << 31, &noop);
}

RUN(assigned_movdir64b)
{
	const struct vsva_dsa_descriptor noop = {.flags_opcode = (uint32_t)VSVA_DSA_NOOP << 24};

	return vsva_assigned_movdir64b(vsva_guest_device_assigned(w->guest_device), 0, &noop);
}

const struct trial vm_trials[] = {
	UNDONE(vm_create, world_bare, undo_create, MAY_NOMEM | MAY_NOSPC | MAY_AGAIN),
	DONE(vm_destroy, setup_memory, 0),
	VARIANT(vm_destroy, " of a guest that works", run_vm_destroy_of_a_guest,
		world_process_bound, .done_if = ALL),
	UNDONE(vm_map, setup_memory, undo_map, MAY_NOMEM | MAY_NOSPC),
	DONE(vm_unmap, setup_memory, MAY_TIMEDOUT),
	NO_STEP(vm_read, world_vm_memory, NULL),
	NO_STEP(vm_write, world_vm_memory, NULL),
	NO_STEP(viommu_read, world_vm, NULL),
	NO_STEP(viommu_write, world_vm, NULL),
	DONE(vm_reset, world_process_bound, 0),
	UNDONE(vm_assign, setup_assign, undo_assign, MAY_NOMEM | MAY_TIMEDOUT),
	UNDONE(vm_assign_mdev, setup_assign_mdev, undo_assign, MAY_NOMEM | MAY_TIMEDOUT),
	DONE(vm_unassign, world_vm_assigned, 0),
	VARIANT(vm_unassign, " of a mediated device", run_vm_unassign, world_vm_mdev,
		.done_if = ALL),
	NO_STEP(assigned_read, world_vm_assigned, NULL),
	NO_STEP(assigned_write, world_vm_assigned, NULL),
	NO_STEP(assigned_config_read, world_vm_assigned, NULL),
	NO_STEP(assigned_config_write, world_vm_assigned, NULL),
	NO_STEP(assigned_reset, world_vm_assigned, NULL),
	NO_STEP(vm_hpasid, world_process_bound, NULL),
	NO_STEP(assigned_enqcmd, world_process_bound, NULL),
	NO_STEP(assigned_movdir64b, world_process_bound, NULL),
	{.function = NULL},
};
