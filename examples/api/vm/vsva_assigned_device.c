/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_device: which device of the machine is it? For a VMM that reacts to its removal.
 */
#include "../vmm.h"

int main(void)
{
	struct vsva_device *device;
	struct vmm vmm;

	vmm_create(&vmm);
	device = vsva_assigned_device(vmm.assigned);
	EXPECT(device == vmm.engine);
	vsva_device_set_gone(device, true); /* it was pulled out */
	vsva_vm_unassign(vmm.assigned);
	EXPECT(vsva_device_destroy(device) == 0);
	printf("the device is gone\n");
	vmm_destroy(&vmm);
	return 0;
}
