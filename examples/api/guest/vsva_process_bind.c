/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_bind: a process gives its address space to a device: it gets a PASID, and the device
 * works by its pointers.
 */
#include "../tenant.h"

int main(void)
{
	struct tenant tenant;

	tenant_boot(&tenant, NULL);
	EXPECT(vsva_process_create(tenant.guest, &tenant.process) == 0);
	tenant.from = tenant_map(&tenant);
	tenant.to = tenant_map(&tenant);
	tenant.record = tenant_map(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == -ENOENT); /* it has no PASID */

	EXPECT(vsva_process_bind(tenant.process, tenant.accelerator) == 0);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS && tenant_result(&tenant) == 7);
	printf("copied from %#" PRIx64 " to %#" PRIx64 " under PASID %" PRIu32 "\n", tenant.from.v,
	       tenant.to.v, vsva_process_pasid(tenant.process).v);
	tenant_destroy(&tenant);
	return 0;
}
