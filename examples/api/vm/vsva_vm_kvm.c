/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_kvm: the VM's KVM, for a VMM that has vCPUs of its own: their ENQCMD finds the guest PASIDs
 * of the VM.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_kvm_stats stats;
	struct tenant tenant;
	hpasid_t in_cpu, in_vm;
	gpasid_t guest;

	tenant_create(&tenant);
	guest = vsva_process_pasid(tenant.process);
	EXPECT(vsva_kvm_translates(vsva_vm_kvm(tenant.vm), guest, &in_cpu));
	EXPECT(vsva_vm_hpasid(tenant.vm, guest, &in_vm) == 0 && in_vm.v == in_cpu.v);
	vsva_kvm_get_stats(vsva_vm_kvm(tenant.vm), &stats);
	printf("%" PRIu64 " translation: %" PRIu32 " to %#" PRIx32 "\n", stats.translations_now,
	       guest.v, in_cpu.v);
	EXPECT(stats.translations_now == 1);
	tenant_destroy(&tenant);
	return 0;
}
