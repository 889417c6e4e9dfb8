/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_create: a process of the guest, with an empty address space and no PASID.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_process *process;
	struct tenant tenant;
	char byte;

	tenant_boot(&tenant, NULL);
	EXPECT(vsva_process_create(tenant.guest, &process) == 0);
	EXPECT(vsva_process_pasid(process).v == VSVA_PASID_INVALID);
	EXPECT(vsva_process_read(process, gva(0x10000), &byte, 1) ==
	       -EFAULT); /* nothing is there */
	printf("an empty process\n");
	vsva_process_exit(process);
	tenant_destroy(&tenant);
	return 0;
}
