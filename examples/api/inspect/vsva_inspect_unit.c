/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_unit: what a unit offers and what it does now: the physical one (0), or a VM's virtual
 * one by the VM's number.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	struct vsva_unit_info physical, virtual;
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(vsva_inspect_unit(tenant.machine, 0, &physical) == 0);
	EXPECT(vsva_inspect_unit(tenant.machine, vsva_vm_number(tenant.vm), &virtual) == 0);
	printf("physical: root %#" PRIx64 ", cache %s\n", physical.root,
	       vsva_cache_policy_name(physical.cache_policy));
	printf("virtual: root %#" PRIx64 ", translation %s\n", virtual.root,
	       virtual.is_translating ? "on" : "off");
	EXPECT(physical.is_translating && virtual.is_translating && !physical.is_bare);
	EXPECT(physical.root != virtual.root); /* a host's and a guest's address */
	EXPECT(vsva_inspect_unit(tenant.machine, 999, &virtual) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
