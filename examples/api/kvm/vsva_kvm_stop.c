/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_stop: KVM dies before the VM does, in whatever state: its processors' instructions exit from
 * now on, and none is inside one with an old translation.
 */
#include "../cpu.h"

int main(void)
{
	struct vsva_vmx_exit exit;
	struct cpu cpu;

	cpu_create(&cpu);
	host_bind(&cpu.host);
	EXPECT(cpu_enqcmd(&cpu, &exit) == 0 && cpu.commands == 1);
	EXPECT(vsva_kvm_stop(cpu.kvm) == 0);
	EXPECT(cpu_enqcmd(&cpu, &exit) == -ENOENT && cpu.commands == 1);
	printf("VM exit %" PRIu32 "\n", exit.reason);
	EXPECT(exit.reason == VSVA_VMX_EXIT_ENQCMD_PASID);
	EXPECT(vsva_kvm_resolve(cpu.kvm, cpu.host.set, gpasid(HOST_GUEST)) == -ENODEV);
	EXPECT(vsva_kvm_stop(cpu.kvm) == 0); /* again */
	cpu_destroy(&cpu);
	return 0;
}
