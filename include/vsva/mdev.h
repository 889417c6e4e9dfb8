/* SPDX-License-Identifier: MIT */
/*
 * Mediated devices: one accelerator shared by several VMs. A parent takes a DSA-compatible device
 * whole, enables it and lets its work queues one by one: a mediated device is one queue with a
 * configuration space and registers of its own, which a stock driver takes for an accelerator with
 * one queue, one group and one engine.
 *
 *   type    queue       submission                          PASID
 *   1dwq    dedicated   64-byte posted writes (MOVDIR64B)   of the queue's configuration
 *   1swq    shared      ENQCMD                              of each command
 *
 * The guest's PASIDs become host PASIDs on the way to the hardware, and host PASIDs guest PASIDs on
 * the way back. What the guest thinks of as requests without PASID carries the mediated device's own
 * default PASID, because the requester id is the parent's. Whatever has a host PASID in hardware
 * keeps a reference on it until the hardware's context is clean of it. A guest has no way to see or
 * to delay another one's queue: commands of the parent that may have to wait for a guest give way.
 *
 * Two mediated devices of one parent in one VM share the PASID table of the parent's function: a
 * PASID must mean the same on both, as it does for an operating system that has one number for
 * an address space.
 *
 * Threads: any function from any thread, but for destroy and close, which are the last of theirs.
 * Functions may wait for hardware, in bounded time, and never for a guest.
 */
#ifndef VSVA_MDEV_H
#define VSVA_MDEV_H

#include "vsva/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_vdcm; /* the parent */
struct vsva_mdev; /* a mediated device */

/* Parents */

/* Takes an accelerator that no VM has: it is attached to a domain with nothing in it, reset and
 * enabled, its queues are free to be given out. 0; -EINVAL no DSA, or a bare machine; -EBUSY a VM
 * has it, or it is a parent already; -ENODEV it does not answer or lacks what is needed; -ENOSPC no
 * domain id or host PASIDs; -ENOMEM; -EAGAIN no thread; -ETIMEDOUT. */
int vsva_vdcm_create(struct vsva_device *device, struct vsva_vdcm **out);
/* Gives the accelerator back, disabled. 0; -EBUSY: it has mediated devices. NULL: 0. */
int vsva_vdcm_destroy(struct vsva_vdcm *vdcm);
/* Queues that are not given out. */
unsigned vsva_vdcm_available(struct vsva_vdcm *vdcm);
struct vsva_device *vsva_vdcm_device(struct vsva_vdcm *vdcm);

/* Mediated devices */

enum vsva_mdev_type { VSVA_MDEV_DEDICATED, VSVA_MDEV_SHARED };
/* "1dwq", "1swq"; -EINVAL for any other name. */
int vsva_mdev_type_parse(const char *name, enum vsva_mdev_type *out);
const char *vsva_mdev_type_name(enum vsva_mdev_type type);

/* Allots a queue. 0; -EINVAL no such type; -ENOSPC no queue is left; -ENODEV the parent is out of
 * order; -ENOMEM. */
int vsva_mdev_create(struct vsva_vdcm *vdcm, enum vsva_mdev_type type, struct vsva_mdev **out);
/* 0; -EBUSY: somebody has it open. NULL: 0. */
int vsva_mdev_destroy(struct vsva_mdev *mdev);
enum vsva_mdev_type vsva_mdev_get_type(const struct vsva_mdev *mdev);
struct vsva_vdcm *vsva_mdev_vdcm(const struct vsva_mdev *mdev);
/* The host driver's handle: it is attached to domains, bound and reported to as any device is. */
struct vsva_dev *vsva_mdev_dev(struct vsva_mdev *mdev);

/* For whoever gives it to a VM; vsva_vm_assign_mdev() (vsva/vm.h) does all of this. */

struct vsva_mdev_owner {
	struct vsva_ioasid_set *set; /* the VM's: guest PASIDs are looked up in it */
	/* Gives a guest PASID that a queue is to be enabled with its host PASID, and keeps it so
	 * until pasid_put(handle). May be NULL: then only those that the set knows have one. Any
	 * errno refuses the queue. get must not wait; put is called without locks of the mediated
	 * device's. */
	int (*pasid_get)(void *arg, gpasid_t guest, hpasid_t *out, void **handle);
	void (*pasid_put)(void *arg, void *handle);
	void *arg;
};

/* Opens it for an owner, in its state after reset. 0; -EINVAL; -EBUSY it is open; -ENODEV the
 * parent is out of order; -ENOMEM. */
int vsva_mdev_open(struct vsva_mdev *mdev, const struct vsva_mdev_owner *owner);
/* Reset, and nothing of the owner's is called or kept any more. */
void vsva_mdev_close(struct vsva_mdev *mdev);
/* Replaces the interrupt callback (NULL: nobody hears). Any thread; the callback must not block. When
 * this returns the one before is not running. */
void vsva_mdev_set_irq(struct vsva_mdev *mdev, void (*irq)(void *arg, unsigned vector), void *arg);
/* Registers as after power-on, configuration space too; its work has ended. */
void vsva_mdev_reset(struct vsva_mdev *mdev);

/* As the guest sees it. BARs 0 (registers) and 2 (portals); vectors 0 (commands and errors) and 1
 * (completions; its handle comes from the command "request interrupt handle"). */
uint64_t vsva_mdev_bar_size(const struct vsva_mdev *mdev, unsigned bar);
unsigned vsva_mdev_vectors(const struct vsva_mdev *mdev);
/* Size 4 or 8, aligned. -EINVAL, no harm. */
int vsva_mdev_read(struct vsva_mdev *mdev, unsigned bar, uint64_t offset, unsigned size,
		   uint64_t *value);
int vsva_mdev_write(struct vsva_mdev *mdev, unsigned bar, uint64_t offset, unsigned size,
		    uint64_t value);
/* A 64-byte write to BAR 2, posted or deferrable; the PASID in a deferrable one is a host PASID of
 * the owner's already. 0 accepted (or posted); 1 retry; -EINVAL. */
int vsva_mdev_portal_write(struct vsva_mdev *mdev, uint64_t offset, const void *bytes,
			   bool deferrable);
/* Configuration space; size 1, 2, 4, aligned. -EINVAL. */
int vsva_mdev_config_read(struct vsva_mdev *mdev, uint32_t offset, unsigned size, uint32_t *value);
int vsva_mdev_config_write(struct vsva_mdev *mdev, uint32_t offset, unsigned size, uint32_t value);

/* What the guest has switched on in it, as of now. */
enum vsva_mdev_enables {
	VSVA_MDEV_BUS_MASTER = 1 << 0,
	VSVA_MDEV_ATS = 1 << 1,
	VSVA_MDEV_PAGE_REQUESTS = 1 << 2,
	VSVA_MDEV_PASID = 1 << 3,
};
unsigned vsva_mdev_enabled(const struct vsva_mdev *mdev);

#ifdef __cplusplus
}
#endif
#endif
