/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_write: a CPU of the guest writes, by the process' address: pages are faulted in on the
 * way, and a device copies what it wrote.
 */
#include "../tenant.h"

int main(void)
{
	const uint64_t value = 7, read_only = 8;
	struct tenant tenant;
	gva_t rom;

	tenant_create(&tenant);
	EXPECT(tenant_copy(&tenant, 0) == VSVA_DSA_SUCCESS);
	EXPECT(vsva_process_write(tenant.process, tenant.to, &value, sizeof(value)) == 0);
	EXPECT(tenant_result(&tenant) == 7);
	printf("wrote 7 to %#" PRIx64 "\n", tenant.to.v);

	EXPECT(vsva_process_mmap(tenant.process, gva(0), VSVA_PAGE_SIZE, false, false, &rom) == 0);
	EXPECT(vsva_process_write(tenant.process, rom, &read_only, sizeof(read_only)) == -EFAULT);
	tenant_destroy(&tenant);
	return 0;
}
