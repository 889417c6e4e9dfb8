/* SPDX-License-Identifier: MIT */
/*
 * Children: translations on a domain that are not the domain's own, each a struct binding with a
 * domain id. Reserve, publish, take down (teardown.h).
 */
#ifndef HOST_CHILD_H
#define HOST_CHILD_H

#include "host/entry.h"

/* The second-stage part of an entry. */
struct pasid_second_stage domain_second_stage(const struct vsva_domain *domain, did_t did);

/* Is that a first stage that the domain can carry? 0; -EINVAL. */
int child_check(const struct vsva_domain *domain, uint64_t gpgd, uint32_t addr_width,
		uint64_t vtd_flags);

/* A binding of the device, known to nobody, with a domain id: one of the domain's for its children,
 * or that of all host processes. NULL: no memory. */
struct binding *child_alloc(struct domain_locked locked, struct vsva_dev *dev,
			    enum binding_kind kind);
/* One that was never published, or has been taken down; freed after a grace period. */
void child_free(struct domain_locked locked, struct binding *binding);
/* Its memory alone, after a grace period. */
void binding_free(struct binding *binding);
/* One that was taken down with the unit in doubt: memory, domain id and the reference on its PASID
 * stay until that is over. */
void child_give_to_limbo(struct domain_locked locked, struct binding *binding);

/* Makes room in the PASID table and lets the binding be found, beside others of the function with
 * the same PASID that say the same. 0; -EBUSY: they say otherwise; -ENOMEM. */
int child_reserve(struct domain_locked locked, struct binding *binding);
/* It is not found any more. */
void child_forget(struct domain_locked locked, struct binding *binding);
/* Writes the entry, unless it is there for another of the function. 0; -ETIMEDOUT: published all
 * the same. */
int child_publish(struct domain_locked locked, struct binding *binding);
/* Does a living binding of another device of the function need the entry? */
bool child_is_shared(struct domain_locked locked, const struct binding *binding);

/* The set whose PASID it is. */
struct vsva_ioasid_set *binding_set(struct domain_locked locked, const struct binding *binding);
/* The same translation, under the same guest PASID. */
bool child_is_same(const struct binding *a, const struct binding *b);

/* The device TLB's translations by children of the device. */
void dev_flush_children(struct domain_locked locked, struct vsva_dev *dev, struct flush *flush);
/* Calls fn for each domain id that children of the domain have. */
void domain_for_each_child_did(struct domain_locked locked, void (*fn)(void *arg, did_t did),
			       void *arg);

#endif
