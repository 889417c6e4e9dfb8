/* SPDX-License-Identifier: MIT */
/*
 * vsva_vcpu_create: a processor of the VM, for its ENQCMD instructions. IA32_PASID is as after reset,
 * not valid, so its first one is a general protection fault.
 */
#include <vsva/kvm.h>

#include "../host.h"

int main(void)
{
	static const uint32_t bytes[16];
	const struct vsva_portal nowhere = {0};
	struct vsva_vmx_exit exit;
	struct vsva_vcpu *vcpu;
	struct vsva_kvm *kvm;
	struct host host;

	host_create(&host);
	EXPECT(vsva_kvm_create(host.iommu, &host, 1, &kvm) == 0);
	EXPECT(vsva_vcpu_create(kvm, &vcpu) == 0);
	vsva_kvm_put(kvm); /* the vCPU has a reference of its own */
	EXPECT(vsva_vcpu_ia32_pasid(vcpu) == 0);
	EXPECT(vsva_vcpu_enqcmd(vcpu, &nowhere, 0, bytes, &exit) == -EPERM);
	printf("#GP: IA32_PASID is not valid\n");
	vsva_vcpu_destroy(vcpu);
	host_destroy(&host);
	return 0;
}
