/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_pasid: the PASID of a process, one on all its devices: none before it is bound to the first,
 * and the same until it exits.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_process *other;
	struct tenant tenant;
	gpasid_t pasid;

	tenant_create(&tenant);
	pasid = vsva_process_pasid(tenant.process);
	printf("PASID %" PRIu32 "\n", pasid.v);
	EXPECT(pasid.v >= 1 && pasid.v <= VSVA_PASID_MAX);
	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0);
	EXPECT(vsva_process_pasid(tenant.process).v == pasid.v);
	EXPECT(vsva_process_create(tenant.guest, &other) == 0);
	EXPECT(vsva_process_pasid(other).v == VSVA_PASID_INVALID);
	tenant_destroy(&tenant);
	return 0;
}
