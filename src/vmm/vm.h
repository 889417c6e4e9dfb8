/* SPDX-License-Identifier: MIT */
/*
 * The VMM's room.
 *
 * Vocabulary
 *   vIOMMU    the virtual remapping unit of one VM: a register file, a queue that a worker executes
 *   assigned  a device given to the VM under a guest requester id: a physical function, or a
 *             mediated device
 *   shadow    what the vIOMMU last read of a guest PASID entry that it bound on the host
 *   mention   a reason for a guest PASID to have a host PASID: a binding, a work queue that has it
 *             programmed, or the virtual command
 *   scan      the walk over a guest's PASID tables after something wide was invalidated, a bounded
 *             piece at a time
 *
 * Locks: `lock` (rank VIOMMU) is held by whoever changes shadows: the worker, assignment, reset.
 * `regs_lock` guards the register file alone, so that page requests and faults reach the guest
 * while the worker waits for the host. Guest memory is read without a lock.
 *
 * Implements the virtual side of VT-d 5.10 chapters 3, 6, 7 and 11 with CM=1 and first-stage and
 * pass-through translation types.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include "base/lock.h"
#include "base/seams.h"
#include "base/sparse.h"
#include "vmm/guest_memory.h"
#include "vmm/guest_tables.h"
#include "vmm/mediation.h"
#include "vsva/inspect.h"
#include "vsva/limits.h"
#include "vsva/mdev.h"
#include "vsva/vfio.h"
#include "vsva/vm.h"
#include "vtd/decode.h"
#include "vtd/pci_config.h"
#include "vtd/regfile.h"

/* One guest PASID entry that is bound on one device. One that was refused has none: the quota
 * bounds them, whatever the guest's tables say. */
struct shadow {
	gpasid_t gpasid;
	hpasid_t hpasid;
	struct pasid_mention *mention;
	uint64_t words[3]; /* the entry's qwords 0 to 2 as read */
};

/* What the guest has switched on in the configuration space. */
enum assigned_enables { ASSIGNED_ATS = 1 << 0, ASSIGNED_PAGE_REQUESTS = 1 << 1 };

/* What differs between the kinds of devices that a VM has: a physical function
 * (assigned_function.c) and a mediated device (assigned_mdev.c). */
struct assigned_ops {
	/* Before it is attached, without locks; and when nothing is left of it. */
	int (*open)(struct vsva_assigned *assigned);
	void (*close)(struct vsva_assigned *assigned);
	/* It is attached now. vm->lock */
	void (*begin)(struct vsva_assigned *assigned);
	void (*set_irq)(struct vsva_assigned *assigned, void (*irq)(void *arg, unsigned vector),
			void *arg);
	/* Device and configuration space as after power-on. vm->lock or none */
	void (*quiesce)(struct vsva_assigned *assigned);
	unsigned (*enabled)(const struct vsva_assigned *assigned); /* enum assigned_enables */
	/* As the public functions. Accesses to configuration space are valid. */
	int (*read)(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		    uint64_t *value);
	int (*write)(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		     uint64_t value);
	int (*config_read)(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			   uint32_t *value);
	int (*config_write)(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			    uint32_t value);
	int (*portal_write)(struct vsva_assigned *assigned, uint64_t offset, const void *bytes,
			    bool deferrable);
	uint64_t (*bar_size)(const struct vsva_assigned *assigned, unsigned bar);
	unsigned (*vectors)(const struct vsva_assigned *assigned);
};

struct vsva_assigned {
	struct vsva_vm *vm;
	const struct assigned_ops *ops;
	struct vsva_assigned *next; /* vm->lock; readers RCU */
	struct vsva_dev *dev;
	struct vsva_container_device *handle; /* of the VM's container */
	struct vsva_mdev *mdev;               /* NULL: a physical function */
	struct vsva_device *device;           /* of a mediated device: its parent */
	rid_t guest_rid;
	struct guest_context context; /* as last read; written under vm->lock and config_lock */
	struct sparse shadows;        /* struct shadow by guest PASID; vm->lock */
	enum vsva_rid_kind rid_kind;  /* what requests without PASID meet now; vm->lock */
	uint64_t rid_words[3];        /* guest's RID_PASID entry behind it; vm->lock */
	bool scan_pending;            /* vm->lock */
	uint32_t scan_next;           /* directory index; vm->lock */
	struct lock config_lock;      /* rank ASSIGNED */
	/* of a physical function */
	bool has_begun;             /* vm->lock */
	struct pci_config config;   /* the guest's; config_lock */
	struct mediation mediation; /* config_lock */
};

