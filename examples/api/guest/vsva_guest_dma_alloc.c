/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_dma_alloc: memory of the guest's kernel for a device, mapped for requests without PASID:
 * what a driver without SVA uses.
 */
#include "../engine.h"
#include "../tenant.h"

int main(void)
{
	struct vsva_guest_device *engine;
	uint64_t iova = 0, value = 0;
	struct vsva_device *device;
	struct tenant tenant;
	gpa_t memory;

	tenant_create(&tenant);
	device = engine_create(tenant.machine);
	EXPECT(vsva_guest_add_device(tenant.guest, device, rid(0x38), &engine) == 0);
	EXPECT(vsva_guest_dma_alloc(engine, VSVA_PAGE_SIZE, &iova, &memory) == 0);
	EXPECT(engine_write(device, WITHOUT_PASID, iova, 7));
	EXPECT(vsva_vm_read(tenant.vm, memory, &value, sizeof(value)) == 0);
	printf("the device wrote %" PRIu64 " to GPA %#" PRIx64 "\n", value, memory.v);
	EXPECT(value == 7);
	EXPECT(!engine_write(device, WITHOUT_PASID, iova + (1 << 30), 8)); /* nobody mapped that */
	EXPECT(vsva_guest_dma_free(engine, iova, memory, VSVA_PAGE_SIZE) == 0);
	tenant_destroy(&tenant);
	return 0;
}
