/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_destroy: the VM goes, whatever its devices are doing: when it has returned nobody touches its
 * memory, and the devices are free.
 */
#include "../vmm.h"

int main(void)
{
	struct vmm vmm;

	vmm_create(&vmm);
	engine_start(vmm.engine, ENGINE_DO_FILL, WITHOUT_PASID, VMM_GPA, 7); /* not yet done */
	vsva_vm_destroy(vmm.vm);
	vsva_machine_run_idle(vmm.machine, 1000);
	EXPECT(*vmm_word(&vmm, VMM_GPA) == 0);
	free(vmm.memory);
	EXPECT(vsva_device_destroy(vmm.engine) == 0); /* nobody has it */
	printf("the VM is gone, and its memory can be freed\n");
	vsva_vm_destroy(NULL);
	vsva_machine_destroy(vmm.machine);
	return 0;
}
