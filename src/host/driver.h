/* SPDX-License-Identifier: MIT */
/*
 * The driver's own objects. Who protects what:
 *
 *   vsva_iommu     registry_lock (LOCK_RANK_IOMMU): functions that come and go; each other part has
 *                  a lock of its own
 *   vsva_domain    lock (LOCK_RANK_IOMMU): second stage, attached devices, their bindings and these
 *                  bindings' entries. No lock of two domains at a time.
 *   function       lock (LOCK_RANK_FUNCTION): what devices of several domains share: who has which
 *                  PASID, growth of the PASID table, the context entry. Held for a moment, but for
 *                  the first bind on a function, which changes the context entry and flushes.
 *   page requests  prq.lock (LOCK_RANK_FAULT_QUEUE): groups of all functions. Never taken inside an
 *                  RCU read section: a unit that runs its queue in the tail write waits for those
 *                  sections, and the lock is held then.
 *   look-ups       RID to function, (function, PASID) to bindings: RCU
 *
 * Waits for the unit hold at most the lock of a domain and of a function, which the page-request
 * worker does not take, nor the fault worker while it deals with errors of the queue.
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
	struct table_memory paging; /* of second stages; root.memory: of all other tables */
	uint32_t response_timeout_ms;
	uint32_t gcmd; /* level bits that are set; bring-up and shutdown only */
	struct qi qi;
	struct prq prq;
	struct limbo limbo;
	struct did_pool dids;
	struct vsva_ioasid_space *space;
	struct vsva_ioasid_notifier *notifier; /* its own: reclaims of freed PASIDs */
	struct lock sva_lock;                  /* LOCK_RANK_SVA_SPACES: making of the two below */
	struct vsva_ioasid_set *native_set;    /* PASIDs of host processes; NULL: none yet */
	did_t native_did;                      /* of all their entries */
	bool is_sva_lazy;                      /* atomic: VSVA_SVA_FREE_LAZILY */
	struct unit_event fault_event, prq_event;
	struct worker *expiry_worker;
	struct worker *native_worker; /* page requests of host processes */
	bool is_stopping;             /* atomic */

	struct lock
		registry_lock; /* LOCK_RANK_IOMMU: the two below, VFs of PFs. No domain's lock is
				      held. */
	struct root_table root;
	struct sparse functions; /* by RID; readers: RCU */
	/* What functions share: PASID and PRI of a PF. LOCK_RANK_HOST_MEMORY, for it is taken with
	 * a domain's lock held and configuration space takes a device's. */
	struct lock shared_caps_lock;

	struct vsva_iommu_stats stats; /* each member atomic */
};

/* Domain ids for the children of a domain. Each child has one to itself while there are few; then
 * they share: so an unmap flushes a bounded number of ids, an unbind costs few others their cached
 * translations, and 2^20 PASIDs do with ids of 16 bits. */
#define DOMAIN_CHILD_DIDS 64u

struct child_did {
	did_t did;
	bool is_in_doubt; /* something may be cached under it */
	uint32_t users;
};

struct vsva_domain {
	struct vsva_iommu *iommu;
	struct vsva_ioasid_set *owner;
	uint32_t flags; /* VSVA_DOMAIN_* */
	uint32_t vm;
	did_t did;
	unsigned refs; /* atomic: its existence, and those who have found it */
	struct rcu_node rcu;
	struct lock lock;
	struct second_stage ss; /* writers: lock */
	struct list devs;       /* lock: of vsva_dev.in_domain */
	/* lock; those without users have no id */
	struct child_did children[DOMAIN_CHILD_DIDS];
	uint32_t own_did_users; /* lock: children that had to take the domain's own */
};

enum binding_kind {
	BINDING_NESTED,       /* a guest's first stage on the second stage of the domain */
	BINDING_SECOND_STAGE, /* the second stage alone: guest physical addresses */
	BINDING_FIRST_STAGE,  /* a host process: its first stage alone */
};

/* What is counted of a binding, for who looks on (inspect.c). */
enum binding_counter {
	BINDING_PAGE_REQUESTS,
	BINDING_INVALIDATIONS,
	BINDING_FAULTS,
	BINDING_COUNTERS,
};

/* A translation that is not the domain's own: of a PASID, or (is_rid) of requests without PASID.
 * Does not change while it can be found, but for users and is_dying. */
