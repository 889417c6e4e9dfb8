/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_rid: the requester id that a device's requests carry: the one that was wished for, or
 * the one that was chosen.
 */
#include <vsva/device.h>

#include "../example.h"

int main(void)
{
	struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA, .rid = {0x0100}};
	struct vsva_machine *machine;
	struct vsva_device *wished, *chosen;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_device_create(machine, &options, &wished) == 0);
	EXPECT(vsva_device_rid(wished).v == 0x0100);

	options.rid = rid(0);
	EXPECT(vsva_device_create(machine, &options, &chosen) == 0);
	EXPECT(vsva_device_rid(chosen).v != 0 && vsva_device_rid(chosen).v != 0x0100);
	printf("%#06x and %#06x\n", vsva_device_rid(wished).v, vsva_device_rid(chosen).v);
	vsva_machine_destroy(machine);
	return 0;
}
