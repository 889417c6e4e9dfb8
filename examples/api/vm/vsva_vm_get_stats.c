/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_get_stats: what a VM has done and has now: is it the guest that does not bind, or the host
 * that refuses?
 */
#include "../tenant.h"

int main(void)
{
	const struct vsva_guest_options one = {.pasid_quota = 1};
	struct vsva_process *second;
	struct vsva_vm_stats stats = {0};
	struct tenant tenant;

	tenant_boot(&tenant, &one);
	tenant_add_process(&tenant);
	EXPECT(vsva_process_create(tenant.guest, &second) == 0);
	EXPECT(vsva_process_bind(second, tenant.accelerator) ==
	       0); /* what the guest can see of it */
	vsva_vm_get_stats(tenant.vm, &stats);
	printf("%" PRIu64 " bind, %" PRIu64 " refused, %" PRIu64 " PASID now\n", stats.binds,
	       stats.refused_binds, stats.pasids_now);
	EXPECT(stats.binds == 1 && stats.refused_binds >= 1 && stats.pasids_now == 1);
	tenant_destroy(&tenant);
	return 0;
}
