/* SPDX-License-Identifier: MIT */
/*
 * The driver's own objects. Who protects what:
 *
 *   vsva_iommu     registry_lock (LOCK_RANK_IOMMU): devices that come and go; each other part has a
 *                  lock of its own
 *   vsva_domain    lock (LOCK_RANK_IOMMU): second stage, list of devices, and of these the PASID
 *                  tables, bindings and context entries. No lock of two domains at a time.
 *   page requests  prq.lock (LOCK_RANK_FAULT_QUEUE): groups of all devices. Never taken inside an
 *                  RCU read section: a unit that runs its queue in the tail write waits for those
 *                  sections, and the lock is held then.
 *   look-ups       RID to device, (device, PASID) to binding: RCU
 *
 * Waits for the unit hold at most the lock of a domain, which neither the page-request worker nor
 * the fault worker takes.
 */
#ifndef HOST_DRIVER_H
#define HOST_DRIVER_H

#include "base/lock.h"
#include "base/rcu.h"
#include "base/sparse.h"
#include "host/context.h"
#include "host/did.h"
#include "host/flush.h"
#include "host/ioasid.h"
#include "host/iommu.h"
#include "host/limbo.h"
#include "host/pasid_table.h"
#include "host/pci_caps.h"
#include "host/prq.h"
#include "host/qi.h"
#include "host/second_stage.h"

/* An event message of the unit (VT-d 11.4.7) and the worker that it wakes. */
struct unit_event {
	uint64_t address;
	uint32_t data;
	bool is_allocated;
	struct worker *worker;
};

struct vsva_iommu {
	struct vtd_port port;
	struct worker_pool *pool;
	const struct trace *trace;
	struct vtd_rules rules;
	uint32_t response_timeout_ms;
	uint32_t gcmd; /* level bits that are set; bring-up and shutdown only */
	struct qi qi;
	struct prq prq;
	struct limbo limbo;
	struct did_pool dids;
	struct vsva_ioasid_space *space;
	struct unit_event fault_event, prq_event;
	struct worker *expiry_worker;
	bool is_stopping; /* atomic */

	struct lock registry_lock; /* LOCK_RANK_IOMMU: the two below, users of PFs. No domain's lock
				      is held. */
	struct root_table root;
	struct sparse devs; /* RID to device; readers: RCU */
	/* What functions share: PASID and PRI of a PF. LOCK_RANK_HOST_MEMORY, for it is taken with
	 * a domain's lock held and configuration space takes a device's. */
	struct lock shared_caps_lock;

	struct vsva_iommu_stats stats; /* each member atomic */
};

struct vsva_domain {
	struct vsva_iommu *iommu;
	struct vsva_ioasid_set *owner;
	uint32_t flags; /* VSVA_DOMAIN_* */
	uint32_t vm;
	did_t did;
	struct lock lock;
	struct second_stage ss; /* writers: lock */
	struct list devs;       /* lock: of vsva_dev.in_domain */
};

/* A guest's first stage on the second stage of the device's domain: a binding of a PASID, or (id 0)
 * the nested RID entry. Does not change while it can be found, but for users and is_dying. */
struct binding {
	struct rcu_node rcu;
	struct ioasid_binding id; /* not in the IOASID space if id 0 */
	uint64_t gpgd;
	uint32_t users; /* lock of the domain */
	uint32_t pat, emt;
	did_t did;
	uint8_t addr_width;
	uint8_t vtd_flags;
	bool is_guest_given;  /* VSVA_GPASID_VAL */
	bool is_pass_through; /* the second stage alone: guest physical addresses; the first stage's
				 members are 0 */
	bool is_dying;        /* prq.lock: its page requests are answered "invalid" */
};

struct fault_handler {
	vsva_fault_handler_fn *fault;
	vsva_unit_fault_fn *unit_fault;
	void *arg;
	unsigned refs; /* atomic: its registration, and calls of it */
};

struct vsva_dev {
	struct vsva_iommu *iommu;
	rid_t rid;
	bool is_pci;
	struct pci_port config;
	struct pci_caps caps; /* ATS of its own; PRI and PASID of the PF */
	struct vsva_dev *pf;  /* itself if it is no VF */
	unsigned vf_count;    /* registry_lock */
	struct flush_device tlb;
	unsigned refs; /* atomic: of those who found it by RID */
	struct vtd_context_entry *context;

	struct vsva_domain *domain; /* atomic; NULL: not attached. Writers: lock of the domain */
	struct list in_domain;      /* lock of the domain, as all up to here */
	struct pasid_table pasids;
	struct sparse bindings;    /* PASID to binding; readers: RCU */
	struct binding *rid_child; /* of the nested RID entry; readers: RCU */
	enum vsva_rid_kind rid_kind;
	bool is_isolated;
	bool is_pri_on;

	bool is_ats_on;    /* atomic; writers: lock of the domain */
	bool is_open;      /* atomic: invalidations from outside are let in */
	unsigned flushers; /* atomic: that are inside */

	unsigned pasid_users, pri_users; /* of a PF: shared_caps_lock */
	struct fault_handler *handler;   /* prq.lock */
	struct dev_groups groups;        /* prq.lock */
};

static inline void stat_add(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static inline void stat_sub(uint64_t *counter)
{
	__atomic_fetch_sub(counter, 1, __ATOMIC_RELAXED);
}

/* The witness of a domain's lock: a function that takes it needs the lock. */
struct domain_locked {
	struct vsva_domain *domain;
};

static inline struct domain_locked domain_lock(struct vsva_domain *domain)
{
	lock_take(&domain->lock);
	return (struct domain_locked){domain};
}

static inline void domain_unlock(struct domain_locked locked)
{
	lock_drop(&locked.domain->lock);
}

/* The device with this RID, with a reference, or NULL. */
struct vsva_dev *dev_get(struct vsva_iommu *iommu, rid_t rid);
void dev_put(struct vsva_dev *dev);
/* Inside an RCU read section or with the domain's lock. pasid 0: the nested RID entry's. */
static inline struct binding *dev_find_binding(const struct vsva_dev *dev, uint32_t pasid)
{
	return pasid ? sparse_get(&dev->bindings, pasid) : rcu_load(dev->rid_child);
}
static inline bool dev_is_attached_to(const struct vsva_dev *dev, const struct vsva_domain *domain)
{
	return __atomic_load_n(&dev->domain, __ATOMIC_ACQUIRE) == domain;
}

#endif
