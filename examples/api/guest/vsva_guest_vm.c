/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_vm: the VM that the guest runs in, for all that vsva/vm.h can do with it.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_vm_stats stats;
	struct tenant tenant;
	hpasid_t host;

	tenant_create(&tenant);
	vsva_vm_get_stats(vsva_guest_vm(tenant.guest), &stats);
	EXPECT(stats.binds == 1);
	EXPECT(vsva_vm_hpasid(vsva_guest_vm(tenant.guest), vsva_process_pasid(tenant.process),
			      &host) == 0);
	printf("VM %" PRIu32 ": guest PASID %" PRIu32 " is host PASID %#" PRIx32 "\n",
	       vsva_vm_number(vsva_guest_vm(tenant.guest)), vsva_process_pasid(tenant.process).v,
	       host.v);
	tenant_destroy(&tenant);
	return 0;
}
