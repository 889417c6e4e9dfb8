/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_config_write: the guest switches bus mastering off, and its device is silent; on again,
 * and it works.
 */
#include "../vmm.h"

#define COMMAND 0x04u

int main(void)
{
	struct vmm vmm;

	vmm_create(&vmm); /* switches it on */
	EXPECT(vsva_assigned_config_write(vmm.assigned, COMMAND, 2, 0x2) == 0);
	EXPECT(!engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 7));
	EXPECT(vsva_assigned_config_write(vmm.assigned, COMMAND, 2, 0x6) == 0);
	EXPECT(engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 7));
	EXPECT(*vmm_word(&vmm, VMM_GPA) == 7);
	printf("a bus master again\n");
	EXPECT(vsva_assigned_config_write(vmm.assigned, COMMAND, 3, 0) == -EINVAL);
	vmm_destroy(&vmm);
	return 0;
}
