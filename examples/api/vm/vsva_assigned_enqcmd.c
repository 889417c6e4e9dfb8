/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_enqcmd: ENQCMD of a vCPU whose IA32_PASID the VMM knows, to a portal of an assigned
 * device. Of a PASID that is not bound it is a VM exit.
 */
#include "../tenant.h"

#define SHARED_QUEUE 0x5000u /* portal of queue 1 */

int main(void)
{
	struct vsva_dsa_descriptor move;
	struct tenant tenant;
	uint64_t value = 7;
	uint32_t pasid;

	tenant_create(&tenant);
	move = tenant_descriptor(&tenant);
	pasid = vsva_process_pasid(tenant.process).v | 1u << 31;
	EXPECT(vsva_process_write(tenant.process, tenant.from, &value, sizeof(value)) == 0);
	EXPECT(vsva_assigned_enqcmd(tenant.assigned, SHARED_QUEUE, pasid, &move) == 0);
	EXPECT(vsva_process_wait(tenant.process, tenant.record, NULL) == VSVA_DSA_SUCCESS);
	EXPECT(tenant_result(&tenant) == 7);
	printf("accepted, and copied\n");

	EXPECT(vsva_assigned_enqcmd(tenant.assigned, SHARED_QUEUE, pasid + 1, &move) == -ENOENT);
	EXPECT(vsva_assigned_enqcmd(tenant.assigned, SHARED_QUEUE, 0, &move) == -EPERM); /* #GP */
	tenant_destroy(&tenant);
	return 0;
}
