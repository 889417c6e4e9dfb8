/* SPDX-License-Identifier: MIT */
/*
 * The room host: the host kernel's part, for whoever assembles a machine. Everybody else uses
 * vsva/iommu.h and vsva/ioasid.h.
 *
 * Vocabulary
 *   unit       the remapping hardware, reached through struct vtd_port and in no other way
 *   domain     a second stage (GPA to HPA) with its domain id
 *   child      a nested translation on a domain, with a domain id of its own
 *   binding    (device, host PASID) to a guest's first stage: a child of the device's domain
 *   RID entry  the PASID-table entry of requests without PASID (RID_PASID, which is 0 here)
 *   batch      invalidation descriptors that one wait descriptor closes
 *   drain      make sure that no page request of a (device, PASID) is on its way
 *   group      page requests that one response answers, (RID, PASID or none, group index)
 *   isolate    make a device's context entry not present, because it does not answer invalidations
 *   limbo      pages and domain ids that a time-out left in doubt; reused after a flush that works
 *
 * Implements VT-d 3.4 to 3.8, 6.2.3.1, 6.5.2, 7.2 and 7.4 to 7.10, the side of software, in
 * scalable mode.
 *
 * Waiting. Waits for the unit may hold the lock of a domain, below which no worker may run. In
 * WORKERS_MANUAL the unit therefore runs its queue inside the write of the tail (no queue_kick),
 * and the driver looks once instead of waiting.
 */
#ifndef HOST_IOMMU_H
#define HOST_IOMMU_H

#include "base/trace.h"
#include "base/worker.h"
#include "host/port.h"
#include "vsva/iommu.h"
#include "vtd/tables.h"

struct host_iommu_config {
	const struct vtd_port *port;  /* copied; what it points to outlives the driver */
	struct worker_pool *pool;     /* outlives the driver */
	const struct trace *trace;    /* outlives the driver; may be NULL */
	uint32_t qi_timeout_ms;       /* 0: VSVA_LIMIT_QI_TIMEOUT_MS */
	uint32_t response_timeout_ms; /* 0: VSVA_LIMIT_PAGE_RESPONSE_TIMEOUT_MS */
};

/*
 * Takes the unit over, whatever state it was left in, and brings it up: queues, event messages,
 * root table, translation in scalable mode, every device blocked.
 * 0; -ENODEV the unit lacks what the driver needs (scalable mode, queued invalidation, a second
 * stage of 4 or 5 levels), or walks without snooping and the port cannot write back; -ENOSPC no event message; -ENOMEM; -ETIMEDOUT the unit does not obey.
 */
int host_iommu_create(const struct host_iommu_config *config, struct vsva_iommu **out);
/* Translation is switched off. All devices, domains and IOASID sets must be gone. NULL is ignored.
 */
void host_iommu_destroy(struct vsva_iommu *iommu);

struct host_dev_info {
	rid_t rid;
	rid_t pf_rid; /* of a virtual function: its physical function, which must have been added
			 before */
	bool is_pci;  /* false: no configuration space, no ATS, no binds */
	bool is_vf;
	struct pci_port config;
};

/* The device becomes known; its requests are blocked until it is attached. ATS, PRI and PASID
 * capabilities are read from its configuration space (PRI and PASID of a VF: from the PF's).
 * 0; -EEXIST; -ENOENT no such PF; -ENOMEM. */
int host_dev_add(struct vsva_iommu *iommu, const struct host_dev_info *info, struct vsva_dev **out);
/*
 * A part of the parent's function: what a mediated device has of it. base: its base PASID (from an
 * IOASID set of the caller's, who keeps it allocated): what the device sends in place of requests
 * without PASID. Attached to a domain, it has the domain's second stage there, and vsva_attach_rid
 * changes that entry; binds, flushes, fault handler and page responses are as of any device. The
 * parent must be attached first: else vsva_domain_attach says -ENODEV.
 * 0; -EINVAL parent is none or a sub-device itself, bad PASID; -EEXIST another sub-device has this
 * base, or it is bound; -ENOMEM. A base cannot be bound.
 */
int host_subdev_add(struct vsva_dev *parent, hpasid_t base, struct vsva_dev **out);
/* Also in surprise: whatever is attached or bound is torn down first, in bounded time, and a
 * registered fault handler is removed. The VFs of a PF and the sub-devices of a function go first:
 * else -EBUSY and nothing is changed. 0 or -ETIMEDOUT (removed all the same). dev is gone. */
int host_dev_remove(struct vsva_dev *dev);

/* What the device's PASID table says; pasid 0: requests without PASID (of a sub-device: its base). -ENOENT: no table or no
 * directory entry. */
int host_pasid_entry(struct vsva_dev *dev, hpasid_t pasid, struct vtd_pasid_entry *out);
/* Domain id of a domain, and of a child: binding of (dev, pasid), pasid 0: nested RID entry.
 * -ENOENT. */
did_t host_domain_did(const struct vsva_domain *domain);
int host_child_did(struct vsva_dev *dev, hpasid_t pasid, did_t *out);
/* Answers the groups whose time is over. With threads a worker does it; without, whoever moves the
 * clock. */
void host_iommu_expire_requests(struct vsva_iommu *iommu);

#endif
