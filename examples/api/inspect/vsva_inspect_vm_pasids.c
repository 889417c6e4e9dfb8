/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_vm_pasids: the guest PASIDs of a VM, their host PASIDs, and why each is kept.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	struct vsva_vm_pasid_info info;
	struct tenant tenant;

	tenant_create(&tenant);
	EXPECT(vsva_inspect_vm_pasids(tenant.machine, vsva_vm_number(tenant.vm), gpasid(0), &info,
				      1) == 1);
	printf("guest PASID %" PRIu32 " is %#" PRIx32 ": %" PRIu32 " binding, %" PRIu32 " queues\n",
	       info.gpasid.v, info.hpasid.v, info.bindings, info.queues);
	EXPECT(info.gpasid.v == vsva_process_pasid(tenant.process).v);
	EXPECT(info.bindings == 1 && info.queues == 0 && info.has_cpu_translation);
	tenant_destroy(&tenant);
	return 0;
}
