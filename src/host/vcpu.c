// SPDX-License-Identifier: MIT
/*
 * A virtual processor, as far as it submits work: IA32_PASID, and the instructions that translate a
 * PASID and store 64 bytes. One instruction, from the reading of IA32_PASID to the portal's answer,
 * is one RCU read section: that is what makes a grace period a kick of all processors.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rcu.h"
#include "host/kvm.h"

struct vsva_vcpu {
	struct vsva_kvm *kvm;
	uint64_t ia32_pasid; /* atomic */
};

int vsva_vcpu_create(struct vsva_kvm *kvm, struct vsva_vcpu **out)
{
	struct vsva_vcpu *vcpu = base_zalloc(sizeof(*vcpu));

	if (!vcpu)
		return -ENOMEM;
	vcpu->kvm = vsva_kvm_get(kvm);
	*out = vcpu;
	return 0;
}

void vsva_vcpu_destroy(struct vsva_vcpu *vcpu)
{
	if (!vcpu)
		return;
	vsva_kvm_put(vcpu->kvm);
	base_free(vcpu);
}

int vsva_vcpu_set_ia32_pasid(struct vsva_vcpu *vcpu, uint64_t value)
{
	if (value & VTD_IA32_PASID_RESERVED)
		return -EPERM;
	__atomic_store_n(&vcpu->ia32_pasid, value, __ATOMIC_RELEASE);
	return 0;
}

uint64_t vsva_vcpu_ia32_pasid(const struct vsva_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->ia32_pasid, __ATOMIC_ACQUIRE);
}

/* An instruction: where its command goes, and which exit it has. */
struct submission {
	struct vsva_kvm *kvm;
	const struct vsva_portal *portal;
	uint64_t offset;
	unsigned char command[VTD_COMMAND_BYTES];
	uint32_t exit_reason;
	struct vsva_vmx_exit *exit; /* may be NULL */
};

static struct submission submission_of(struct vsva_kvm *kvm, const struct vsva_portal *portal,
				       uint64_t offset, const void *bytes,
				       struct vsva_vmx_exit *exit)
{
	struct submission s = {.kvm = kvm, .portal = portal, .offset = offset, .exit = exit};

	memcpy(s.command, bytes, sizeof(s.command));
	if (exit)
		*exit = (struct vsva_vmx_exit){0};
	return s;
}

static int exit_vm(struct submission *s, gpasid_t guest)
{
	__atomic_fetch_add(&s->kvm->stats.exits, 1, __ATOMIC_RELAXED);
	TRACE(s->kvm->trace, HOST, CPU_EXIT, .vm = s->kvm->vm, .gpasid = guest,
	      .value = s->exit_reason);
	if (s->exit)
		*s->exit = (struct vsva_vmx_exit){.reason = s->exit_reason, .guest = guest};
	return -ENOENT;
}

/* Inside an RCU read section. head: as the guest means it; its PASID is translated. */
static int submit(struct submission *s, uint64_t head)
{
	gpasid_t guest = gpasid((uint32_t)vtd_ENQCMD_PASID(head));
	uint32_t first;
	hpasid_t host;

	if (s->offset % VTD_COMMAND_BYTES)
		return -EPERM;
	if (!kvm_walk(s->kvm->tables.pm, s->kvm->tables.dir, guest, &host))
		return exit_vm(s, guest);
	first = (uint32_t)vtd_ENQCMD_with_PASID(vtd_without(head, VTD_ENQCMD_RESERVED), host.v);
	memcpy(s->command, &first, sizeof(first));
	return s->portal->write(s->portal->arg, s->offset, s->command);
}

/* The command's head says user, whatever the source operand says. */
static int submit_user(struct submission *s, uint64_t ia32_pasid)
{
	if (!(ia32_pasid & VTD_IA32_PASID_V))
		return -EPERM;
	return submit(s, vtd_ENQCMD_with_PASID(0, vtd_IA32_PASID_PASID(ia32_pasid)));
}

int vsva_kvm_enqcmd(struct vsva_kvm *kvm, uint64_t ia32_pasid, const struct vsva_portal *portal,
		    uint64_t offset, const void *bytes, struct vsva_vmx_exit *exit)
{
	struct submission s = submission_of(kvm, portal, offset, bytes, exit);
	int result;

	s.exit_reason = VSVA_VMX_EXIT_ENQCMD_PASID;
	rcu_read_lock();
	result = submit_user(&s, ia32_pasid);
	rcu_read_unlock();
	return result;
}

int vsva_vcpu_enqcmd(struct vsva_vcpu *vcpu, const struct vsva_portal *portal, uint64_t offset,
		     const void *bytes, struct vsva_vmx_exit *exit)
{
	struct submission s = submission_of(vcpu->kvm, portal, offset, bytes, exit);
	int result;

	s.exit_reason = VSVA_VMX_EXIT_ENQCMD_PASID;
	rcu_read_lock();
	result = submit_user(&s, vsva_vcpu_ia32_pasid(vcpu));
	rcu_read_unlock();
	return result;
}

int vsva_vcpu_enqcmds(struct vsva_vcpu *vcpu, const struct vsva_portal *portal, uint64_t offset,
		      const void *bytes, struct vsva_vmx_exit *exit)
{
	struct submission s = submission_of(vcpu->kvm, portal, offset, bytes, exit);
	uint32_t head;
	int result;

	s.exit_reason = VSVA_VMX_EXIT_ENQCMDS_PASID;
	memcpy(&head, s.command, sizeof(head));
	rcu_read_lock();
	result = submit(&s, head);
	rcu_read_unlock();
	return result;
}
