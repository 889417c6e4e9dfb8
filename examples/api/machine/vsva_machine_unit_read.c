/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_unit_read: the register page of a bare machine's unit, as a guest that drives it sees
 * it: its version and whether it knows scalable mode.
 */
#include <vsva/machine.h>

#include "../example.h"

#define VER       0x00u
#define ECAP      0x10u
#define ECAP_SMTS (UINT64_C(1) << 43)

int main(void)
{
	const struct vsva_machine_options bare = {.bare = true};
	struct vsva_machine *machine, *hosted;
	uint64_t version, ecap;

	EXPECT(vsva_machine_create(&bare, &machine) == 0);
	EXPECT(vsva_machine_unit_read(machine, VER, 4, &version) == 0);
	EXPECT(vsva_machine_unit_read(machine, ECAP, 8, &ecap) == 0);
	printf("version %" PRIu64 ".%" PRIu64 ", ECAP %#" PRIx64 "\n", version >> 4, version & 15,
	       ecap);
	EXPECT(version && (ecap & ECAP_SMTS));
	EXPECT(vsva_machine_unit_read(machine, ECAP + 1, 8, &ecap) == -EINVAL);
	EXPECT(vsva_machine_unit_read(machine, 0x100000, 4, &ecap) == -EINVAL);

	/* A unit that has a host driver is that driver's. */
	EXPECT(vsva_machine_create(NULL, &hosted) == 0);
	EXPECT(vsva_machine_unit_read(hosted, VER, 4, &version) == -EINVAL);
	vsva_machine_destroy(hosted);
	vsva_machine_destroy(machine);
	return 0;
}
