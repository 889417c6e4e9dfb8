/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_assign: a device becomes the VM's, under a requester id that the guest sees, and its
 * interrupts come to the VMM.
 */
#include "../vmm.h"

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_INTERRUPT;
	struct vsva_assigned *second;
	struct vmm vmm;

	vmm_create(&vmm);
	vsva_vm_unassign(vmm.assigned);
	EXPECT(!engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 7)); /* nobody's */

	EXPECT(vsva_vm_assign(vmm.vm, vmm.engine, rid(VMM_RID), vmm_on_interrupt, &vmm,
			      &vmm.assigned) == 0);
	EXPECT(vsva_assigned_config_write(vmm.assigned, 0x04, 2, 0x6) == 0);
	EXPECT(engine_run(vmm.engine, command, WITHOUT_PASID, VMM_GPA, 7));
	EXPECT(*vmm_word(&vmm, VMM_GPA) == 7 && vmm.interrupts == 1);
	printf("the device wrote to guest memory, and interrupted\n");

	EXPECT(vsva_vm_assign(vmm.vm, vmm.engine, rid(0x38), NULL, NULL, &second) == -EBUSY);
	vmm_destroy(&vmm);
	return 0;
}
