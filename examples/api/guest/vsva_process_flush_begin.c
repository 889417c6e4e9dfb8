/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_flush_begin: the guest has submitted an invalidation and does not wait for it: what the
 * VMM does then is watched step by step.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_vm_stats before, after;
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	vsva_vm_get_stats(tenant.vm, &before);
	EXPECT(vsva_process_flush_begin(tenant.process, tenant.to, VSVA_PAGE_SIZE) == 0);
	vsva_vm_get_stats(tenant.vm, &after);
	EXPECT(after.invalidations == before.invalidations); /* not yet */
	vsva_machine_run_idle(tenant.machine, 10000);
	vsva_vm_get_stats(tenant.vm, &after);
	printf("%" PRIu64 " invalidations were passed on\n",
	       after.invalidations - before.invalidations);
	EXPECT(after.invalidations > before.invalidations);

	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0);
	EXPECT(vsva_process_flush_begin(tenant.process, tenant.to, VSVA_PAGE_SIZE) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
