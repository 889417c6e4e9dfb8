/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_unbind: the process takes its address space back from a device: entry cleared, caches
 * flushed. Whoever still has the number finds nothing behind it.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_dsa_descriptor move;
	struct tenant tenant;
	uint32_t ia32_pasid;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	ia32_pasid = vsva_process_pasid(tenant.process).v | 1u << 31;
	move = tenant_descriptor(&tenant);

	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0);
	EXPECT(vsva_assigned_enqcmd(tenant.assigned, 0x5000, ia32_pasid, &move) == -ENOENT);
	EXPECT(tenant_result(&tenant) == 7);
	printf("unbound: the old PASID leads nowhere\n");
	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
