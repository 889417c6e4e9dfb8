/* SPDX-License-Identifier: MIT */
/*
 * vsva_vm_number: the number by which messages, events and vsva/inspect.h know a VM.
 */
#include <vsva/inspect.h>

#include "../vmm.h"

int main(void)
{
	struct vsva_vm_info info;
	struct vmm vmm;

	vmm_create(&vmm);
	printf("VM %" PRIu32 "\n", vsva_vm_number(vmm.vm));
	EXPECT(vsva_vm_number(vmm.vm) != 0); /* 0 is the physical unit */
	EXPECT(vsva_inspect_vms(vmm.machine, vsva_vm_number(vmm.vm), &info, 1) == 1);
	EXPECT(info.vm == vsva_vm_number(vmm.vm) && info.devices == 1);
	vmm_destroy(&vmm);
	return 0;
}
