/* SPDX-License-Identifier: MIT */
/*
 * vsva_vcpu_ia32_pasid: what the guest reads back from IA32_PASID; a VMM saves it when it migrates the
 * vCPU.
 */
#include "../cpu.h"

int main(void)
{
	uint64_t saved;
	struct cpu cpu;

	cpu_create(&cpu);
	EXPECT(vsva_vcpu_set_ia32_pasid(cpu.vcpu, IA32_PASID_VALID | HOST_GUEST) == 0);
	saved = vsva_vcpu_ia32_pasid(cpu.vcpu);
	printf("IA32_PASID: %#" PRIx64 "\n", saved);
	EXPECT(saved == (IA32_PASID_VALID | HOST_GUEST));
	cpu_destroy(&cpu);
	return 0;
}
