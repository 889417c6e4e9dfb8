/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_get: a reference, for a thread that may still use the KVM when the VM is gone.
 */
#include "../cpu.h"

int main(void)
{
	struct vsva_vmx_exit exit;
	struct vsva_kvm *kept;
	struct cpu cpu;

	cpu_create(&cpu);
	host_bind(&cpu.host);
	kept = vsva_kvm_get(cpu.kvm);
	EXPECT(kept == cpu.kvm);
	vsva_vcpu_destroy(cpu.vcpu); /* gives its reference back */
	vsva_kvm_put(cpu.kvm);       /* and so does the creator */

	EXPECT(vsva_vcpu_create(kept, &cpu.vcpu) == 0); /* it lives */
	EXPECT(cpu_enqcmd(&cpu, &exit) == 0);
	printf("still there\n");
	cpu_destroy(&cpu); /* puts ours */
	return 0;
}
