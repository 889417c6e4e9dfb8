/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_hpasid: the host PASID behind a guest's, for whoever compares what the guest says with what
 * the unit recorded.
 */
#include <vsva/limits.h>

#include "../tenant.h"

int main(void)
{
	struct tenant tenant;
	gpasid_t guest;
	hpasid_t host;

	tenant_create(&tenant);
	guest = vsva_process_pasid(tenant.process);
	EXPECT(vsva_vm_hpasid(tenant.vm, guest, &host) == 0);
	printf("guest PASID %" PRIu32 " is host PASID %#" PRIx32 "\n", guest.v, host.v);
	EXPECT(host.v >= VSVA_LIMIT_FIRST_VM_PASID);
	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0);
	EXPECT(vsva_vm_hpasid(tenant.vm, guest, &host) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
