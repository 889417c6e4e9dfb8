/* SPDX-License-Identifier: MIT */
/*
 * vsva_iommu_ioasid_space: the numbers that the unit's PASIDs are dealt out from: where an owner's
 * set comes from.
 */
#include <vsva/machine.h>

#include "../example.h"

int main(void)
{
	struct vsva_ioasid_space *space;
	struct vsva_ioasid_set *set;
	struct vsva_machine *machine;
	char vm;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	space = vsva_iommu_ioasid_space(vsva_machine_iommu(machine));
	EXPECT(space);
	printf("%" PRIu32 " PASIDs\n", vsva_ioasid_space_available(space));
	EXPECT(vsva_ioasid_set_alloc(space, &vm, 4, &set) == 0);
	vsva_ioasid_set_free(set);
	vsva_machine_destroy(machine);
	return 0;
}
