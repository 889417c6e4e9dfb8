/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_munmap: the process gives memory back while a device knows it: the guest invalidates
 * and waits, and a device that comes later is told that there is no such page.
 */
#include "../tenant.h"

int main(void)
{
	struct tenant tenant;
	uint64_t value;
	int status;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	EXPECT(vsva_process_munmap(tenant.process, tenant.to, VSVA_PAGE_SIZE) == 0);
	status = tenant_copy(&tenant, 8);
	printf("status of the copy: %#x\n", (unsigned)status);
	EXPECT(status == (VSVA_DSA_PAGE_REQUEST_INVALID | VSVA_DSA_STATUS_WRITE));
	EXPECT(vsva_process_read(tenant.process, tenant.to, &value, sizeof(value)) == -EFAULT);
	tenant_destroy(&tenant);
	return 0;
}
