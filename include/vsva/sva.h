/* SPDX-License-Identifier: MIT */
/*
 * Native shared virtual addressing: a process of the host gives its address space to a device,
 * under a PASID. One PASID per address space, on all devices, from the host's own set: numbers
 * below VSVA_LIMIT_FIRST_VM_PASID. Page requests are resolved here, by faulting the page in, and
 * reported to nobody.
 *
 * Either side may go first:
 *   the process exits   the device's entries are cut off (its faults are not recorded any more),
 *                       its page requests are answered "invalid", then memory is freed. The handle
 *                       and the number stay until vsva_sva_unbind(): a driver first has to take the
 *                       number out of its device.
 *   the device goes     detached or removed: everything of it is torn down. The handle stays until
 *                       vsva_sva_unbind(), which has nothing to do then.
 *
 * Threads: every function from any thread, at once with each other, with everything of the address
 * space and with detaching or removing of other devices. A device is not detached while it is being
 * bound. They wait for the unit, in bounded time: no lock of the library may be held.
 */
#ifndef VSVA_SVA_H
#define VSVA_SVA_H

#include "vsva/iommu.h"
#include "vsva/mm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Binding of one address space to one device. */
struct vsva_sva;

/* Flags of a binding, as the 2020 interface has them. */
#define VSVA_SVA_PRIVATE_PASID (1u << 0) /* refused: the PASID is the address space's */
#define VSVA_SVA_SUPERVISOR    (1u << 1) /* for an address space made with VSVA_MM_KERNEL */

/* Of the driver that binds; compared by address. */
struct vsva_sva_ops {
	/* The address space has exited: translations are gone, faults are dropped. For a driver
	 * that wants to stop its device early. Called with locks held: must not block or call back,
	 * and vsva_sva_unbind() waits for it. May be NULL. */
	void (*mm_exit)(void *drvdata, struct vsva_sva *handle);
};

/* When a PASID goes back. */
enum vsva_sva_policy {
	VSVA_SVA_FREE_EAGERLY, /* with the last unbind; the default */
	VSVA_SVA_FREE_LAZILY, /* with the last reference on the address space: whoever still has the
				  number somewhere and holds one keeps it from being used again */
};
/* For address spaces that are bound for the first time from now on. */
void vsva_sva_set_policy(struct vsva_iommu *iommu, enum vsva_sva_policy policy);

/* Could this device use it? Unit and device have PASIDs, page requests and ATS, the unit has a
 * first stage. */
bool vsva_sva_has_feature(const struct vsva_dev *dev);
/* Enables it, as drivers ask before they bind: 0, again too; -EINVAL dev NULL or not attached;
 * -ENODEV no such feature; -ETIMEDOUT. */
int vsva_sva_enable(struct vsva_dev *dev);
/* 0; -EINVAL; -EBUSY: something is bound. */
int vsva_sva_disable(struct vsva_dev *dev);

/*
 * Binds. Bound already with the same ops: one user more, the same handle (and the drvdata of the
 * first). ops may be NULL. The handle has a reference on the address space.
 *   0
 *   -ENOTSUP   unit not SVM capable: no PASIDs, no first stage, or walks that do not snoop
 *   -EINVAL    dev, mm or out NULL; unknown flags, VSVA_SVA_PRIVATE_PASID; device without PASIDs,
 *              or not attached; VSVA_SVA_SUPERVISOR with a process' address space or where the unit has no
 *              supervisor requests; a kernel's address space without it
 *   -EBUSY     bound already with other ops; the device is a VM's
 *   -ENODEV    the device does not answer any more
 *   -ENOSPC    no PASID that the device can have is free
 *   -ESRCH     the address space has exited
 *   -EAGAIN    no thread for the PASIDs of the host's processes (the first bind of a machine)
 *   -ENOMEM, -ETIMEDOUT  unwound without a trace
 */
int vsva_sva_bind(struct vsva_dev *dev, struct vsva_mm *mm, uint32_t flags,
		  const struct vsva_sva_ops *ops, void *drvdata, struct vsva_sva **out);
/* Drops one user; with the last the handle is gone, and when it has returned there is no access. 0,
 * also after exit or detach and for NULL; -ETIMEDOUT (torn down all the same). */
int vsva_sva_unbind(struct vsva_sva *handle);
/* What to give to the device. Does not change while the handle lives. */
hpasid_t vsva_sva_pasid(const struct vsva_sva *handle);
/* The PASID of an address space, VSVA_PASID_INVALID while it has none. */
hpasid_t vsva_sva_pasid_of(const struct vsva_mm *mm);

#ifdef __cplusplus
}
#endif
#endif
