/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_read: the VMM copies from guest memory, as a CPU would; all or nothing.
 */
#include "../vmm.h"

int main(void)
{
	struct vmm vmm;
	uint64_t value = 0, across[2] = {1, 2};

	vmm_create(&vmm);
	EXPECT(engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 7)); /* by a device */
	EXPECT(vsva_vm_read(vmm.vm, gpa(VMM_GPA), &value, sizeof(value)) == 0);
	printf("at GPA %#" PRIx64 ": %" PRIu64 "\n", VMM_GPA, value);
	EXPECT(value == 7);

	EXPECT(vsva_vm_read(vmm.vm, gpa(VMM_MEMORY - 8), across, sizeof(across)) == -EFAULT);
	EXPECT(across[0] == 1); /* nothing was copied */
	vmm_destroy(&vmm);
	return 0;
}
