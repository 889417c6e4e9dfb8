/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_config_read: the guest reads an assigned device's configuration space, which is virtual:
 * the host has switched on what the guest has not.
 */
#include "../vmm.h"

#define PASID_CONTROL 0x146u

int main(void)
{
	uint32_t for_guest, on_host;
	struct vmm vmm;

	vmm_create(&vmm);
	EXPECT(vsva_assigned_config_read(vmm.assigned, 0x00, 4, &for_guest) == 0);
	EXPECT(vsva_device_config_read(vmm.engine, 0x00, 4, &on_host) == 0 && on_host == for_guest);

	EXPECT(vsva_assigned_config_read(vmm.assigned, PASID_CONTROL, 2, &for_guest) == 0);
	EXPECT(vsva_device_config_read(vmm.engine, PASID_CONTROL, 2, &on_host) == 0);
	printf("PASIDs: %s for the guest, %s on the host\n", for_guest ? "on" : "off",
	       on_host ? "on" : "off");
	EXPECT(for_guest == 0 && on_host != 0);
	EXPECT(vsva_assigned_config_read(vmm.assigned, 0x1000, 4, &for_guest) == -EINVAL);
	vmm_destroy(&vmm);
	return 0;
}
