/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_create: everything begins with a machine. Without options it has a host driver and no
 * threads of its own; what is random comes from the seed, so a run can be repeated.
 */
#include <vsva/machine.h>

#include "../example.h"

int main(void)
{
	struct vsva_machine_options options = {.cache_policy = VSVA_CACHE_RANDOM, .seed = 7};
	struct vsva_machine *plain = NULL, *seeded = NULL;

	EXPECT(vsva_machine_create(NULL, &plain) == 0 && plain);
	EXPECT(vsva_machine_create(&options, &seeded) == 0 && seeded); /* as many as one likes */
	EXPECT(vsva_machine_iommu(plain) && vsva_machine_iommu(seeded));
	printf("two machines, each with a host driver\n");
	vsva_machine_destroy(seeded);
	vsva_machine_destroy(plain);

	options.cache_policy = (enum vsva_cache_policy)99;
	EXPECT(vsva_machine_create(&options, &plain) == -EINVAL);
	return 0;
}
