/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_portal: where an assigned accelerator's portals are for a vCPU's ENQCMD.
 */
#include "../tenant.h"

#define SHARED_QUEUE 0x5000u /* portal of queue 1 */

int main(void)
{
	struct vsva_dsa_descriptor move;
	struct vsva_portal portal;
	struct tenant tenant;
	struct vsva_vcpu *vcpu;
	uint64_t value = 7;

	tenant_create(&tenant);
	move = tenant_descriptor(&tenant);
	EXPECT(vsva_process_write(tenant.process, tenant.from, &value, sizeof(value)) == 0);
	portal = vsva_assigned_portal(tenant.assigned);
	EXPECT(vsva_vcpu_create(vsva_vm_kvm(tenant.vm), &vcpu) == 0);
	EXPECT(vsva_vcpu_set_ia32_pasid(vcpu, vsva_process_pasid(tenant.process).v | 1u << 31) ==
	       0);
	EXPECT(vsva_vcpu_enqcmd(vcpu, &portal, SHARED_QUEUE, &move, NULL) == 0);
	EXPECT(vsva_process_wait(tenant.process, tenant.record, NULL) == VSVA_DSA_SUCCESS);
	EXPECT(tenant_result(&tenant) == 7);
	printf("submitted by a vCPU, copied by the accelerator\n");
	vsva_vcpu_destroy(vcpu);
	tenant_destroy(&tenant);
	return 0;
}
