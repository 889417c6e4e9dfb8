/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_pasid: the PASID of a process, one on all its devices, while it is bound to any.
 */
#include "../tenant.h"

int main(void)
{
	struct tenant tenant;

	tenant_create(&tenant);
	printf("PASID %" PRIu32 "\n", vsva_process_pasid(tenant.process).v);
	EXPECT(vsva_process_pasid(tenant.process).v >= 1);
	EXPECT(vsva_process_pasid(tenant.process).v <= VSVA_PASID_MAX);
	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0);
	EXPECT(vsva_process_pasid(tenant.process).v == VSVA_PASID_INVALID);
	tenant_destroy(&tenant);
	return 0;
}
