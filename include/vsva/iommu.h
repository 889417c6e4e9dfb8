/* SPDX-License-Identifier: MIT */
/*
 * The host's VT-d driver: domains (second stages), devices, and the 2020 interface on top of them:
 * bind and unbind of guest PASIDs, cache invalidation, page requests and responses.
 *
 * Threads: every function may be called from any thread and may block unless it says otherwise,
 * must not be called inside an RCU read section, and takes care of its own locking. Calls that
 * wait for hardware are bounded (VSVA_LIMIT_QI_TIMEOUT_MS) and return -ETIMEDOUT.
 *
 *   | may run at once   | map/unmap | bind/unbind | invalidate | page response | detach |
 *   | map/unmap         | no (per domain, serialised)                           |        |
 *   | bind/unbind       | yes       | serialised  | yes        | yes           | serialised |
 *   | invalidate        | yes       | yes         | yes        | yes           | no: -ENODEV after |
 */
#ifndef VSVA_IOMMU_H
#define VSVA_IOMMU_H

#include "vsva/ioasid.h"
#include "vsva/types.h"
#include "vsva/uapi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_iommu;  /* the driver of one unit */
struct vsva_domain; /* a second stage with its domain id */
struct vsva_dev;    /* a PCI function as the driver knows it */

/* Capabilities the driver found, for whoever builds a virtual unit on top. */
struct vsva_iommu_caps {
	uint64_t cap, ecap; /* of the physical unit */
	bool nesting, five_level, gigabyte_pages, supervisor, extended_access, page_requests;
	unsigned second_stage_width; /* bits of a GPA */
};
void vsva_iommu_get_caps(const struct vsva_iommu *iommu, struct vsva_iommu_caps *out);
struct vsva_ioasid_space *vsva_iommu_ioasid_space(struct vsva_iommu *iommu);

/* Domains */

#define VSVA_DOMAIN_NESTING (1u << 0) /* may be the second stage of nested translations */
#define VSVA_DOMAIN_DIRTY   (1u << 1) /* second-stage A/D bits (needs SSADS) */

/* owner: the IOASID set that binds to this domain must belong to; may be NULL (no binds).
 * vm: number for messages and events. 0; -EINVAL unknown flag; -ENOTSUP nesting or dirty without
 * the capability; -ENOSPC no domain id; -ENOMEM. */
int vsva_domain_alloc(struct vsva_iommu *iommu, struct vsva_ioasid_set *owner, uint32_t flags,
		      uint32_t vm, struct vsva_domain **out);
/* -EBUSY while devices are attached. Frees the tables. */
int vsva_domain_free(struct vsva_domain *domain);
/* Maps [addr, addr+len) to [to, to+len) with VSVA_PROT_* in the largest pages that fit. addr, to,
 * len: multiples of 4096. 0; -EINVAL; -ERANGE beyond the second stage's width; -EEXIST something in
 * the range is mapped; -ENOMEM. On failure nothing of the range is mapped. */
int vsva_domain_map(struct vsva_domain *domain, gpa_t addr, hpa_t to, uint64_t len, uint32_t prot);
/* Unmaps what is mapped in the range (also inside larger pages, which are split first). Flushes
 * this domain id and those of all nested children, and the device TLBs; when it returns no access
 * through the removed translations is under way. 0; -EINVAL; -ERANGE; -ENOMEM (a page could not be
 * split; nothing is unmapped); -ETIMEDOUT (it is unmapped, but a device did not answer). *unmapped
 * (may be NULL): bytes that were mapped. */
int vsva_domain_unmap(struct vsva_domain *domain, gpa_t addr, uint64_t len, uint64_t *unmapped);
/* What the tables say. -ENOENT. Lock-free. */
int vsva_domain_iova_to_phys(struct vsva_domain *domain, gpa_t addr, hpa_t *out);

/* Devices */

/* The handler may be called from the driver's threads, never with a lock of the driver held. It
 * returns 0 (it will answer a page request with vsva_page_response) or -errno (the driver answers
 * "invalid request"). */
typedef int vsva_fault_handler_fn(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault);
/* What the unrecoverable fault was on the unit itself, beside the uapi's reason (code of VT-d table
 * 30). */
struct vsva_unit_fault {
	rid_t rid;
	bool has_pasid;
	hpasid_t pasid;
	uint8_t code;
	bool read, exec, privileged;
	uint64_t addr;
};
typedef void vsva_unit_fault_fn(void *arg, struct vsva_dev *dev,
				const struct vsva_unit_fault *fault);

