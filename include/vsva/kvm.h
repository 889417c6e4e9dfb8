/* SPDX-License-Identifier: MIT */
/*
 * KVM's part: a VM's processors submit to shared work queues with ENQCMD and ENQCMDS, and the PASID
 * in the command is the guest's. The processor replaces it by the host's on the way, with VMX's
 * PASID translation: two directories and their tables for each VM, in memory, in the architecture's
 * format. KVM keeps them: it hears of every PASID of one owner that is bound (a translation
 * appears), unbound or freed (it disappears at once), before whoever owns a device or an IOMMU does.
 *
 * A translation that has disappeared may still be in use by a processor that is inside the
 * instruction. KVM therefore has a reference to every id that it has translated to, and returns it when
 * the id has been given up and each processor has left the instruction (a *kick*): until then the
 * number is not reclaimed and so never another's.
 *
 * Threads: every function from any thread unless it says otherwise. A vCPU is one processor: its
 * instructions one at a time; its IA32_PASID may be written meanwhile.
 *
 *   | may run at once    | instruction         | bind, unbind, free | kick, stop    | resolve |
 *   | instruction        | of another vCPU     | yes                | they wait     | yes     |
 *   | kick               | waits for it        | yes                | yes           | yes     |
 *   | stop               | waits for it        | yes                | one stop only | yes     |
 */
#ifndef VSVA_KVM_H
#define VSVA_KVM_H

#include "vsva/iommu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_kvm;
struct vsva_vcpu;

/* Life. A KVM is counted: its creator has one reference, every vCPU has one. */

/*
 * token: the owner of the IOASID set whose PASIDs the VM's processors may use; the set may be made
 * later, and be freed earlier. What is bound already is translated when somebody asks for it
 * (vsva_kvm_resolve). vm: number for messages and events. The driver outlives the KVM.
 * 0; -EINVAL token NULL; -ENOMEM; -EDEADLK called from a notifier.
 */
int vsva_kvm_create(struct vsva_iommu *iommu, const void *token, uint32_t vm,
		    struct vsva_kvm **out);
/* One reference more. Returns kvm. */
struct vsva_kvm *vsva_kvm_get(struct vsva_kvm *kvm);
/* The last one stops the KVM and frees it. May wait; not from a notifier. NULL is ignored. */
void vsva_kvm_put(struct vsva_kvm *kvm);
/*
 * KVM dies, in whatever state: it hears of nothing any more, its tables are empty, so that the
 * processors' instructions exit. When it returns none is inside one with an old translation, and the
 * references to ids are returned. Waits; not from a portal's function. Again: 0. -EDEADLK from a
 * notifier: nothing is changed.
 */
int vsva_kvm_stop(struct vsva_kvm *kvm);

/* Returns when every processor has left the instruction that it was in: none uses a translation, or
 * a value of IA32_PASID, that had been replaced before the call. Not from a notifier or from a
 * portal's function. */
void vsva_kvm_kick(struct vsva_kvm *kvm);

/*
 * What a hypervisor does about an exit before it believes it: the guest PASID may be bound and only
 * its translation be missing, because the binding is older than the KVM, or because there was no
 * memory for a table when it was bound (the bind itself does not fail for that). set: the owner's,
 * alive. Does not wait for processors.
 * 0 there is a translation now: execute the instruction again; -ENOENT the guest PASID is not bound
 * to anything: the exit stands; -EAGAIN something was unbound meanwhile: execute it again, too;
 * -ENOMEM still none; -EACCES the set is another owner's; -ENODEV stopped.
 */
int vsva_kvm_resolve(struct vsva_kvm *kvm, struct vsva_ioasid_set *set, gpasid_t guest);

/* Has a guest PASID a translation for processors, and to which host PASID? As it is now; lock-free, any
 * thread. */
bool vsva_kvm_translates(const struct vsva_kvm *kvm, gpasid_t guest, hpasid_t *host);

struct vsva_kvm_stats {
	uint64_t translations_now; /* entries that are valid */
	uint64_t missing;          /* bound without memory for a table, since the beginning */
	uint64_t exits;            /* 72 and 73 */
};
void vsva_kvm_get_stats(struct vsva_kvm *kvm, struct vsva_kvm_stats *out);

/* Instructions */

/*
 * What the destination's address leads to: a device's portals. write: the 64 bytes of an enqueue
 * store at an offset, a multiple of 64. 0 accepted; 1 retry; -errno: there is no portal. Called
 * inside an RCU read section: may take short locks, must not wait.
 */
typedef int vsva_portal_fn(void *arg, uint64_t offset, const void *bytes);
struct vsva_portal {
	vsva_portal_fn *write;
	void *arg;
};

/* Basic VM-exit reasons. */
#define VSVA_VMX_EXIT_ENQCMD_PASID  72u /* ENQCMD PASID translation failure */
#define VSVA_VMX_EXIT_ENQCMDS_PASID 73u /* ENQCMDS PASID translation failure */

struct vsva_vmx_exit {
	uint32_t reason; /* 0: none */
	uint64_t qualification;
	gpasid_t guest; /* the PASID that has no translation: the hypervisor's reading of IA32_PASID
			   or of the source operand */
};

/* A processor of the VM. IA32_PASID is 0 as after reset: not valid. 0; -ENOMEM. */
int vsva_vcpu_create(struct vsva_kvm *kvm, struct vsva_vcpu **out);
/* No instruction of it is under way. Returns its reference to the KVM, so as vsva_kvm_put. NULL is
 * ignored. */
void vsva_vcpu_destroy(struct vsva_vcpu *vcpu);

/* WRMSR and RDMSR of IA32_PASID (0xD93): bits 19:0 PASID, bit 31 valid. -EPERM: a reserved bit is
 * set (#GP), the register keeps its value. The old value is in no instruction any more after
 * vsva_kvm_kick. */
int vsva_vcpu_set_ia32_pasid(struct vsva_vcpu *vcpu, uint64_t value);
uint64_t vsva_vcpu_ia32_pasid(const struct vsva_vcpu *vcpu);

/*
 * ENQCMD: the command's first 32 bits become the translated PASID of IA32_PASID, privilege user,
 * whatever stands there; the other 60 bytes are those of the source operand, which is read once.
 * ENQCMDS (ring 0 only, which is the caller's to see to): PASID (bits 19:0) and privilege (bit 31)
 * are the source operand's, bits 30:20 are cleared, the PASID is translated.
 *   0        accepted (ZF=0)
 *   1        retry (ZF=1): queue full or not enabled
 *   -EPERM   #GP(0): IA32_PASID not valid (ENQCMD), offset no multiple of 64
 *   -ENOENT  VM exit, described in *exit (else reason 0; exit may be NULL); nothing was submitted
 *   other    the portal's own
 * Never waits.
 */
int vsva_vcpu_enqcmd(struct vsva_vcpu *vcpu, const struct vsva_portal *portal, uint64_t offset,
		     const void *bytes, struct vsva_vmx_exit *exit);
int vsva_vcpu_enqcmds(struct vsva_vcpu *vcpu, const struct vsva_portal *portal, uint64_t offset,
		      const void *bytes, struct vsva_vmx_exit *exit);
/* ENQCMD as a processor executes it whose IA32_PASID has this value (reserved bits are not looked
 * at): for a VMM that keeps its vCPUs' registers itself. The kick covers it as it covers vCPUs. */
int vsva_kvm_enqcmd(struct vsva_kvm *kvm, uint64_t ia32_pasid, const struct vsva_portal *portal,
		    uint64_t offset, const void *bytes, struct vsva_vmx_exit *exit);

#ifdef __cplusplus
}
#endif
#endif
