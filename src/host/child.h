/* SPDX-License-Identifier: MIT */
/* Children: nested translations on a domain, each with its own domain id. Reserve, publish, take
 * down. */
#ifndef HOST_CHILD_H
#define HOST_CHILD_H

#include "host/device.h"

/* The second-stage part of an entry. */
struct pasid_second_stage domain_second_stage(const struct vsva_domain *domain, did_t did);

/* Is that a first stage that the domain can carry? 0; -EINVAL. */
int child_check(const struct vsva_domain *domain, uint64_t gpgd, uint32_t addr_width,
		uint64_t vtd_flags);

/* A binding with a domain id of its own, known to nobody. 0; -ENOSPC no domain id; -ENOMEM. */
int child_alloc(struct vsva_iommu *iommu, struct binding **out);
/* One that was never published; freed after a grace period. */
void child_free(struct vsva_iommu *iommu, struct binding *binding);

/* Makes room in the PASID table and lets the binding be found; what can fail for lack of memory. 0;
 * -ENOMEM. */
int child_reserve(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding);
/* Undoes it, and frees the binding. */
void child_abort(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding);
/* Writes the nested entry. 0; -ETIMEDOUT: published all the same. */
int child_publish(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding);
/* Takes down what was published; the binding is gone. */
void child_destroy(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding,
		   struct aftermath *aftermath);

/* A bound PASID, whatever its users: destroys it and takes it off its IOASID. */
void child_unbind(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding,
		  struct aftermath *aftermath);
/* Takes the RID entry down, of whatever kind. */
void rid_block(struct domain_locked locked, struct vsva_dev *dev, struct aftermath *aftermath);

#endif
