/* SPDX-License-Identifier: MIT */
/*
 * vsva_vcpu_set_ia32_pasid: the guest's kernel writes IA32_PASID (0xD93) when it switches to a process
 * that has a PASID. Reserved bits are a general protection fault.
 */
#include "../cpu.h"

int main(void)
{
	static const uint32_t bytes[16];
	struct cpu cpu;
	hpasid_t id;

	cpu_create(&cpu);
	id = host_bind(&cpu.host);
	EXPECT(vsva_vcpu_enqcmd(cpu.vcpu, &cpu.portal, 0, bytes, NULL) == -EPERM); /* not valid */
	EXPECT(vsva_vcpu_set_ia32_pasid(cpu.vcpu, IA32_PASID_VALID | HOST_GUEST) == 0);
	EXPECT(vsva_vcpu_enqcmd(cpu.vcpu, &cpu.portal, 0, bytes, NULL) == 0);
	printf("the command left with PASID %" PRIu32 "\n", cpu.command[0] & VSVA_PASID_MAX);
	EXPECT((cpu.command[0] & VSVA_PASID_MAX) == id.v);

	EXPECT(vsva_vcpu_set_ia32_pasid(cpu.vcpu, UINT64_C(1) << 40) == -EPERM);
	EXPECT(vsva_vcpu_ia32_pasid(cpu.vcpu) == (IA32_PASID_VALID | HOST_GUEST)); /* as it was */
	cpu_destroy(&cpu);
	return 0;
}
