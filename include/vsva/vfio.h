/* SPDX-License-Identifier: MIT */
/*
 * What the owner of a guest holds: a container (the owner's set of PASIDs, the second stage of its
 * devices) and a handle for each device. Both are like file descriptors: whoever closes a container
 * gives everything back, in whatever state and from whatever thread, while others bind, invalidate,
 * answer page requests or do DMA.
 *
 * Handles are counted. open gives one reference, which close gives up; a thread that may outlive it
 * takes one of its own with get. A call on a handle that was closed meanwhile returns -ENODEV and
 * does nothing. A call that was under way is waited for; none of them waits for a guest.
 *
 * Threads: every function may be called from any thread; all may block but page_response and the
 * frees under VSVA_FREE_RECLAIMS.
 *
 *   | may run at once with close | bind, unbind | invalidate | map, unmap | page response | free |
 *   | container close            | yes          | yes        | yes        | yes           | yes  |
 *   | device close               | yes          | yes        | yes        | yes           | yes  |
 */
#ifndef VSVA_VFIO_H
#define VSVA_VFIO_H

#include "vsva/iommu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_container;
struct vsva_container_device;

/* The two answers to "what if a PASID is freed before it is unbound?" */
enum vsva_free_policy {
	/* Free returns at once; the id is free-pending, its bindings are torn down by the set's work
	 * queue (vsva/ioasid.h). */
	VSVA_FREE_RECLAIMS,
	/* This layer unbinds the PASID everywhere before it frees it: the caller waits for the
	 * devices, and nobody ever sees a PASID that is free-pending and bound. */
	VSVA_FREE_UNBINDS_FIRST,
};
/* "reclaims", "unbinds-first"; "?". */
const char *vsva_free_policy_name(enum vsva_free_policy policy);
/* -EINVAL: no such name. */
int vsva_free_policy_parse(const char *name, enum vsva_free_policy *out);

struct vsva_container_options {
	uint32_t pasid_quota;  /* 0: VSVA_LIMIT_DEFAULT_PASID_QUOTA */
	uint32_t domain_flags; /* VSVA_DOMAIN_* beside VSVA_DOMAIN_NESTING */
	uint32_t vm;           /* number for messages and events */
	enum vsva_free_policy policy;
};

/* options NULL: defaults. 0; -EINVAL; errors of vsva_ioasid_set_alloc and vsva_domain_alloc. */
int vsva_container_open(struct vsva_iommu *iommu, const struct vsva_container_options *options,
			struct vsva_container **out);
/*
 * Everything goes: all PASIDs are freed at once (faults are dropped, page requests answered), calls
 * under way are waited for, bindings are torn down in batches and PASIDs reclaimed, devices are
 * detached and their handles closed, memory is unmapped. After it has returned there is no access.
 * A second close, also at the same time, only waits. 0; -ETIMEDOUT: a device did not answer, or a
 * subscriber keeps references on PASIDs (they stay free-pending, and their numbers out of use);
 * closed all the same. NULL: 0.
 */
int vsva_container_close(struct vsva_container *container);
void vsva_container_get(struct vsva_container *container);
void vsva_container_put(struct vsva_container *container);

/* What it holds, until it is closed. */
struct vsva_ioasid_set *vsva_container_set(const struct vsva_container *container);
struct vsva_domain *vsva_container_domain(const struct vsva_container *container);
enum vsva_free_policy vsva_container_policy(const struct vsva_container *container);

/* As vsva_domain_map and vsva_domain_unmap; and -ENODEV. */
int vsva_container_map(struct vsva_container *container, gpa_t addr, hpa_t to, uint64_t len,
		       uint32_t prot);
int vsva_container_unmap(struct vsva_container *container, gpa_t addr, uint64_t len,
			 uint64_t *unmapped);

/* As vsva_ioasid_alloc, numbers from VSVA_LIMIT_FIRST_VM_PASID on; and -ENODEV. */
int vsva_container_pasid_alloc(struct vsva_container *container, hpasid_t *out);
/* Frees a PASID, bound or not, as the policy says. 0, also for one that is not allocated (any
 * more); -EINVAL; -EACCES another owner's; -ENODEV; -ETIMEDOUT (VSVA_FREE_UNBINDS_FIRST: a device
 * did not answer; it is freed all the same). */
int vsva_container_pasid_free(struct vsva_container *container, hpasid_t id);

/* Devices */

/* Attaches the device (a whole function or a sub-device). 0; -ENODEV; -ENOMEM; errors of
 * vsva_domain_attach; -EBUSY also if it is in this container already. Whoever made the device keeps
 * it until the handle is closed, also when hardware has pulled it out. */
int vsva_container_add(struct vsva_container *container, struct vsva_dev *dev,
		       struct vsva_container_device **out);
/* Unbinds what is bound on the device, removes its fault handler, detaches it; gives up add's
 * reference. May be called from its own fault handler. A second close only waits. 0; -ETIMEDOUT
 * (closed all the same). NULL: 0. */
int vsva_container_device_close(struct vsva_container_device *device);
void vsva_container_device_get(struct vsva_container_device *device);
void vsva_container_device_put(struct vsva_container_device *device);
struct vsva_dev *vsva_container_device_dev(const struct vsva_container_device *device);

/* As the functions of vsva/iommu.h with these names, on the container's domain; and -ENODEV. */
int vsva_container_bind_gpasid(struct vsva_container_device *device,
			       const struct vsva_gpasid_bind_data *data);
int vsva_container_bind_second_stage(struct vsva_container_device *device, hpasid_t pasid);
int vsva_container_unbind_gpasid(struct vsva_container_device *device, hpasid_t pasid);
/*
 * Bind and unbind for a virtual unit, whose guest goes on to ask for flushes and a drain of what it has
 * just bound or unbound: of what that asks for, some has happened when these return 0.
 * *is_clean: the entry is new, and neither the unit nor the device has anything cached from before.
 * *is_drained: page requests were drained. What the unit had accepted, from any device, is the driver's:
 * of VSVA_FLUSH_DRAIN only VSVA_FLUSH_REPORT is left.
 */
int vsva_container_bind_gpasid_clean(struct vsva_container_device *device,
				     const struct vsva_gpasid_bind_data *data, bool *is_clean);
int vsva_container_unbind_gpasid_drained(struct vsva_container_device *device, hpasid_t pasid,
					 bool *is_drained);
int vsva_container_attach_rid(struct vsva_container_device *device,
			      const struct vsva_rid_config *config);
int vsva_container_cache_invalidate(struct vsva_container_device *device,
				    const struct vsva_cache_invalidate_info *info);
int vsva_container_page_response(struct vsva_container_device *device,
				 const struct vsva_page_response *response);
int vsva_container_set_fault_handler(struct vsva_container_device *device,
				     vsva_fault_handler_fn *handler, vsva_unit_fault_fn *unit_fault,
				     void *arg);

#ifdef __cplusplus
}
#endif
#endif
