/* SPDX-License-Identifier: MIT */
/*
 * vsva_vcpu_enqcmd: a process of the guest submits to a shared queue. The PASID that it thinks it has
 * becomes the host's on the way; one that is not bound is a VM exit.
 */
#include "../cpu.h"

int main(void)
{
	uint32_t bytes[16] = {0xffffffff, 0x11111111}; /* the first word is replaced */
	struct vsva_vmx_exit exit;
	struct cpu cpu;
	hpasid_t id;

	cpu_create(&cpu);
	EXPECT(vsva_vcpu_set_ia32_pasid(cpu.vcpu, IA32_PASID_VALID | HOST_GUEST) == 0);
	EXPECT(vsva_vcpu_enqcmd(cpu.vcpu, &cpu.portal, 64, bytes, &exit) == -ENOENT);
	EXPECT(exit.reason == VSVA_VMX_EXIT_ENQCMD_PASID && exit.guest.v == HOST_GUEST);
	EXPECT(cpu.commands == 0);

	id = host_bind(&cpu.host);
	EXPECT(vsva_vcpu_enqcmd(cpu.vcpu, &cpu.portal, 64, bytes, &exit) == 0);
	printf("guest PASID %u left as %#" PRIx32 "\n", HOST_GUEST, cpu.command[0]);
	EXPECT(cpu.command[0] == id.v && cpu.command[1] == 0x11111111);

	EXPECT(vsva_vcpu_enqcmd(cpu.vcpu, &cpu.portal, 7, bytes, &exit) == -EPERM); /* #GP */
	cpu_destroy(&cpu);
	return 0;
}
