/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_assign_mdev: a mediated device, one queue of an accelerator that others use too, becomes the
 * VM's.
 */
#include <vsva/vm.h>

#include "../shared.h"

int main(void)
{
	struct vsva_assigned *assigned, *second;
	struct shared shared;
	struct vsva_vm *vm;
	uint32_t id;

	shared_create(&shared);
	EXPECT(vsva_vm_create(shared.host.machine, NULL, &vm) == 0);
	EXPECT(vsva_vm_assign_mdev(vm, shared.mdev, rid(0x30), NULL, NULL, &assigned) == 0);
	EXPECT(vsva_assigned_config_read(assigned, 0, 4, &id) == 0);
	printf("the guest sees a device with id %08" PRIx32 "\n", id);
	EXPECT(id == 0x0b258086 && vsva_assigned_device(assigned) == shared.accelerator);

	EXPECT(vsva_vm_assign_mdev(vm, shared.mdev, rid(0x38), NULL, NULL, &second) == -EBUSY);
	EXPECT(vsva_mdev_destroy(shared.mdev) == -EBUSY); /* the VM has it */
	vsva_vm_unassign(assigned);
	vsva_vm_destroy(vm);
	shared_destroy(&shared);
	return 0;
}
