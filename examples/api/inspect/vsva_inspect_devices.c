/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_devices: all devices of a machine, and what their drivers have switched on.
 */
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_TEST_ENGINE,
						    .rid = {0x0800}};
	struct vsva_device_info info[4];
	struct vsva_device *spare;
	struct tenant tenant;
	size_t count;

	tenant_create(&tenant);
	EXPECT(vsva_device_create(tenant.machine, &options, &spare) == 0);
	count = vsva_inspect_devices(tenant.machine, rid(0), info, 4);
	EXPECT(count == 2);
	for (size_t i = 0; i < count; i++) {
		printf("%04x: %s, PASIDs %s\n", info[i].rid.v,
		       info[i].is_assigned ? "a VM's" : "free", info[i].pasid ? "on" : "off");
		EXPECT(info[i].is_assigned == (info[i].kind == VSVA_DEVICE_DSA));
		EXPECT(info[i].pasid == info[i].is_assigned);
	}
	tenant_destroy(&tenant);
	return 0;
}
