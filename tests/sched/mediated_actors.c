// SPDX-License-Identifier: MIT
#include "mediated_actors.h"

#include <errno.h>

#include "mediated_world.h"

static struct mediated_vm *vm_of(void *world)
{
	return &((struct mediated_world *)world)->vm;
}

/* PASIDs */

void mediated_does_bind(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	vm->users++;
	if (mediated_bind(vm))
		vm->users--;
}

void mediated_does_unbind(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	if (vsva_container_unbind_gpasid(vm->device, vm->pasid) != -ENODEV)
		vm->users--;
}

void mediated_does_free(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	vsva_container_pasid_free(vm->container, vm->pasid);
}

/* The guest */

void mediated_does_work(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	mediated_submit(vm, true);
	mediated_submit(vm, false);
	mediated_answer(vm);
}

void mediated_does_drain(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	mediated_command(vm, DSA_COMMAND_DRAIN_PASID, MEDIATED_GUEST_PASID);
	mediated_wait(vm);
}

void mediated_does_cycle(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	mediated_command(vm, DSA_COMMAND_DISABLE_WQ, 1);
	mediated_answer(vm);
	mediated_wait(vm);
	mediated_command(vm, DSA_COMMAND_ENABLE_WQ, 0);
}

/* The VMM */

void mediated_does_reset(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	if (!mediated_enter(vm))
		return;
	vsva_mdev_reset(vm->mdev);
	/* what could enable the queue again finds the device disabled */
	EXPLORE_CHECK(accelerator_jobs(&vm->world->accelerator, vm->queue, ACCELERATOR_ANY) == 0);
	mediated_leave(vm);
}

void mediated_does_close(void *world)
{
	mediated_close(vm_of(world));
}

void mediated_does_die(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	vsva_container_close(vm->container);
	vm->is_over = true;
}

void mediated_does_stop(void *world)
{
	struct mediated_vm *vm = vm_of(world);

	EXPLORE_CHECK(vsva_kvm_stop(vm->kvm) == 0);
	vm->is_stopped = true;
}

/* The world */

void mediated_does_pull(void *world)
{
	struct mediated_world *w = world;

	accelerator_pull(&w->accelerator);
	w->is_pulled = true;
}
