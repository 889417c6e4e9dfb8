// SPDX-License-Identifier: MIT
/* Address spaces that are bound: their PASID, their bonds, and what their mm tells them. */
#include "host/sva.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "host/teardown.h"
#include "vsva/limits.h"

/* A range that would need more descriptors than this is flushed as a whole. */
#define CHUNKS_MAX 32u

/* Ranges */

struct chunks {
	struct flush_range ranges[CHUNKS_MAX];
	unsigned count;
};

/* Aligned powers of two that cover [start, end), and nothing else if there are not too many: a
 * descriptor has no others, and one that covered the range in one would cost its neighbours what
 * they have cached. */
static void cut_into_chunks(struct chunks *chunks, uint64_t start, uint64_t end)
{
	chunks->count = 0;
	while (start < end && chunks->count < CHUNKS_MAX) {
		struct flush_range range = flush_range_first(start, end);

		chunks->ranges[chunks->count++] = range;
		start += (uint64_t)VSVA_PAGE_SIZE << range.order;
	}
	if (start >= end)
		return;
	chunks->ranges[0] = (struct flush_range){.order = FLUSH_ALL};
	chunks->count = 1;
}

/* Under the one domain id of native entries, so for all devices at once. Tables may have gone, too:
 * no hint that only leaves have. */
static void flush_unit(struct sva_space *space, const struct chunks *chunks,
		       struct aftermath *aftermath)
{
	struct vsva_iommu *iommu = space->iommu;
	struct flush flush;

	flush_begin(&flush, iommu);
	for (unsigned i = 0; i < chunks->count; i++)
		flush_first_stage(&flush, iommu->native_did, space->pasid.v, chunks->ranges[i],
				  false);
	if (flush_end(&flush))
		aftermath->is_in_doubt = true;
}

static void flush_device(const struct vsva_sva *bond, const struct chunks *chunks,
			 struct aftermath *aftermath)
{
	struct function *function = bond->dev->function;
	struct flush flush;

	if (!function_is_ats_on(function))
		return;
	flush_begin(&flush, function->iommu);
	for (unsigned i = 0; i < chunks->count; i++)
		function_flush_device_tlb(function, &flush, bond->pasid.v, chunks->ranges[i]);
	function_flush_end(function, &flush, aftermath);
}

/* IOTLB first; a device TLB that is flushed before would fill itself from it (VT-d 6.5.2). */
static int invalidate_range(void *arg, uint64_t start, uint64_t end)
{
	struct sva_space *space = arg;
	struct aftermath aftermath = {0};
	struct chunks chunks;

	cut_into_chunks(&chunks, start, end);
	lock_take(&space->lock);
	if (!list_is_empty(&space->bonds))
		flush_unit(space, &chunks, &aftermath);
	for (struct list *at = space->bonds.next; at != &space->bonds; at = at->next)
		flush_device(container_of(at, struct vsva_sva, in_space), &chunks, &aftermath);
	lock_drop(&space->lock);
	return aftermath.is_in_doubt ? -ETIMEDOUT : 0;
}

/* Exit */

/* space.lock. A bond that is not cut; of one domain, or (NULL) of any. */
static struct vsva_sva *uncut_bond(struct sva_space *space, const struct vsva_domain *domain)
{
	for (struct list *at = space->bonds.next; at != &space->bonds; at = at->next) {
		struct vsva_sva *bond = container_of(at, struct vsva_sva, in_space);

		if (!bond->is_cut && (!domain || dev_is_attached_to(bond->dev, domain)))
			return bond;
	}
	return NULL;
}

/* space.lock: a bond that has a binding keeps its device attached. */
static struct vsva_domain *domain_of(const struct vsva_sva *bond)
{
	struct vsva_domain *domain = __atomic_load_n(&bond->dev->domain, __ATOMIC_ACQUIRE);

	domain_get(domain);
	return domain;
}

static struct vsva_domain *domain_to_cut(struct sva_space *space)
{
	struct vsva_domain *domain = NULL;
	const struct vsva_sva *bond;

	lock_take(&space->lock);
	bond = uncut_bond(space, NULL);
	if (bond)
		domain = domain_of(bond);
	lock_drop(&space->lock);
	return domain;
}

/* With the domain's lock a bond keeps its binding. */
static struct binding *next_to_cut(struct domain_locked locked, struct sva_space *space)
{
	struct binding *binding = NULL;
	struct vsva_sva *bond;

