/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_mmap: memory of the process, made present when a CPU or a device touches it; at an
 * address of its own choice, and in huge pages if wanted.
 */
#include "../tenant.h"

int main(void)
{
	const uint64_t huge = 2 << 20;
	struct tenant tenant;
	gva_t out;

	tenant_create(&tenant);
	EXPECT(vsva_process_mmap(tenant.process, gva(0x10000), VSVA_PAGE_SIZE, true, false, &out) ==
	       0);
	EXPECT(out.v == 0x10000);
	tenant.to = out;
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS && tenant_result(&tenant) == 7);

	EXPECT(vsva_process_mmap(tenant.process, gva(0), huge, true, true, &out) == 0);
	EXPECT(out.v % huge == 0);
	printf("a page at 0x10000, a huge one at %#" PRIx64 "\n", out.v);
	EXPECT(vsva_process_mmap(tenant.process, gva(0x10000), VSVA_PAGE_SIZE, true, false, &out) ==
	       -EEXIST);
	EXPECT(vsva_process_mmap(tenant.process, gva(0), 1, true, false, &out) == -EINVAL);
	tenant_destroy(&tenant);
	return 0;
}
