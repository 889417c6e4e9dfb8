/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_bind_begin: a guest that is caught half-way: its PASID entry is written, the
 * invalidation is on its way, and nobody has waited for it.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_vm_stats stats;
	struct tenant tenant;

	tenant_boot(&tenant, NULL);
	EXPECT(vsva_process_create(tenant.guest, &tenant.process) == 0);
	EXPECT(vsva_process_bind_begin(tenant.process, tenant.accelerator) == 0);
	vsva_vm_get_stats(tenant.vm, &stats);
	EXPECT(stats.binds == 0); /* the virtual unit has not yet read it */

	vsva_machine_run_idle(tenant.machine, 10000);
	vsva_vm_get_stats(tenant.vm, &stats);
	printf("binds: %" PRIu64 "\n", stats.binds);
	EXPECT(stats.binds == 1 && stats.bound_now == 1);
	EXPECT(vsva_process_bind_begin(tenant.process, tenant.accelerator) == 0); /* it is bound */
	tenant_destroy(&tenant);
	return 0;
}
