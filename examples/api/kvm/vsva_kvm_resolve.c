/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_resolve: what a hypervisor does about an exit before it believes it: the guest PASID may be
 * bound, and only its translation be missing, because it was bound before the KVM came.
 */
#include "../cpu.h"

int main(void)
{
	const gpasid_t guest = {HOST_GUEST};
	struct vsva_vmx_exit exit;
	struct vsva_kvm *late;
	struct cpu cpu;

	cpu_create(&cpu);
	EXPECT(vsva_kvm_resolve(cpu.kvm, cpu.host.set, guest) == -ENOENT); /* not bound */
	host_bind(&cpu.host);
	EXPECT(vsva_kvm_create(cpu.host.iommu, &cpu.host, 1, &late) == 0);
	vsva_vcpu_destroy(cpu.vcpu);
	vsva_kvm_put(cpu.kvm);
	cpu.kvm = late;
	EXPECT(vsva_vcpu_create(late, &cpu.vcpu) == 0);
	EXPECT(cpu_enqcmd(&cpu, &exit) == -ENOENT);

	EXPECT(vsva_kvm_resolve(late, cpu.host.set, exit.guest) == 0);
	EXPECT(cpu_enqcmd(&cpu, &exit) == 0); /* again */
	printf("resolved, and the command went through\n");
	cpu_destroy(&cpu);
	return 0;
}
