/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_write: a vCPU programs an assigned device. A guest PASID that the guest writes into a
 * register becomes the host's in the hardware.
 */
#include "../engine.h"
#include "../tenant.h"

int main(void)
{
	struct vsva_assigned *assigned;
	struct vsva_guest_device *engine;
	struct vsva_device *device;
	struct tenant tenant;
	uint32_t pasid;

	tenant_create(&tenant);
	device = engine_create(tenant.machine);
	EXPECT(vsva_guest_add_device(tenant.guest, device, rid(0x38), &engine) == 0);
	EXPECT(vsva_process_bind(tenant.process, engine) == 0);
	EXPECT(tenant_copy(&tenant, 0) == VSVA_DSA_SUCCESS); /* the target is present now */
	assigned = vsva_guest_device_assigned(engine);
	pasid = vsva_process_pasid(tenant.process).v | 1u << 31;
	EXPECT(vsva_assigned_write(assigned, 0, ENGINE_DESTINATION, 8, tenant.to.v) == 0);
	EXPECT(vsva_assigned_write(assigned, 0, ENGINE_LENGTH, 4, 8) == 0);
	EXPECT(vsva_assigned_write(assigned, 0, ENGINE_PASID, 4, pasid) == 0);
	EXPECT(vsva_assigned_write(assigned, 0, ENGINE_FILL, 8, 7) == 0);
	EXPECT(vsva_assigned_write(assigned, 0, ENGINE_COMMAND, 4, ENGINE_DO_FILL) == 0);
	vsva_machine_run_idle(tenant.machine, 10000);
	printf("the device wrote %" PRIu64 " by the process' pointer\n", tenant_result(&tenant));
	EXPECT(tenant_result(&tenant) == 7);
	EXPECT(vsva_assigned_write(assigned, 0, 0x1000, 4, 0) == -EINVAL); /* outside */
	tenant_destroy(&tenant);
	return 0;
}
