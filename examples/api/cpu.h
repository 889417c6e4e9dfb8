/* SPDX-License-Identifier: MIT */
/*
 * A VM's processor: `cpu_create()` makes a KVM for the owner of host.h, one vCPU, and a portal that keeps
 * the last command; with `host_bind()` guest PASID 42 gets a translation.
 */
#ifndef CPU_H
#define CPU_H

#include <vsva/kvm.h>

#include "host.h"

#define IA32_PASID_VALID (UINT64_C(1) << 31)

struct cpu {
	struct host host;
	struct vsva_kvm *kvm;
	struct vsva_vcpu *vcpu;
	struct vsva_portal portal;
	uint32_t command[16]; /* that came last; its first word has the PASID */
	unsigned commands;
};

static inline int cpu_portal(void *arg, uint64_t offset, const void *bytes)
{
	struct cpu *cpu = arg;

	(void)offset;
	memcpy(cpu->command, bytes, sizeof(cpu->command));
	cpu->commands++;
	return 0; /* accepted */
}

static inline void cpu_create(struct cpu *cpu)
{
	memset(cpu, 0, sizeof(*cpu));
	host_create(&cpu->host);
	host_add_device(&cpu->host);
	cpu->portal = (struct vsva_portal){cpu_portal, cpu};
	EXPECT(vsva_kvm_create(cpu->host.iommu, &cpu->host, 1, &cpu->kvm) == 0);
	EXPECT(vsva_vcpu_create(cpu->kvm, &cpu->vcpu) == 0);
}

/* Executes ENQCMD as guest PASID 42. */
static inline int cpu_enqcmd(struct cpu *cpu, struct vsva_vmx_exit *exit)
{
	static const uint32_t bytes[16];

	EXPECT(vsva_vcpu_set_ia32_pasid(cpu->vcpu, IA32_PASID_VALID | HOST_GUEST) == 0);
	return vsva_vcpu_enqcmd(cpu->vcpu, &cpu->portal, 0, bytes, exit);
}

static inline void cpu_destroy(struct cpu *cpu)
{
	vsva_vcpu_destroy(cpu->vcpu);
	vsva_kvm_put(cpu->kvm);
	host_destroy(&cpu->host);
}

#endif
