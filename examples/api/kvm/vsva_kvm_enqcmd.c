/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_enqcmd: for a VMM that keeps its vCPUs' registers itself and only wants ENQCMD executed with
 * a value of IA32_PASID.
 */
#include "../cpu.h"

int main(void)
{
	static const uint32_t bytes[16];
	const uint64_t ia32_pasid = IA32_PASID_VALID | HOST_GUEST;
	struct vsva_vmx_exit exit;
	struct cpu cpu;
	hpasid_t id;

	cpu_create(&cpu);
	EXPECT(vsva_kvm_enqcmd(cpu.kvm, ia32_pasid, &cpu.portal, 0, bytes, &exit) == -ENOENT);
	EXPECT(exit.reason == VSVA_VMX_EXIT_ENQCMD_PASID);
	id = host_bind(&cpu.host);
	EXPECT(vsva_kvm_enqcmd(cpu.kvm, ia32_pasid, &cpu.portal, 0, bytes, &exit) == 0);
	printf("left with PASID %" PRIu32 "\n", cpu.command[0]);
	EXPECT(cpu.command[0] == id.v && exit.reason == 0);
	EXPECT(vsva_kvm_enqcmd(cpu.kvm, HOST_GUEST, &cpu.portal, 0, bytes, &exit) == -EPERM);
	cpu_destroy(&cpu);
	return 0;
}
