/* SPDX-License-Identifier: MIT */
/*
 * What a time-out left in doubt: pages that the unit may still be reading, address spaces with all
 * their memory, domain ids and PASIDs under which something may still be cached. They are reused
 * when a later flush of everything has worked, or when the unit has been switched off; until then
 * they lie here.
 */
#ifndef HOST_LIMBO_H
#define HOST_LIMBO_H

#include "base/lock.h"
#include "base/rcu.h"
#include "host/page_list.h"
#include "vsva/types.h"

struct vsva_iommu;
struct binding;
struct sva_space;

struct limbo {
	struct lock lock;          /* LOCK_RANK_LEAF */
	struct page_list pages;    /* lock */
	struct rcu_node *bindings; /* lock: of binding.rcu; each with a reference on its PASID */
	struct sva_space *spaces;  /* lock: of next_in_limbo; each with a reference on its mm */
	struct sva_space *settled; /* lock: the same, when the doubt is over */
	bool is_used;              /* atomic: there is something */
	bool was_used;             /* atomic: there is, or there has been */
	bool is_busy;              /* atomic: somebody is emptying it */
};

void limbo_init(struct limbo *limbo);
/* The unit is off. */
void limbo_fini(struct vsva_iommu *iommu);
void limbo_add_pages(struct vsva_iommu *iommu, struct page_list *pages);
void limbo_add_did(struct vsva_iommu *iommu, did_t did);
void limbo_add_binding(struct vsva_iommu *iommu, struct binding *binding);
/* An address space whose memory may still be used; once, whoever says it how often. */
void limbo_add_space(struct vsva_iommu *iommu, struct sva_space *space);
bool limbo_has_space(struct vsva_iommu *iommu, struct sva_space *space);
/* One whose doubt is over, out of the limbo; the reference is the caller's. NULL: there is none. */
struct sva_space *limbo_take_settled(struct vsva_iommu *iommu);
/* false: nothing has ever been in doubt. */
static inline bool limbo_was_used(const struct limbo *limbo)
{
	return __atomic_load_n(&limbo->was_used, __ATOMIC_ACQUIRE);
}
/* After a flush that worked: tries to empty it. Waits. */
void limbo_recover(struct vsva_iommu *iommu);

#endif