rid_t vsva_dev_rid(const struct vsva_dev *dev);
/* -EBUSY: there is one; -EINVAL: handler NULL. unit_fault may be NULL. */
int vsva_dev_register_fault_handler(struct vsva_dev *dev, vsva_fault_handler_fn *handler,
				    vsva_unit_fault_fn *unit_fault, void *arg);
/* Answers what is pending with "invalid request"; when it returns 0 the handler is not running and
 * will not be called. -ENOENT; -ETIMEDOUT: it does not return (it may be this call's own caller),
 * but is not called again. */
int vsva_dev_unregister_fault_handler(struct vsva_dev *dev);

/* Attaches the device: requests without PASID go through the domain's second stage (RID_PASID entry
 * of type second stage). Attached to this domain already: 0. -EINVAL; -EBUSY attached to another
 * domain; -ENOMEM; -ETIMEDOUT. */
int vsva_domain_attach(struct vsva_domain *domain, struct vsva_dev *dev);
/* Unbinds every PASID that is bound, answers pending page requests, clears the RID_PASID entry.
 * 0; -EINVAL not attached to this domain; -ETIMEDOUT (detached all the same). */
int vsva_domain_detach(struct vsva_domain *domain, struct vsva_dev *dev);

/* Translation of requests without PASID. */
enum vsva_rid_kind {
	VSVA_RID_BLOCKED,      /* no entry: requests fault */
	VSVA_RID_SECOND_STAGE, /* the domain's second stage alone: what a guest calls pass-through */
	VSVA_RID_NESTED,       /* guest's first stage on the domain's second stage */
};
struct vsva_rid_config {
	enum vsva_rid_kind kind;
	/* VSVA_RID_NESTED: */
	gpa_t gpgd;
	uint32_t addr_width; /* 48 or 57 */
	uint32_t vtd_flags;  /* VSVA_VTD_GPASID_SRE and the like */
};
/* Replaces the RID_PASID entry in the architecture's order. Same configuration: nothing happens, 0.
 * -EINVAL as vsva_bind_gpasid; -ENODEV not attached; -ENOSPC no domain id; -ENOMEM; -ETIMEDOUT:
 * blocked now. */
int vsva_attach_rid(struct vsva_domain *domain, struct vsva_dev *dev,
		    const struct vsva_rid_config *config);

/* Guest PASIDs */

/*
 * Binds a guest's first stage to a host PASID on one device: a nested entry in the device's PASID
 * table. data: copied before it is looked at. domain: the nesting domain the device is attached to.
 * With VSVA_GPASID_VAL the guest's number is kept with the id (if it had none before, until the last
 * unbind); without it guest and host PASID are the same. Identical data for a pair already bound counts
 * one user more. Whoever is the last user has the entry, and invalidates what becomes stale under it: a
 * virtual unit whose guest has unbound passes no flush on for others.
 *   0
 *   -EINVAL   no data, dev or domain; argsz, version, format, flags, padding; PASID 0 or above 20
 *             bits; device without 20-bit PASIDs; domain is no nesting domain; gpgd unaligned or
 *             beyond the second stage; address width not 48 or 57 or not supported; SRE or EAFE not
 *             supported; PCD, PWT, EMTE, CD
 *   -ENODEV   unit or device not SVM capable; the device is not attached to this domain
 *   -ENOTSUP  not a PCI device
 *   -ENOENT   the host PASID is not allocated
 *   -EACCES   the host PASID is in another owner's set
 *   -EBUSY    the pair is bound with other data; the id has another guest PASID; it stands for
 *             the requests without PASID of a part of this function
 *   -EEXIST   the guest PASID is another id's of the set
 *   -ENOSPC   no domain id is left
 *   -ENOMEM, -ETIMEDOUT  unwound without a trace
 */
int vsva_bind_gpasid(struct vsva_domain *domain, struct vsva_dev *dev,
		     const struct vsva_gpasid_bind_data *data);
/* Drops one user; the last tears down: pending page requests are answered "invalid", the entry
 * goes, caches and device TLB are flushed, requests drained. When it has returned there is no
 * access, and the handler is not told of page requests of the PASID any more (unless the handler
 * itself is calling). Not bound, or not allocated (any more): 0. -EINVAL bad PASID, dev or domain;
 * -EACCES another owner's; -ETIMEDOUT (torn down all the same). */
