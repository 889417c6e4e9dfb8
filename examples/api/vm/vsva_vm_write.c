/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_write: the VMM copies into guest memory, as a CPU would: a firmware image, say.
 */
#include "../vmm.h"

int main(void)
{
	static const char image[] = "firmware";
	struct vmm vmm;

	vmm_create(&vmm);
	EXPECT(vsva_vm_write(vmm.vm, gpa(VMM_GPA), image, sizeof(image)) == 0);
	printf("the guest finds \"%s\"\n", (const char *)vmm_word(&vmm, VMM_GPA));
	EXPECT(!strcmp((const char *)vmm_word(&vmm, VMM_GPA), image));

	EXPECT(vsva_vm_write(vmm.vm, gpa(VMM_MEMORY - 4), image, sizeof(image)) == -EFAULT);
	EXPECT(*vmm_word(&vmm, VMM_MEMORY - 8) == 0); /* nothing was copied */
	vmm_destroy(&vmm);
	return 0;
}
