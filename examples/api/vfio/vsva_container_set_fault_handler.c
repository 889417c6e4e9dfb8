/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_set_fault_handler: who hears of a device's page requests and of accesses that were
 * refused: here one to memory that the guest does not have.
 */
#include "../container.h"

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)dev;
	if (fault->type == VSVA_FAULT_DMA_UNRECOV)
		*(struct vsva_fault_unrecoverable *)arg = fault->u.event;
	return 0;
}

int main(void)
{
	struct vsva_fault_unrecoverable fault = {0};
	struct owner owner;
	struct host *host = &owner.host;

	owner_open(&owner);
	EXPECT(vsva_container_set_fault_handler(owner.device, on_fault, NULL, &fault) == 0);
	EXPECT(!engine_write(host->engine, WITHOUT_PASID, HOST_MEMORY, 7));
	vsva_machine_run_idle(host->machine, 1000);
	printf("refused: %#" PRIx64 "\n", fault.addr);
	EXPECT(fault.addr == HOST_MEMORY && fault.perm == VSVA_FAULT_PERM_WRITE);

	EXPECT(vsva_container_set_fault_handler(owner.device, on_fault, NULL, &fault) == -EBUSY);
	owner_close(&owner);
	return 0;
}
