/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_unassign: the VM gives a device back: it is reset, what was bound on it is unbound, and it
 * does not reach the VM's memory any more.
 */
#include "../vmm.h"

int main(void)
{
	struct vsva_vm *another;
	struct vmm vmm;

	vmm_create(&vmm);
	EXPECT(engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 7));
	vsva_vm_unassign(vmm.assigned);
	EXPECT(vsva_device_config_write(vmm.engine, 0x04, 2, 0x6) == 0);
	EXPECT(!engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 8));
	EXPECT(*vmm_word(&vmm, VMM_GPA) == 7);

	EXPECT(vsva_vm_create(vmm.machine, NULL, &another) == 0);
	EXPECT(vsva_vm_assign(another, vmm.engine, rid(VMM_RID), NULL, NULL, &vmm.assigned) == 0);
	printf("the device is another VM's\n");
	vsva_vm_destroy(another);
	vmm_destroy(&vmm);
	return 0;
}