	lock_take(&space->lock);
	bond = uncut_bond(space, locked.domain);
	if (bond) {
		bond->is_cut = true;
		binding = bond->binding;
	}
	lock_drop(&space->lock);
	return binding;
}

static void cut_domain(struct sva_space *space, struct vsva_domain *domain,
		       struct aftermath *aftermath)
{
	struct domain_locked locked = domain_lock(domain);
	struct binding *binding;

	while ((binding = next_to_cut(locked, space)))
		binding_cut(locked, binding, aftermath);
	domain_unlock(locked);
}

static void tell_drivers(struct sva_space *space)
{
	lock_take(&space->lock);
	for (struct list *at = space->bonds.next; at != &space->bonds; at = at->next) {
		struct vsva_sva *bond = container_of(at, struct vsva_sva, in_space);

		if (bond->ops && bond->ops->mm_exit)
			bond->ops->mm_exit(bond->drvdata, bond);
	}
	lock_drop(&space->lock);
}

static void cut_all(struct sva_space *space, struct aftermath *aftermath)
{
	struct vsva_domain *domain;

	while ((domain = domain_to_cut(space))) {
		cut_domain(space, domain, aftermath);
		domain_put(domain);
		prq_discard_dying_later(space->iommu);
	}
}

/* No page request is drained here: whoever resolves them may be waiting for the address space.
 * Those that are pending are answered by their worker. */
static int release(void *arg)
{
	struct sva_space *space = arg;
	struct aftermath aftermath = {0};

	lock_take(&space->lock);
	space->is_released = true;
	lock_drop(&space->lock);
	cut_all(space, &aftermath);
	tell_drivers(space);
	if (aftermath.is_in_doubt)
		limbo_add_space(space->iommu, space);
	return limbo_has_space(space->iommu, space) ? -ETIMEDOUT : 0;
}

/* Spaces */

static void space_reclaim(struct rcu_node *node)
{
	struct sva_space *space = container_of(node, struct sva_space, rcu);

	lock_destroy(&space->lock);
	lock_destroy(&space->bind_lock);
	base_free(space);
}

static void free_pasid(struct sva_space *space)
{
	struct vsva_iommu *iommu = space->iommu;
	hpasid_t pasid = space->pasid;

	__atomic_store_n(&space->pasid.v, VSVA_PASID_INVALID, __ATOMIC_RELAXED);
	CHECK(vsva_ioasid_free(iommu->native_set, pasid) == 0);
}

/* The last reference on the address space has gone, so no bond is left. */
static void destroy(void *arg)
{
	struct sva_space *space = arg;

	CHECK(space->bond_count == 0);
	if (space->pasid.v != VSVA_PASID_INVALID)
		free_pasid(space);
	rcu_call(&space->rcu, space_reclaim);
}

static const struct mm_notifier_ops notifier_ops = {
	.invalidate_range = invalidate_range, .release = release, .destroy = destroy};

/* sva_lock */
static int make_set(struct vsva_iommu *iommu)
{
	int err;

	if (iommu->native_set)
		return 0;
	err = did_alloc(&iommu->dids, &iommu->native_did);
	if (err)
		return err;
	err = vsva_ioasid_set_alloc(iommu->space, iommu, VSVA_LIMIT_FIRST_VM_PASID - 1,
				    &iommu->native_set);
	if (err)
		did_free(&iommu->dids, iommu->native_did);
	return err;
}

void sva_fini(struct vsva_iommu *iommu)
{
	if (iommu->native_set)
		vsva_ioasid_set_free(iommu->native_set);
}

void sva_settle(struct vsva_iommu *iommu)
{
	struct sva_space *space;

	while ((space = limbo_take_settled(iommu))) {
		struct vsva_mm *mm = space->mm;

		mm_settle(mm);
		vsva_mm_put(mm);
	}
}

static struct sva_space *space_alloc(struct vsva_iommu *iommu, struct vsva_mm *mm)
{
	struct sva_space *space = base_zalloc(sizeof(*space));

	if (!space)
		return NULL;
	space->iommu = iommu;
	space->mm = mm;
	space->notifier = (struct mm_notifier){.ops = &notifier_ops, .arg = space};
	space->pasid = hpasid(VSVA_PASID_INVALID);
	list_init(&space->bonds);
	lock_init(&space->bind_lock, LOCK_RANK_SVA_BIND, "SVA binds");
	lock_init(&space->lock, LOCK_RANK_SVA, "SVA bonds");
	return space;
}

