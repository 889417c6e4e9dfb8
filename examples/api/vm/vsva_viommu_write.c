/* SPDX-License-Identifier: MIT */
/*
 * vsva_viommu_write: a vCPU writes to the virtual unit's registers. With a root table in which nothing
 * is, and translation on, the guest has locked its devices out.
 */
#include "../vmm.h"

#define GCMD      0x18u
#define GSTS      0x1cu
#define RTADDR    0x20u
#define GCMD_SRTP 0x40000000u
#define GCMD_TE   0x80000000u

int main(void)
{
	struct vmm vmm;
	uint64_t status;

	vmm_create(&vmm);
	EXPECT(engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 7));
	EXPECT(vsva_viommu_write(vmm.vm, RTADDR, 8, 0x1000 | 1 << 10) == 0); /* scalable mode */
	EXPECT(vsva_viommu_write(vmm.vm, GCMD, 4, GCMD_SRTP) == 0);
	vsva_machine_run_idle(vmm.machine, 1000);
	EXPECT(vsva_viommu_write(vmm.vm, GCMD, 4, GCMD_TE) == 0);
	vsva_machine_run_idle(vmm.machine, 1000);
	EXPECT(vsva_viommu_read(vmm.vm, GSTS, 4, &status) == 0 && (status & GCMD_TE));

	EXPECT(!engine_write(vmm.engine, WITHOUT_PASID, VMM_GPA, 8));
	EXPECT(*vmm_word(&vmm, VMM_GPA) == 7);
	printf("GSTS %#" PRIx64 ": translation is on, and the device is refused\n", status);
	EXPECT(vsva_viommu_write(vmm.vm, GCMD, 3, 0) == -EINVAL);
	vmm_destroy(&vmm);
	return 0;
}
