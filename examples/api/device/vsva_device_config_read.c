/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_config_read: configuration space: does the device have the PASID capability? Its
 * extended capabilities are a list that begins at 0x100.
 */
#include "../host.h"

#define CAPABILITY_PASID 0x1bu

static uint32_t find_capability(struct vsva_device *device, uint32_t wanted)
{
	uint32_t at = 0x100, head;

	while (at) {
		EXPECT(vsva_device_config_read(device, at, 4, &head) == 0);
		if ((head & 0xffff) == wanted)
			return at;
		at = head >> 20;
	}
	return 0;
}

int main(void)
{
	struct host host;
	uint32_t at, width;

	host_create(&host);
	host_add_engine(&host);
	at = find_capability(host.engine, CAPABILITY_PASID);
	EXPECT(at);
	EXPECT(vsva_device_config_read(host.engine, at + 4, 2, &width) == 0);
	printf("PASID capability at %#" PRIx32 ", %" PRIu32 " bits\n", at, width >> 8 & 0x1f);
	EXPECT((width >> 8 & 0x1f) == 20);
	EXPECT(!find_capability(host.engine, 0x7777));
	host_destroy(&host);
	return 0;
}