/* sva_lock */
static int space_make(struct vsva_iommu *iommu, struct vsva_mm *mm, struct sva_space **out)
{
	int err = make_set(iommu);

	if (err)
		return err;
	*out = space_alloc(iommu, mm);
	if (!*out)
		return -ENOMEM;
	err = mm_notifier_register(mm, &(*out)->notifier);
	if (err)
		space_reclaim(&(*out)->rcu);
	else
		mm_set_binder(mm, *out);
	return err;
}

int sva_space_get(struct vsva_iommu *iommu, struct vsva_mm *mm, struct sva_space **out)
{
	int err = 0;

	lock_take(&iommu->sva_lock);
	*out = mm_binder(mm);
	if (!*out)
		err = space_make(iommu, mm, out);
	lock_drop(&iommu->sva_lock);
	return err;
}

/* PASIDs */

void vsva_sva_set_policy(struct vsva_iommu *iommu, enum vsva_sva_policy policy)
{
	__atomic_store_n(&iommu->is_sva_lazy, policy == VSVA_SVA_FREE_LAZILY, __ATOMIC_RELAXED);
}

static int allocate(struct sva_space *space, uint32_t end)
{
	struct vsva_iommu *iommu = space->iommu;
	uint32_t limit = end < VSVA_LIMIT_FIRST_VM_PASID ? end : VSVA_LIMIT_FIRST_VM_PASID;
	hpasid_t pasid;
	int err = limit > 1 ? vsva_ioasid_alloc(iommu->native_set, 1, limit - 1, space, &pasid)
			    : -ENOSPC;

	if (err)
		return err == -ENOMEM ? err : -ENOSPC;
	space->is_lazy = __atomic_load_n(&iommu->is_sva_lazy, __ATOMIC_RELAXED);
	__atomic_store_n(&space->pasid.v, pasid.v, __ATOMIC_RELAXED);
	return 0;
}

int sva_space_take_pasid(struct sva_space *space, uint32_t end)
{
	int err = 0;

	if (space->pasid.v == VSVA_PASID_INVALID)
		err = allocate(space, end);
	else if (space->pasid.v >= end)
		err = -ENOSPC;
	if (!err)
		space->bond_count++;
	return err;
}

void sva_space_put_pasid(struct sva_space *space)
{
	if (--space->bond_count == 0 && !space->is_lazy)
		free_pasid(space);
}

hpasid_t vsva_sva_pasid_of(const struct vsva_mm *mm)
{
	const struct sva_space *space = mm ? mm_binder(mm) : NULL;

	return hpasid(space ? __atomic_load_n(&space->pasid.v, __ATOMIC_RELAXED)
			    : VSVA_PASID_INVALID);
}

/* Bonds */

int sva_bond_list(struct domain_locked locked, struct vsva_sva *bond, struct binding *binding)
{
	struct sva_space *space = bond->space;
	int err = 0;

	(void)locked;
	lock_take(&space->lock);
	if (space->is_released) {
		err = -ESRCH;
	} else {
		bond->binding = binding;
		list_append(&space->bonds, &bond->in_space);
	}
	lock_drop(&space->lock);
	return err;
}

/* space.lock */
static struct vsva_sva *bond_of(struct sva_space *space, const struct binding *binding)
{
	for (struct list *at = space->bonds.next; at != &space->bonds; at = at->next) {
		struct vsva_sva *bond = container_of(at, struct vsva_sva, in_space);

		if (bond->binding == binding)
			return bond;
	}
	return NULL;
}

void sva_bond_unlist(struct domain_locked locked, const struct binding *binding)
{
	struct sva_space *space = binding->native;
	struct vsva_sva *bond;

	(void)locked;
	lock_take(&space->lock);
	bond = bond_of(space, binding);
	CHECK(bond);
	bond->binding = NULL;
	list_remove(&bond->in_space);
	lock_drop(&space->lock);
}

struct vsva_domain *sva_bond_domain(struct vsva_sva *bond)
{
	struct vsva_domain *domain = NULL;

	lock_take(&bond->space->lock);
	if (bond->binding)
		domain = domain_of(bond);
	lock_drop(&bond->space->lock);
	return domain;
}
