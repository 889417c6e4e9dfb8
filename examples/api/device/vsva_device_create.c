/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_create: plugs a device in behind the unit: an accelerator with four work queues, under
 * a requester id of one's own choice.
 */
#include <vsva/device.h>

#include "../example.h"

int main(void)
{
	struct vsva_device_options options = {
		.kind = VSVA_DEVICE_DSA, .rid = {0x0100}, .queues = 4};
	struct vsva_machine *machine;
	struct vsva_device *device;
	uint32_t id;

	EXPECT(vsva_machine_create(NULL, &machine) == 0);
	EXPECT(vsva_device_create(machine, &options, &device) == 0);
	EXPECT(vsva_device_config_read(device, 0, 4, &id) == 0);
	printf("%02x:%02x.%x has id %08" PRIx32 "\n", vsva_device_rid(device).v >> 8,
	       vsva_device_rid(device).v >> 3 & 31, vsva_device_rid(device).v & 7, id);
	EXPECT(id == 0x0b258086); /* what a stock driver takes for an Intel DSA */

	EXPECT(vsva_device_create(machine, &options, &device) == -EEXIST);
	options = (struct vsva_device_options){.rid = {0x0201}, .pf_rid = {0x0200}};
	EXPECT(vsva_device_create(machine, &options, &device) == -ENOENT); /* no such PF */
	vsva_machine_destroy(machine);
	return 0;
}
