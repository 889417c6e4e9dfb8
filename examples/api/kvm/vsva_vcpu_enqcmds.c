/* SPDX-License-Identifier: MIT */
/*
 * vsva_vcpu_enqcmds: the guest's kernel submits for somebody: PASID and privilege are the command's
 * own, and the PASID is translated all the same.
 */
#include "../cpu.h"

#define PRIVILEGED UINT32_C(0x80000000)

int main(void)
{
	uint32_t bytes[16] = {PRIVILEGED | HOST_GUEST};
	struct vsva_vmx_exit exit;
	struct cpu cpu;
	hpasid_t id;

	cpu_create(&cpu); /* IA32_PASID is not valid, which does not matter here */
	id = host_bind(&cpu.host);
	EXPECT(vsva_vcpu_enqcmds(cpu.vcpu, &cpu.portal, 0, bytes, &exit) == 0);
	printf("left as %#" PRIx32 "\n", cpu.command[0]);
	EXPECT(cpu.command[0] == (PRIVILEGED | id.v));

	bytes[0] = HOST_GUEST + 1;
	EXPECT(vsva_vcpu_enqcmds(cpu.vcpu, &cpu.portal, 0, bytes, &exit) == -ENOENT);
	EXPECT(exit.reason == VSVA_VMX_EXIT_ENQCMDS_PASID && exit.guest.v == HOST_GUEST + 1);
	cpu_destroy(&cpu);
	return 0;
}
