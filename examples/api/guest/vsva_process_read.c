/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_read: a CPU of the guest reads, by the process' address: here what the accelerator has
 * put there.
 */
#include "../tenant.h"

int main(void)
{
	struct tenant tenant;
	uint64_t value = 0;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	EXPECT(vsva_process_read(tenant.process, tenant.to, &value, sizeof(value)) == 0);
	printf("the process reads %" PRIu64 "\n", value);
	EXPECT(value == 7);
	EXPECT(vsva_process_read(tenant.process, gva(0x10000), &value, sizeof(value)) == -EFAULT);
	tenant_destroy(&tenant);
	return 0;
}
