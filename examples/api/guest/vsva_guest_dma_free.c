/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_dma_free: the guest's driver takes DMA memory back: unmapped and flushed, so that the
 * device cannot reach it when it is used for something else.
 */
#include "../engine.h"
#include "../tenant.h"

int main(void)
{
	struct vsva_guest_device *engine;
	uint64_t iova, value, pages;
	struct vsva_device *device;
	struct tenant tenant;
	gpa_t memory;

	tenant_create(&tenant);
	device = engine_create(tenant.machine);
	EXPECT(vsva_guest_add_device(tenant.guest, device, rid(0x38), &engine) == 0);
	EXPECT(vsva_guest_dma_alloc(engine, VSVA_PAGE_SIZE, &iova, &memory) == 0);
	EXPECT(engine_write(device, WITHOUT_PASID, iova, 7)); /* and it is cached now */

	pages = vsva_guest_free_pages(tenant.guest);
	EXPECT(vsva_guest_dma_free(engine, iova, memory, VSVA_PAGE_SIZE) == 0);
	EXPECT(vsva_guest_free_pages(tenant.guest) == pages + 1);
	EXPECT(!engine_write(device, WITHOUT_PASID, iova, 8));
	EXPECT(vsva_vm_read(tenant.vm, memory, &value, sizeof(value)) == 0 && value != 8);
	printf("the device is refused\n");
	tenant_destroy(&tenant);
	return 0;
}
