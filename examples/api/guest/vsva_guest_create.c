/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_create: a VM with a guest in it that has booted: its driver has programmed the virtual
 * unit as a real guest's does. Here one that may have two PASIDs.
 */
#include <vsva/guest.h>

#include "../example.h"

#define GSTS     0x1cu
#define GSTS_TES UINT64_C(0x80000000)

int main(void)
{
	const struct vsva_guest_options options = {
		.name = "small", .memory = 16 << 20, .pasid_quota = 2};
	struct vsva_machine *machine;
	struct vsva_guest *guest;
	uint64_t status;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_guest_create(machine, &options, &guest) == 0);
	EXPECT(vsva_viommu_read(vsva_guest_vm(guest), GSTS, 4, &status) == 0);
	printf("translation of the virtual unit: %s\n", status & GSTS_TES ? "on" : "off");
	EXPECT(status & GSTS_TES);
	vsva_guest_destroy(guest);
	vsva_machine_destroy(machine);
	return 0;
}
