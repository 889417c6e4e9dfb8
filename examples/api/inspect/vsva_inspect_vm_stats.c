/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_vm_stats: the counters of a VM by its number, for an onlooker who has no handle of it.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	struct vsva_vm_stats stats = {0};
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(vsva_inspect_vm_stats(tenant.machine, vsva_vm_number(tenant.vm), &stats) == 0);
	printf("%" PRIu64 " bind, %" PRIu64 " descriptors\n", stats.binds, stats.descriptors);
	EXPECT(stats.binds == 1 && stats.descriptors > 0);
	EXPECT(vsva_inspect_vm_stats(tenant.machine, 999, &stats) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
