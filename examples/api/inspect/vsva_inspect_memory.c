/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_memory: words of physical memory, or of a guest's: here the root entry of bus 0 that a
 * guest has written, at the address that its RTADDR says.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	struct vsva_unit_info unit;
	uint64_t words[2] = {0}, root;
	struct tenant tenant;
	uint32_t vm;

	tenant_create(&tenant);
	vm = vsva_vm_number(tenant.vm);
	EXPECT(vsva_inspect_unit(tenant.machine, vm, &unit) == 0);
	root = unit.root & ~UINT64_C(0xfff);
	EXPECT(vsva_inspect_memory(tenant.machine, vm, root, words, 2) == 0);
	printf("root entry of bus 0: %016" PRIx64 " %016" PRIx64 "\n", words[0], words[1]);
	EXPECT(words[0] & 1); /* present: there is a device */

	EXPECT(vsva_inspect_memory(tenant.machine, vm, root + 1, words, 1) == -EINVAL);
	EXPECT(vsva_inspect_memory(tenant.machine, vm, UINT64_C(1) << 40, words, 1) == -EFAULT);
	tenant_destroy(&tenant);
	return 0;
}
