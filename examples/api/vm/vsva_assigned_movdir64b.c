/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_movdir64b: a posted 64-byte write to the portal of a dedicated queue, whose PASID
 * stands in the queue's configuration.
 */
#include "../tenant.h"

#define DEDICATED_QUEUE 0x1000u /* portal of queue 0 */

int main(void)
{
	struct vsva_dsa_descriptor move;
	struct tenant tenant;
	uint64_t value = 7;

	tenant_create(&tenant);
	move = tenant_descriptor(&tenant);
	/* The guest's driver gives queue 0 to the process with the first job. */
	EXPECT(vsva_process_submit(tenant.process, tenant.accelerator, &move, false) == 0);
	EXPECT(vsva_process_wait(tenant.process, tenant.record, NULL) == VSVA_DSA_SUCCESS);

	EXPECT(vsva_process_write(tenant.process, tenant.from, &value, sizeof(value)) == 0);
	move.completion = tenant_map(&tenant).v;
	EXPECT(vsva_assigned_movdir64b(tenant.assigned, DEDICATED_QUEUE, &move) == 0);
	EXPECT(vsva_process_wait(tenant.process, gva(move.completion), NULL) == VSVA_DSA_SUCCESS);
	EXPECT(tenant_result(&tenant) == 7);
	printf("copied\n");
	EXPECT(vsva_assigned_movdir64b(tenant.assigned, 7, &move) == -EINVAL);
	tenant_destroy(&tenant);
	return 0;
}
