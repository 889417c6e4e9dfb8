/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_reset: the guest resets one device: its registers and its configuration space are as
 * after power-on; the rest of the VM goes on.
 */
#include "../vmm.h"

int main(void)
{
	struct vmm vmm;
	uint64_t value;
	uint32_t command;

	vmm_create(&vmm);
	EXPECT(vsva_assigned_write(vmm.assigned, 0, ENGINE_FILL, 8, 7) == 0);
	vsva_assigned_reset(vmm.assigned);
	EXPECT(vsva_assigned_read(vmm.assigned, 0, ENGINE_FILL, 8, &value) == 0 && value == 0);
	EXPECT(vsva_assigned_config_read(vmm.assigned, 0x04, 2, &command) == 0);
	printf("command register: %#" PRIx32 "\n", command);
	EXPECT(!(command & 0x4));
	vmm_destroy(&vmm);
	return 0;
}
