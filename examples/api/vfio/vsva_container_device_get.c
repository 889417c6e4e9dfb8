/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_device_get: a reference on a device's handle, for a thread that answers its page
 * requests, say: after a close its calls return -ENODEV instead of touching freed memory.
 */
#include "../container.h"

int main(void)
{
	const struct vsva_page_response response = {.argsz = sizeof(response), .version = 1};
	struct owner owner;

	owner_open(&owner);
	vsva_container_device_get(owner.device); /* for a thread that answers */
	EXPECT(vsva_container_device_close(owner.device) == 0);

	EXPECT(vsva_container_page_response(owner.device, &response) == -ENODEV);
	EXPECT(vsva_container_device_dev(owner.device) == owner.host.dev);
	printf("the handle is closed and can still be asked\n");
	vsva_container_device_put(owner.device); /* the thread ends */
	owner_close(&owner);
	return 0;
}
