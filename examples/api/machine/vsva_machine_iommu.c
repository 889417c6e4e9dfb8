/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_iommu: the host's VT-d driver of the machine, which everything in vsva/iommu.h asks
 * for. A bare machine has none: a guest drives the unit there.
 */
#include <vsva/machine.h>

#include "../example.h"

int main(void)
{
	const struct vsva_machine_options bare_options = {.bare = true};
	struct vsva_machine *machine, *bare;
	struct vsva_iommu_caps caps;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_machine_iommu(machine));
	vsva_iommu_get_caps(vsva_machine_iommu(machine), &caps);
	printf("nested translation: %s\n", caps.nesting ? "yes" : "no");
	EXPECT(caps.nesting);

	EXPECT(vsva_machine_create(&bare_options, &bare) == 0);
	EXPECT(!vsva_machine_iommu(bare));
	vsva_machine_destroy(bare);
	vsva_machine_destroy(machine);
	return 0;
}