struct vsva_vm {
	struct vsva_machine *machine;
	struct machine_vm in_machine;
	const struct seams *seams;
	struct vsva_iommu *iommu;
	uint32_t number;
	char name[32];
	struct vsva_container *container;
	struct vsva_ioasid_set *set; /* the container's, as the next */
	struct vsva_kvm *kvm;        /* a reference; may have been stopped */
	struct vsva_domain *domain;
	struct guest_memory memory;
	struct vtd_rules rules; /* what the guest was promised */
	void (*msi)(void *arg, uint64_t address, uint32_t data);
	void *msi_arg;

	struct lock lock;              /* rank VIOMMU */
	struct vsva_assigned *devices; /* lock; readers RCU */
	uint64_t root;                 /* RTADDR in force; atomic, writers: lock */
	unsigned work_left;            /* of this run of the worker, in reads of an entry; lock */
	bool enabled;                  /* TE; lock */
	uint32_t pending_commands;     /* VTD_FX_*: to carry out; atomic, writers: regs_lock */
	bool gcmd_scanning;            /* the scan that a command waits for has begun; lock */
	unsigned scans_pending;        /* devices that are to be scanned; lock */
	struct worker *worker;
	/* the guest's flushes that are executed and are still to go to the host; lock */
	struct vsva_flush_step flushes[VSVA_LIMIT_FLUSH_STEPS];
	unsigned flush_count;
	/* Of the batch of descriptors that are being executed (viommu_flush.c); lock. Bound last, with
	 * nothing cached of it, or NULL; page requests were drained by what was executed last. */
	const struct shadow *clean;
	bool is_drained;

	struct lock regs_lock; /* rank VIOMMU_REGS */
	struct vtd_regfile regs;

	struct lock map_lock; /* rank PASID_MAP */
	struct sparse pasids; /* struct pasid_mention by guest PASID; map_lock */
	uint32_t quota;       /* never changes */
	uint32_t charged;     /* against the quota; map_lock */
	uint32_t next_vcmd;   /* where to look for a free guest PASID; map_lock */
	uint32_t next_host;   /* and for a free host PASID; map_lock */

	struct vsva_vm_stats stats;                     /* atomics */
	uint64_t descriptors_of[VSVA_DESCRIPTOR_TYPES]; /* by type; atomics */
};

/* A bind or unbind, in reads of an entry. */
#define VM_WORK_OF_BIND 16u

/* vm->lock held */
static inline void vm_charge(struct vsva_vm *vm, unsigned work)
{
	vm->work_left -= work < vm->work_left ? work : vm->work_left;
}

#define VM_COUNT(vm, what) __atomic_fetch_add(&(vm)->stats.what, 1, __ATOMIC_RELAXED)

/* The same of what is only counted with vm->lock held: no locked instruction is needed. */
static inline void vm_add_locked(uint64_t *counter, uint64_t step)
{
	__atomic_store_n(counter, *counter + step, __ATOMIC_RELAXED);
}
static inline void vm_count_locked(uint64_t *counter)
{
	vm_add_locked(counter, 1);
}

/* Guest PASID to host PASID (pasid_map.c) */

enum mention { MENTION_BIND, MENTION_QUEUE };

/* Host PASIDs beside the quota, for queues that have one programmed that is not bound. */
#define VM_QUEUE_RESERVE 64u

/* A guest PASID that has a host PASID. map_lock, but for the first two, which do not change. */
struct pasid_mention {
	gpasid_t guest;
	hpasid_t host;
	uint32_t uses;  /* of both kinds */
	uint32_t binds; /* of them bindings */
	bool from_vcmd;
	bool is_stale; /* the guest has freed it; it may have the number again, with another host
			  PASID */
};

/* Finds or allocates the host PASID and counts a mention. -EINVAL, -EDQUOT, -ENOSPC, -ENOMEM. */
int pasid_map_get(struct vsva_vm *vm, gpasid_t guest, enum mention kind,
		  struct pasid_mention **out);
/* Drops a mention; the last one returns the host PASID. */
void pasid_map_put(struct vsva_vm *vm, struct pasid_mention *mention, enum mention kind);
bool pasid_map_is_stale(struct vsva_vm *vm, const struct pasid_mention *mention);
int pasid_map_lookup(struct vsva_vm *vm, gpasid_t guest, hpasid_t *out);
/* Virtual command: a fresh guest PASID with its host PASID; -ENOSPC, -EDQUOT, -ENOMEM. */
int pasid_map_vcmd_alloc(struct vsva_vm *vm, gpasid_t *out);
/* Also while it is bound: then it goes as the VM's policy says. -ENOENT: not from the virtual
 * command. */
