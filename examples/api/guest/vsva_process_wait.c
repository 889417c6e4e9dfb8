/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_wait: waits for the accelerator's completion record in the process' memory, and reads
 * it: how did the job end, and how far did it come?
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_dsa_completion record = {0};
	struct vsva_dsa_descriptor move;
	struct tenant tenant;

	tenant_create(&tenant);
	move = tenant_descriptor(&tenant);
	EXPECT(vsva_process_submit(tenant.process, tenant.accelerator, &move, true) == 0);
	EXPECT(vsva_process_wait(tenant.process, tenant.record, &record) == VSVA_DSA_SUCCESS);
	EXPECT(record.status == VSVA_DSA_SUCCESS);

	move.destination = 0x10000; /* no memory of the process */
	move.completion = tenant_map(&tenant).v;
	EXPECT(vsva_process_submit(tenant.process, tenant.accelerator, &move, true) == 0);
	EXPECT(vsva_process_wait(tenant.process, gva(move.completion), &record) ==
	       (VSVA_DSA_PAGE_REQUEST_INVALID | VSVA_DSA_STATUS_WRITE));
	printf("status %#x at %#" PRIx64 "\n", record.status, record.fault_address);
	EXPECT(record.fault_address == 0x10000);
	EXPECT(vsva_process_wait(tenant.process, tenant_map(&tenant), NULL) == -ETIMEDOUT);
	tenant_destroy(&tenant);
	return 0;
}
