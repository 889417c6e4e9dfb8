/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_read: a vCPU reads a register of an assigned device. PASIDs in them are the guest's
 * own, whatever stands in the hardware.
 */
#include "../tenant.h"

#define WQCFG_MODE 0x508u /* of queue 0, the dedicated one; PASID in bits 27:8 */

int main(void)
{
	struct vsva_dsa_descriptor move;
	struct tenant tenant;
	uint64_t mode, hardware;

	tenant_create(&tenant);
	move = tenant_descriptor(&tenant);
	EXPECT(vsva_process_submit(tenant.process, tenant.accelerator, &move, false) == 0);
	EXPECT(vsva_assigned_read(tenant.assigned, 0, WQCFG_MODE, 4, &mode) == 0);
	EXPECT(vsva_device_read(tenant.device, 0, WQCFG_MODE, 4, &hardware) == 0);
	printf("PASID of queue 0: %#" PRIx64 " for the guest, %#" PRIx64 " in hardware\n",
	       mode >> 8 & VSVA_PASID_MAX, hardware >> 8 & VSVA_PASID_MAX);
	EXPECT((mode >> 8 & VSVA_PASID_MAX) == vsva_process_pasid(tenant.process).v);
	EXPECT((hardware >> 8 & VSVA_PASID_MAX) != vsva_process_pasid(tenant.process).v);
	EXPECT(vsva_assigned_read(tenant.assigned, 1, 0, 4, &mode) == -EINVAL); /* no such BAR */
	tenant_destroy(&tenant);
	return 0;
}
