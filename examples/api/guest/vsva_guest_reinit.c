/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_reinit: another kernel takes over (kexec after a crash) and says nothing to the devices
 * of the one before: their bindings are gone with the old root table.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_vm_stats stats;
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	EXPECT(vsva_guest_reinit(tenant.guest) == 0);
	vsva_vm_get_stats(tenant.vm, &stats);
	printf("bound: %" PRIu64 "\n", stats.bound_now);
	EXPECT(stats.bound_now == 0);

	tenant_add_process(&tenant); /* of the new kernel */
	EXPECT(tenant_copy(&tenant, 8) == VSVA_DSA_SUCCESS && tenant_result(&tenant) == 8);
	tenant_destroy(&tenant);
	return 0;
}
