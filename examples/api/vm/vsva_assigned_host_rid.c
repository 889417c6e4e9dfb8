/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_host_rid: the requester id that the device's requests carry on the bus, which is not
 * the one that the guest sees: by it a fault of the unit is found again.
 */
#include "../vmm.h"

int main(void)
{
	struct vmm vmm;

	vmm_create(&vmm);
	printf("%#x for the guest, %#x on the bus\n", VMM_RID,
	       vsva_assigned_host_rid(vmm.assigned).v);
	EXPECT(vsva_assigned_host_rid(vmm.assigned).v == vsva_device_rid(vmm.engine).v);
	EXPECT(vsva_assigned_host_rid(vmm.assigned).v != VMM_RID);
	vmm_destroy(&vmm);
	return 0;
}
