/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_create: a virtual machine as its VMM makes it: without memory and devices yet, with a virtual
 * IOMMU. Options say what that offers: here no page requests.
 */
#include <vsva/vm.h>

#include "../example.h"

#define ECAP     0x10u
#define ECAP_PRS (UINT64_C(1) << 29)

int main(void)
{
	const struct vsva_machine_options bare_options = {.bare = true};
	const struct vsva_vm_options plain = {.no_page_requests = true};
	struct vsva_machine *machine, *bare;
	uint64_t with, without;
	struct vsva_vm *vm;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_vm_create(machine, NULL, &vm) == 0);
	EXPECT(vsva_viommu_read(vm, ECAP, 8, &with) == 0);
	vsva_vm_destroy(vm);
	EXPECT(vsva_vm_create(machine, &plain, &vm) == 0);
	EXPECT(vsva_viommu_read(vm, ECAP, 8, &without) == 0);
	printf("ECAP %#" PRIx64 " with page requests, %#" PRIx64 " without\n", with, without);
	EXPECT((with & ECAP_PRS) && !(without & ECAP_PRS));
	vsva_vm_destroy(vm);

	EXPECT(vsva_machine_create(&bare_options, &bare) == 0);
	EXPECT(vsva_vm_create(bare, NULL, &vm) == -EINVAL); /* whose unit a guest drives */
	vsva_machine_destroy(bare);
	vsva_machine_destroy(machine);
	return 0;
}
