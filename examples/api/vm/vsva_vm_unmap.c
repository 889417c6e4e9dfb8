/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_unmap: guest memory goes away (memory hot-unplug, a balloon): when it has returned no device
 * touches it, and the VMM may give it to somebody else.
 */
#include "../vmm.h"

int main(void)
{
	uint64_t value;
	struct vmm vmm;

	vmm_create(&vmm);
	EXPECT(engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 7)); /* and it is cached */
	EXPECT(vsva_vm_unmap(vmm.vm, gpa(0), VMM_MEMORY / 2) ==
	       -ENOENT); /* only as it was mapped */

	EXPECT(vsva_vm_unmap(vmm.vm, gpa(0), VMM_MEMORY) == 0);
	EXPECT(!engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 8));
	EXPECT(*vmm_word(&vmm, VMM_GPA) == 7);
	EXPECT(vsva_vm_read(vmm.vm, gpa(VMM_GPA), &value, sizeof(value)) == -EFAULT);
	printf("unmapped, for CPUs and devices\n");
	vmm_destroy(&vmm);
	return 0;
}
