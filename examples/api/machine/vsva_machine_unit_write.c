/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_unit_write: a guest on a bare machine gives the unit a root table: RTADDR, then the
 * command "set root table pointer" (VT-d 11.4.4), and waits for its status bit.
 */
#include <vsva/machine.h>

#include "../example.h"

#define GCMD          0x18u
#define GSTS          0x1cu
#define RTADDR        0x20u
#define SRTP          (UINT32_C(1) << 30)
#define SCALABLE_MODE (UINT64_C(1) << 10)

int main(void)
{
	const struct vsva_machine_options bare = {.bare = true};
	struct vsva_machine *machine;
	uint64_t value;

	EXPECT(vsva_machine_create(&bare, &machine) == 0);
	EXPECT(vsva_machine_unit_write(machine, RTADDR, 8, 0x10000 | SCALABLE_MODE) == 0);
	EXPECT(vsva_machine_unit_write(machine, GCMD, 4, SRTP) == 0);
	vsva_machine_run_idle(machine, 1000);
	EXPECT(vsva_machine_unit_read(machine, GSTS, 4, &value) == 0);
	printf("GSTS %#" PRIx64 "\n", value);
	EXPECT(value & SRTP);

	EXPECT(vsva_machine_unit_write(machine, RTADDR, 3, 0) == -EINVAL);
	vsva_machine_destroy(machine);
	return 0;
}