struct binding {
	union {
		struct list in_dev;  /* lock of the domain */
		struct rcu_node rcu; /* after that: in limbo, and for a grace period */
	};
	struct ioasid_binding
		id; /* its PASID; is_rid: the base PASID, not in an IOASID set's list */
	struct vsva_dev *dev;
	struct binding
		*same;  /* the next one with this PASID on this function; function.lock, readers
				 RCU */
	uint64_t root;  /* of the first stage: GPA, for BINDING_FIRST_STAGE HPA; else 0 */
	uint32_t users; /* lock of the domain */
	/* atomic: its page requests are answered "invalid". Beside what nobody reads without the
	 * lock, for a compiler may read its neighbours with one load. */
	bool is_dying;
	union {
		struct {
			uint32_t pat, emt;
		};
		struct sva_space *native; /* BINDING_FIRST_STAGE: whose; stays for a grace period */
	};
	uint32_t counters[BINDING_COUNTERS]; /* atomic */
	did_t did;
	uint8_t kind; /* enum binding_kind */
	uint8_t addr_width;
	uint8_t vtd_flags;
	bool is_guest_given; /* VSVA_GPASID_VAL */
	bool is_rid;
};

struct fault_handler {
	vsva_fault_handler_fn *fault;
	vsva_unit_fault_fn *unit_fault;
	void *arg;
	unsigned refs; /* atomic: its registration, and calls of it */
};

/*
 * What an owner holds: a whole function, or (a sub-device, of a mediated device) the part of one
 * that uses certain PASIDs. Requests without PASID of a sub-device carry its base PASID.
 */
struct vsva_dev {
	struct vsva_iommu *iommu;
	struct function *function;
	rid_t rid;
	uint32_t base; /* PASID of the entry for requests without PASID; 0: the function's own */
	unsigned refs; /* atomic: of calls of its handler */
	struct list in_function; /* function.lock; sub-devices */

	struct vsva_domain *domain; /* atomic; NULL: not attached. Writers: lock of the domain */
	struct list in_domain;      /* lock of the domain, as the next two */
	struct list bindings;       /* of binding.in_dev */
	enum vsva_rid_kind rid_kind;
	bool is_open;      /* atomic: invalidations from outside are let in */
	unsigned flushers; /* atomic: that are inside */

	struct fault_handler *handler; /* prq.lock */
};

/* A PCI function as hardware tells it apart: one context entry, one PASID table, one device TLB. */
struct function {
	struct vsva_iommu *iommu;
	rid_t rid;
	bool is_pci;
	struct pci_port config;
	struct pci_caps caps; /* ATS of its own; PRI and PASID of the PF */
	struct function *pf;  /* itself if it is no VF */
	unsigned vf_count;    /* registry_lock */
	struct flush_device tlb;
	struct vtd_context_entry *context;
	unsigned refs;   /* atomic: of those who found it by RID */
	bool was_master; /* registry_lock: while the unit is reset */
	struct vsva_dev own;

	struct lock lock;
	struct list subdevs;       /* lock: of vsva_dev.in_function */
	struct pasid_table pasids; /* lock: its growth. An entry: the lock of its owner's domain */
	struct sparse bindings;    /* PASID to the first of its bindings; lock, readers RCU */
	bool is_pri_on;            /* atomic; writers: lock */
	bool is_ats_on;            /* atomic; writers: lock of the own handle's domain */
	bool is_isolated;          /* atomic */

	unsigned pasid_users, pri_users; /* of a PF: shared_caps_lock */
	struct function_groups groups;   /* prq.lock */
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

/* A reclaim keeps the domain that it has found. */
void domain_get(struct vsva_domain *domain);
void domain_put(struct vsva_domain *domain);
/* The domain of a device that is not removed meanwhile, with a reference, or NULL. */
struct vsva_domain *dev_domain_get(const struct vsva_dev *dev);

/* Takes the unit over in whatever state and brings it up with the tables and queues as they are. 0;
 * -ETIMEDOUT. */
int iommu_bring_up(struct vsva_iommu *iommu);

/* The function with this RID, with a reference, or NULL. */
struct function *function_get(struct vsva_iommu *iommu, rid_t rid);
void function_put(struct function *function);
/* Inside an RCU read section or with the function's lock: the first of the bindings of a PASID. */
static inline struct binding *function_find_bindings(const struct function *function,
						     uint32_t pasid)
{
	return sparse_get(&function->bindings, pasid);
}
/* Inside an RCU read section or with the lock of the device's domain: this device's. pasid base:
 * that of requests without PASID. */
static inline struct binding *dev_find_binding(const struct vsva_dev *dev, uint32_t pasid)
{
	struct binding *binding = function_find_bindings(dev->function, pasid);

	while (binding && binding->dev != dev)
		binding = rcu_load(binding->same);
	return binding;
}
/* If the PASID is bound there. dev NULL: whoever has it on the function. */
void binding_count(const struct function *function, const struct vsva_dev *dev, uint32_t pasid,
		   enum binding_counter counter);
static inline bool dev_is_attached_to(const struct vsva_dev *dev, const struct vsva_domain *domain)
{
	return __atomic_load_n(&dev->domain, __ATOMIC_ACQUIRE) == domain;
}

#endif
