/* SPDX-License-Identifier: MIT */
/*
 * Native SVA inside.
 *
 *   space   an address space that has been bound: its PASID and its bonds. Made with the first
 *           bind, and stays until the address space goes
 *   bond    a handle, struct vsva_sva: the space on one device, with a binding until that is taken
 *           down
 *   cut     the address space has exited: the entry is not present, with FPD left set
 *
 * Locks, in their order:
 *   iommu.sva_lock    (LOCK_RANK_SVA_SPACES)  spaces and the host's own set come into being
 *   mm.lock           (LOCK_RANK_MM)          held while notifiers are called
 *   space.bind_lock   (LOCK_RANK_SVA_BIND)    binds and unbinds of one address space, its PASID
 *   domain.lock       (LOCK_RANK_IOMMU)       entries, bindings
 *   space.lock        (LOCK_RANK_SVA)         bonds that have a binding
 * A notifier comes with the mm's lock, so nobody takes that with one of the later locks held: the
 * page-request worker has none at all.
 *
 * A bind lists its bond before it publishes the entry, and an unmap clears entries before it looks
 * at the list, both under space.lock: so either the notifier flushes for that bond, or hardware can
 * read nothing but the cleared entry. A teardown takes the bond off when its own flush has
 * completed.
 */
#ifndef HOST_SVA_H
#define HOST_SVA_H

#include "host/driver.h"
#include "host/mm.h"
#include "vsva/sva.h"

struct sva_space {
	struct vsva_iommu *iommu;
	struct vsva_mm *mm; /* which owns it */
	struct mm_notifier notifier;
	struct rcu_node rcu;
	struct sva_space *next_in_limbo; /* lock of the limbo */
	bool is_in_limbo;                /* the same */

	struct lock bind_lock;
	hpasid_t pasid;      /* bind_lock; atomic for vsva_sva_pasid_of */
	unsigned bond_count; /* bind_lock: handles, with and without a binding */
	bool is_lazy;        /* bind_lock */

	struct lock lock;
	struct list bonds; /* lock: of vsva_sva.in_space */
	bool is_released;  /* lock */
};

struct vsva_sva {
	struct sva_space *space;
	struct vsva_dev *dev;
	const struct vsva_sva_ops *ops;
	void *drvdata;
	hpasid_t pasid;
	uint32_t users; /* space.bind_lock */

	struct binding *binding; /* space.lock; NULL: taken down */
	struct list in_space;    /* space.lock, while it has a binding */
	bool is_cut;             /* space.lock */
};

/* The space of an address space, made if there is none. 0; -ESRCH; -ENOMEM; -EAGAIN no thread for
 * the set's work queue; -ENOSPC no capacity for the host's own set. */
int sva_space_get(struct vsva_iommu *iommu, struct vsva_mm *mm, struct sva_space **out);
/* Its PASID for one bond more, allocated below end if it has none. bind_lock is held. 0; -ENOSPC;
 * -ENOMEM. */
int sva_space_take_pasid(struct sva_space *space, uint32_t end);
/* One bond fewer. bind_lock is held. */
void sva_space_put_pasid(struct sva_space *space);

/* A bond is found by notifiers from here on. With the domain's lock. 0; -ESRCH: it has exited. */
int sva_bond_list(struct domain_locked locked, struct vsva_sva *bond, struct binding *binding);
/* The binding of one is taken down, and no flush of it is to come. */
void sva_bond_unlist(struct domain_locked locked, const struct binding *binding);
/* The domain of a bond that has a binding, with a reference; NULL: it has none. */
struct vsva_domain *sva_bond_domain(struct vsva_sva *bond);

/* Resolves page requests of bonds: run of a worker. */
bool sva_run_faults(void *arg);
/* Frees the memory of those that have exited in doubt, which is over. No lock is held. */
void sva_settle(struct vsva_iommu *iommu);
/* The unit is off; all address spaces have gone. */
void sva_fini(struct vsva_iommu *iommu);

#endif
