/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine as its VMM sees it: guest memory, one virtual IOMMU (a VT-d register page with
 * caching mode), and physical devices assigned to it under guest requester ids.
 *
 * The virtual unit shadows the guest's PASID tables: a PASID-cache invalidation by the guest
 * becomes a bind, unbind or replacement on the host; its IOTLB and device-TLB invalidations are
 * passed on; page requests and faults come back under the guest's PASIDs.
 *
 * Threads: any function from any thread; a VM's register accesses may come from several vCPUs at
 * once. Accesses never run the invalidation queue themselves: a worker of the machine does.
 */
#ifndef VSVA_VM_H
#define VSVA_VM_H

#include "vsva/device.h"
#include "vsva/kvm.h"
#include "vsva/vfio.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_vm;
struct vsva_assigned; /* a device assigned to a VM */

struct vsva_vm_options {
	const char *name;                  /* for messages; NULL: "vm<number>" */
	uint32_t pasid_quota;              /* 0: VSVA_LIMIT_DEFAULT_PASID_QUOTA */
	bool no_vcmd;                      /* do not offer the virtual command interface */
	bool no_page_requests;             /* do not offer PRI */
	bool no_five_level;                /* first stage of 4 levels only */
	enum vsva_free_policy free_policy; /* a PASID that the guest frees before it unbinds */
	/* Event messages of the virtual unit (address and data as the guest programmed them). Any
	 * thread; must not block nor call back into the VM. */
	void (*msi)(void *arg, uint64_t address, uint32_t data);
	void *msi_arg;
};

/* 0; -EINVAL bare machine; -ENOSPC quota or domain ids; -ENOMEM; -EAGAIN no thread. */
int vsva_vm_create(struct vsva_machine *machine, const struct vsva_vm_options *options,
		   struct vsva_vm **out);
/* In whatever state: devices stop, everything bound is unbound, PASIDs and memory are released.
 * NULL is ignored. */
void vsva_vm_destroy(struct vsva_vm *vm);
uint32_t vsva_vm_number(const struct vsva_vm *vm);

/* Guest memory: memory of the caller, 4 KiB aligned, that must stay until unmap returns. Not
 * writable: ROM. 0; -EINVAL; -EEXIST overlaps; -ENOSPC too many windows; -ENOMEM. */
int vsva_vm_map(struct vsva_vm *vm, gpa_t address, void *memory, uint64_t len, bool writable);
/* The window must have been mapped exactly so. When it returns no device touches the memory.
 * -ENOENT; -ETIMEDOUT: a device did not answer, the memory is not accessible all the same. */
int vsva_vm_unmap(struct vsva_vm *vm, gpa_t address, uint64_t len);
/* Copies to or from guest memory, as a CPU would. -EFAULT: not all of it is mapped; nothing was
 * copied. */
int vsva_vm_read(struct vsva_vm *vm, gpa_t address, void *buffer, uint64_t len);
int vsva_vm_write(struct vsva_vm *vm, gpa_t address, const void *buffer, uint64_t len);

/* The virtual unit's register page: size 4 or 8, aligned, in 4 KiB: otherwise -EINVAL, no harm. */
int vsva_viommu_read(struct vsva_vm *vm, uint32_t offset, unsigned size, uint64_t *value);
int vsva_viommu_write(struct vsva_vm *vm, uint32_t offset, unsigned size, uint64_t value);
/* System reset: registers to reset values, all bindings gone, devices reset. PASIDs from the
 * virtual command return to the set. Memory stays. */
void vsva_vm_reset(struct vsva_vm *vm);

/* Assigns a device that no VM has, under a requester id that the guest sees. irq: its MSI-X
 * vectors. 0; -EBUSY assigned already; -EEXIST guest rid taken; -ENOMEM; -ETIMEDOUT. */
int vsva_vm_assign(struct vsva_vm *vm, struct vsva_device *device, rid_t guest_rid,
		   void (*irq)(void *arg, unsigned vector), void *irq_arg,
		   struct vsva_assigned **out);
struct vsva_mdev;
/* The same for a mediated device that nobody has open (vsva/mdev.h). Also -ENODEV: its parent is out
 * of order. */
int vsva_vm_assign_mdev(struct vsva_vm *vm, struct vsva_mdev *mdev, rid_t guest_rid,
			void (*irq)(void *arg, unsigned vector), void *irq_arg,
			struct vsva_assigned **out);
/* Device reset, unbound, given back. */
void vsva_vm_unassign(struct vsva_assigned *assigned);

/* The assigned device's registers, as the guest sees them: PASIDs in them are guest PASIDs. As
 * vsva_device_read and so on. */
int vsva_assigned_read(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		       uint64_t *value);
int vsva_assigned_write(struct vsva_assigned *assigned, unsigned bar, uint64_t offset,
			unsigned size, uint64_t value);
/* The guest's virtual configuration space: its ATS, PRI and PASID enables are the guest's own. */
int vsva_assigned_config_read(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			      uint32_t *value);
int vsva_assigned_config_write(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			       uint32_t value);
void vsva_assigned_reset(struct vsva_assigned *assigned);
/* The device; of a mediated one: its parent. */
struct vsva_device *vsva_assigned_device(struct vsva_assigned *assigned);
/* What its requests carry on the bus. */
rid_t vsva_assigned_host_rid(const struct vsva_assigned *assigned);
/* Bytes of a BAR (0 … 5) and MSI-X vectors, as the guest sees them. */
uint64_t vsva_assigned_bar_size(const struct vsva_assigned *assigned, unsigned bar);
unsigned vsva_assigned_vectors(const struct vsva_assigned *assigned);

/* The VM's KVM. It may be stopped before the VM goes (vsva_kvm_stop) and is stopped with it; a vCPU
 * of it (vsva_vcpu_create) or a reference (vsva_kvm_get) keeps it for longer, when nothing is
 * submitted any more. */
struct vsva_kvm *vsva_vm_kvm(struct vsva_vm *vm);
/* Where an assigned device's portals are for a vCPU's ENQCMD: offsets in its BAR 2. Until the device
 * is unassigned; instructions that are under way then are waited for. */
struct vsva_portal vsva_assigned_portal(struct vsva_assigned *assigned);
/* ENQCMD by a vCPU of the VM whose IA32_PASID has this value (bits 19:0 a guest PASID, bit 31
 * valid): see vsva_kvm_enqcmd. A guest PASID that is bound and only has no translation gets one.
 * 0 accepted; 1 retry; -EPERM IA32_PASID not valid (#GP); -ENOENT the guest PASID is not bound to
 * any device (VM exit 72); -EINVAL no portal there. */
int vsva_assigned_enqcmd(struct vsva_assigned *assigned, uint64_t portal_offset,
			 uint32_t ia32_pasid, const void *bytes);
/* MOVDIR64B: a posted 64-byte write. */
int vsva_assigned_movdir64b(struct vsva_assigned *assigned, uint64_t portal_offset,
			    const void *bytes);

/* Guest PASID to host PASID of this VM, if it is known now. -ENOENT. */
int vsva_vm_hpasid(struct vsva_vm *vm, gpasid_t guest, hpasid_t *out);

struct vsva_vm_stats {
	uint64_t descriptors, binds, unbinds, refused_binds, invalidations;
	uint64_t page_requests, page_responses, faults, vcmd_allocs, vcmd_frees;
	uint64_t pasids_now, bound_now, windows_now;
};
void vsva_vm_get_stats(struct vsva_vm *vm, struct vsva_vm_stats *out);

#ifdef __cplusplus
}
#endif
#endif
