/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_reboot: a system reset: the guest's processes are gone, its devices are found again, and
 * their handles stay valid.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_vm_stats stats;
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	EXPECT(vsva_guest_reboot(tenant.guest) == 0);
	vsva_vm_get_stats(tenant.vm, &stats);
	EXPECT(stats.bound_now == 0 && stats.pasids_now == 0);

	tenant_add_process(&tenant); /* the process before is no more */
	EXPECT(tenant_copy(&tenant, 8) == VSVA_DSA_SUCCESS && tenant_result(&tenant) == 8);
	printf("booted again, and at work\n");
	tenant_destroy(&tenant);
	return 0;
}
