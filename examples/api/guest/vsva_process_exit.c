/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_exit: the process dies while it is bound to a device: the guest's kernel clears the
 * PASID entry and flushes, and then frees memory.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_vm_stats stats;
	struct tenant tenant;
	uint64_t pages;
	uint32_t pasid;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	pasid = vsva_process_pasid(tenant.process).v;
	pages = vsva_guest_free_pages(tenant.guest);

	vsva_process_exit(tenant.process);
	vsva_vm_get_stats(tenant.vm, &stats);
	EXPECT(stats.bound_now == 0);
	EXPECT(vsva_guest_free_pages(tenant.guest) > pages);
	EXPECT(vsva_assigned_enqcmd(tenant.assigned, 0x5000, pasid | 1u << 31, &(char[64]){0}) ==
	       -ENOENT);
	printf("the process is gone, and its PASID leads nowhere\n");
	tenant_destroy(&tenant);
	return 0;
}