int pasid_map_vcmd_free(struct vsva_vm *vm, gpasid_t guest);
/* Everything the virtual command gave out goes back (guest reset). */
void pasid_map_vcmd_free_all(struct vsva_vm *vm);

/* Shadowing (shadow.c); vm->lock held */

/* Re-reads the guest's context entry; if it changed, brings requests without PASID up to date and
 * schedules a scan of the PASIDs. */
void shadow_sync_context(struct vsva_assigned *assigned);
/* Re-reads one guest PASID's entries of all devices and binds, unbinds or replaces. */
void shadow_sync_pasid_of_all(struct vsva_vm *vm, gpasid_t guest);
/* Schedules re-reading all of the device's PASID entries. */
void shadow_schedule_scan(struct vsva_assigned *assigned);
/* Reads a bounded number of entries; true: more to do. */
bool shadow_scan_some(struct vsva_vm *vm);
static inline bool shadow_scan_is_pending(const struct vsva_vm *vm)
{
	return vm->scans_pending > 0;
}
/* Unbinds all; requests without PASID get `kind`. */
void shadow_drop_all(struct vsva_assigned *assigned, enum vsva_rid_kind kind);
/* The device is closed: what was bound there is not any more. */
void shadow_forget_all(struct vsva_assigned *assigned);

/* The queue (viommu_queue.c); vm->lock held */

/* Executes what is in the queue, or as much as one run may; true: there is more to do. */
bool viommu_run_queue(struct vsva_vm *vm);

/* The guest's flushes (viommu_flush.c); vm->lock held. They have happened after viommu_flush_out(). */

/* The descriptors that are executed from now on had all been submitted before the first of them is, and
 * the guest has seen all before them end. */
static inline void viommu_flush_begin_batch(struct vsva_vm *vm)
{
	vm->clean = NULL;
	vm->is_drained = false;
}
void viommu_flush_iotlb(struct vsva_vm *vm, const struct vtd_op *op);
void viommu_flush_pasid_iotlb(struct vsva_vm *vm, const struct vtd_op *op);
void viommu_flush_device_tlb(struct vsva_vm *vm, const struct vtd_op *op);
void viommu_flush_pasid_device_tlb(struct vsva_vm *vm, const struct vtd_op *op);
/* What devices have asked is in the guest's queue (PD). */
void viommu_flush_drain(struct vsva_vm *vm);
void viommu_flush_out(struct vsva_vm *vm);

/* Virtual unit (viommu.c) */

int viommu_init(struct vsva_vm *vm, const struct vsva_vm_options *options);
void viommu_fini(struct vsva_vm *vm);
/* Sends the messages that a register access caused; at most vm->lock is held. */
void viommu_carry_out(struct vsva_vm *vm, const struct vtd_effects *effects);

/* Upwards (viommu_report.c): called by the host's handlers without locks */
int viommu_report_page_request(struct vsva_assigned *assigned,
			       const struct vsva_fault_page_request *prm);
void viommu_report_unit_fault(struct vsva_assigned *assigned, const struct vsva_unit_fault *fault);
/* Guest's answer; vm->lock held. */
void viommu_page_group_response(struct vsva_vm *vm, rid_t guest_rid, bool has_pasid, gpasid_t guest,
				uint16_t prgi, unsigned code);

/* Assigned devices (assigned.c) */

/* NULL: no memory. */
struct vsva_assigned *assigned_alloc(struct vsva_vm *vm, const struct assigned_ops *ops,
				     struct vsva_dev *dev, rid_t guest_rid);
/* Opens and attaches it, or frees it. */
int assigned_add(struct vsva_assigned *assigned, void (*irq)(void *arg, unsigned vector),
		 void *irq_arg, struct vsva_assigned **out);
int assigned_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault);
void assigned_unit_fault(void *arg, struct vsva_dev *dev, const struct vsva_unit_fault *fault);
/* By guest requester id; NULL: none. RCU read section or vm->lock. */
struct vsva_assigned *assigned_find(struct vsva_vm *vm, rid_t guest_rid);
/* Has the guest switched on ATS (PRI) for the device, and does its context entry let it? vm->lock
 * or not: a snapshot. */
bool assigned_guest_sees_ats(struct vsva_assigned *assigned);
bool assigned_guest_sees_pri(struct vsva_assigned *assigned);

#endif
