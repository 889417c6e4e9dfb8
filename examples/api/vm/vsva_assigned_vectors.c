/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_vectors: how many MSI-X vectors the guest sees, for whoever routes them to it.
 */
#include "../tenant.h"

int main(void)
{
	struct tenant tenant;

	tenant_create(&tenant);
	printf("%u vectors\n", vsva_assigned_vectors(tenant.assigned));
	EXPECT(vsva_assigned_vectors(tenant.assigned) >= 2);
	EXPECT(vsva_assigned_vectors(tenant.assigned) == vsva_device_vectors(tenant.device));
	tenant_destroy(&tenant);
	return 0;
}
