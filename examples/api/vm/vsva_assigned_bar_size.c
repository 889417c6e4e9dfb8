/* SPDX-License-Identifier: MIT */
/*
 * vsva_assigned_bar_size: the BARs that the guest sees, for the VMM's memory map.
 */
#include "../vmm.h"

int main(void)
{
	struct vmm vmm;

	vmm_create(&vmm);
	for (unsigned bar = 0; bar < 6; bar++)
		if (vsva_assigned_bar_size(vmm.assigned, bar))
			printf("BAR %u: %" PRIu64 " bytes\n", bar,
			       vsva_assigned_bar_size(vmm.assigned, bar));
	EXPECT(vsva_assigned_bar_size(vmm.assigned, 0) == 0x1000);
	EXPECT(vsva_assigned_bar_size(vmm.assigned, 1) == 0);
	vmm_destroy(&vmm);
	return 0;
}