int vsva_unbind_gpasid(struct vsva_domain *domain, struct vsva_dev *dev, hpasid_t pasid);

/* Binds the domain's second stage alone to a host PASID on one device: what a guest calls
 * pass-through with PASID. Users are counted as for vsva_bind_gpasid, unbinding is the same; errors
 * as there. */
int vsva_bind_second_stage(struct vsva_domain *domain, struct vsva_dev *dev, hpasid_t pasid);

/* The 2020 invalidation: validity as in the uapi's table (granularity × cache); flushes the device
 * TLB implicitly with the IOTLB. PASIDs are host PASIDs. PASID not bound: 0. -EINVAL; -ENODEV;
 * -ETIMEDOUT. */
int vsva_cache_invalidate(struct vsva_domain *domain, struct vsva_dev *dev,
			  const struct vsva_cache_invalidate_info *info);

/* Exact invalidations for a virtual unit that passes on its guest's descriptors. */
#define VSVA_FLUSH_RID VSVA_PASID_INVALID /* the translation of requests without PASID */
struct vsva_flush {
	hpasid_t pasid; /* {VSVA_FLUSH_RID}: RID_PASID */
	bool all;       /* whole PASID; else the naturally aligned range below */
	uint64_t addr;
	uint8_t order;   /* 2^order pages */
	bool leaf;       /* only leaf entries have changed (IH) */
	bool device_tlb; /* of vsva_flush_iotlb: the device TLB with it, where ATS is on */
};
/* First-stage translations of the PASID on this device's domain. 0 also if nothing is bound. */
int vsva_flush_iotlb(struct vsva_dev *dev, const struct vsva_flush *flush);
/* The device TLB, and nothing else; no-op where ATS is off. global: all PASIDs of the function. */
int vsva_flush_device_tlb(struct vsva_dev *dev, const struct vsva_flush *flush, bool global);

enum vsva_flush_kind {
	VSVA_FLUSH_IOTLB,
	VSVA_FLUSH_DEVICE_TLB,
	VSVA_FLUSH_DEVICE_TLB_GLOBAL, /* `flush` is not looked at */
	VSVA_FLUSH_DRAIN,             /* vsva_drain_page_requests(); neither */
	VSVA_FLUSH_REPORT, /* its second half: nothing that the driver has is unreported */
};
struct vsva_flush_step {
	struct vsva_dev *dev;
	enum vsva_flush_kind kind;
	struct vsva_flush flush;
};
/*
 * At most VSVA_LIMIT_FLUSH_STEPS of the above and below in one sequence with one wait: invalidations in
 * this order, then the drains. 0; else nothing is known of any of them, and each by itself tells which
 * of them fails: -EINVAL one of them, their number, or their devices are not of one unit; -ENODEV;
 * -ETIMEDOUT.
 */
int vsva_flush_sequence(const struct vsva_flush_step *steps, unsigned count);

/* Answers a page-request group. 0; -EINVAL no such group pending, version, flags, PASID mismatch;
 * -ENODEV. Does not block. */
int vsva_page_response(struct vsva_dev *dev, const struct vsva_page_response *response);

/* Returns when every page request that the unit had accepted from the device has been reported to
 * the handler or answered. Waits for the driver's own thread only, never for a guest. -ETIMEDOUT.
 * */
int vsva_drain_page_requests(struct vsva_dev *dev);

/*
 * The unit loses its state (power, a reset of the platform) and gets it back. Bus mastering is taken
 * from all devices, reset(arg) puts the unit into its power-on state, the unit is brought up again
 * with everything that is attached and bound, and bus mastering is given back. Work that was under
 * way in a device fails; page requests too: their devices are told "failure", whoever was asked is
 * no longer, and a late response is -EINVAL. Invalidations that were under way go out again.
 * 0; -EINVAL; -ETIMEDOUT the unit does not come up: bus mastering stays off.
 */
int vsva_iommu_reset(struct vsva_iommu *iommu, void (*reset)(void *arg), void *arg);

/* Counters of the driver, since its creation. */
struct vsva_iommu_stats {
	uint64_t binds, unbinds, invalidations, page_requests, page_responses, faults, timeouts;
	uint64_t bound_now, domains_now, devices_now, requests_pending_now;
};
void vsva_iommu_get_stats(struct vsva_iommu *iommu, struct vsva_iommu_stats *out);

#ifdef __cplusplus
}
#endif
#endif
