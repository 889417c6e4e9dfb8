/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_kind: is it an accelerator or a test engine? For whoever is handed a device.
 */
#include "../host.h"

int main(void)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA};
	struct vsva_device *accelerator;
	struct host host;

	host_create(&host);
	host_add_engine(&host);
	EXPECT(vsva_device_create(host.machine, &options, &accelerator) == 0);
	EXPECT(vsva_device_kind(host.engine) == VSVA_DEVICE_TEST_ENGINE);
	EXPECT(vsva_device_kind(accelerator) == VSVA_DEVICE_DSA);
	printf("one of each kind\n");
	host_destroy(&host);
	return 0;
}
