/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_free_pages: how much of the guest's memory is free: a leak in a guest's life would be seen
 * here.
 */
#include "../tenant.h"

int main(void)
{
	uint64_t before, used;
	struct tenant tenant;

	tenant_boot(&tenant, NULL);
	tenant_add_process(&tenant); /* for tables that stay */
	vsva_process_exit(tenant.process);
	before = vsva_guest_free_pages(tenant.guest);
	tenant_add_process(&tenant);
	EXPECT(tenant_copy(&tenant, 7) == VSVA_DSA_SUCCESS);
	used = before - vsva_guest_free_pages(tenant.guest);
	printf("a process and its tables take %" PRIu64 " pages\n", used);
	EXPECT(used >= 3);
	vsva_process_exit(tenant.process);
	EXPECT(vsva_guest_free_pages(tenant.guest) == before);
	tenant_destroy(&tenant);
	return 0;
}
