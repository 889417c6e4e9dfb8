/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_map: memory of the VMM becomes guest memory, for the guest's CPUs and for its devices. ROM is
 * for reading only.
 */
#include "../vmm.h"

int main(void)
{
	static _Alignas(4096) uint64_t ram[512], rom[512];
	struct vmm vmm;

	vmm_create(&vmm); /* memory at 0 already */
	EXPECT(!engine_write(vmm.engine, WITHOUT_PASID, 0x100000, 7));
	EXPECT(vsva_vm_map(vmm.vm, gpa(0x100000), ram, sizeof(ram), true) == 0);
	EXPECT(engine_write(vmm.engine, WITHOUT_PASID, 0x100000, 7) && ram[0] == 7);

	EXPECT(vsva_vm_map(vmm.vm, gpa(0x200000), rom, sizeof(rom), false) == 0);
	EXPECT(engine_read(vmm.engine, WITHOUT_PASID, 0x200000));
	EXPECT(!engine_write(vmm.engine, WITHOUT_PASID, 0x200000, 8) && rom[0] == 0);
	printf("RAM written, ROM not\n");

	EXPECT(vsva_vm_map(vmm.vm, gpa(0x100000), rom, sizeof(rom), true) == -EEXIST);
	EXPECT(vsva_vm_map(vmm.vm, gpa(0x300001), rom, sizeof(rom), true) == -EINVAL);
	vmm_destroy(&vmm);
	return 0;
}
