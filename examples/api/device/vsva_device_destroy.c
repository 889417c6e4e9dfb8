/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_destroy: takes a device away that nobody has. While a VM has it that is refused, and
 * nothing is changed.
 */
#include <vsva/vm.h>

#include "../example.h"

int main(void)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA, .rid = {0x0100}};
	struct vsva_machine *machine;
	struct vsva_device *device, *another;
	struct vsva_assigned *assigned;
	struct vsva_vm *vm;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_device_create(machine, &options, &device) == 0);
	EXPECT(vsva_vm_create(machine, NULL, &vm) == 0);
	EXPECT(vsva_vm_assign(vm, device, rid(0x30), NULL, NULL, &assigned) == 0);
	EXPECT(vsva_device_destroy(device) == -EBUSY);

	vsva_vm_unassign(assigned);
	EXPECT(vsva_device_destroy(device) == 0);
	EXPECT(vsva_device_create(machine, &options, &another) == 0); /* its place is free */
	printf("the device has gone, and another one came\n");
	EXPECT(vsva_device_destroy(NULL) == 0);
	vsva_vm_destroy(vm);
	vsva_machine_destroy(machine);
	return 0;
}
