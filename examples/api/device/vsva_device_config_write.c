/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_config_write: a driver makes the function a bus master (bit 2 of the command register,
 * PCI 6.2.2). Before that it makes no access.
 */
#include "../host.h"

#define COMMAND 0x04u

int main(void)
{
	struct host host;

	host_create(&host);
	host_add_device(&host); /* makes it a bus master */
	EXPECT(vsva_device_config_write(host.engine, COMMAND, 2, 0x2) == 0);
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(*host_word(&host, HOST_PAGE) == 0);

	EXPECT(vsva_device_config_write(host.engine, COMMAND, 2, 0x6) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("as a bus master the device may write\n");
	host_destroy(&host);
	return 0;
}
