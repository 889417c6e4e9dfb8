// SPDX-License-Identifier: MIT
#include "host/limbo.h"

#include "host/child.h"
#include "host/sva.h"

void limbo_init(struct limbo *limbo)
{
	lock_init(&limbo->lock, LOCK_RANK_LEAF, "limbo");
}

static void set_used(struct limbo *limbo)
{
	__atomic_store_n(&limbo->was_used, true, __ATOMIC_RELEASE);
	__atomic_store_n(&limbo->is_used, true, __ATOMIC_RELEASE);
}

static struct rcu_node *take_bindings(struct limbo *limbo)
{
	struct rcu_node *first;

	lock_take(&limbo->lock);
	first = limbo->bindings;
	limbo->bindings = NULL;
	lock_drop(&limbo->lock);
	return first;
}

/* Nothing is cached under their PASIDs any more: the numbers may be used again. */
static void free_bindings(struct vsva_iommu *iommu, struct rcu_node *first)
{
	while (first) {
		struct binding *binding = container_of(first, struct binding, rcu);

		first = first->next;
		if (!binding->is_rid)
			vsva_ioasid_put(iommu->space, binding->id.id);
		binding_free(binding);
	}
}

/* Address spaces */

void limbo_add_space(struct vsva_iommu *iommu, struct sva_space *space)
{
	struct limbo *limbo = &iommu->limbo;

	lock_take(&limbo->lock);
	if (!space->is_in_limbo) {
		vsva_mm_get(space->mm);
		space->is_in_limbo = true;
		space->next_in_limbo = limbo->spaces;
		limbo->spaces = space;
	}
	lock_drop(&limbo->lock);
	set_used(limbo);
}

bool limbo_has_space(struct vsva_iommu *iommu, struct sva_space *space)
{
	bool has;

	lock_take(&iommu->limbo.lock);
	has = space->is_in_limbo;
	lock_drop(&iommu->limbo.lock);
	return has;
}

static struct sva_space *take_spaces(struct limbo *limbo)
{
	struct sva_space *first;

	lock_take(&limbo->lock);
	first = limbo->spaces;
	limbo->spaces = NULL;
	lock_drop(&limbo->lock);
	return first;
}

static void append_spaces(struct limbo *limbo, struct sva_space **list, struct sva_space *first)
{
	struct sva_space *last = first;

	if (!first)
		return;
	while (last->next_in_limbo)
		last = last->next_in_limbo;
	lock_take(&limbo->lock);
	last->next_in_limbo = *list;
	*list = first;
	lock_drop(&limbo->lock);
}

struct sva_space *limbo_take_settled(struct vsva_iommu *iommu)
{
	struct limbo *limbo = &iommu->limbo;
	struct sva_space *space;

	lock_take(&limbo->lock);
	space = limbo->settled;
	if (space) {
		limbo->settled = space->next_in_limbo;
		space->is_in_limbo = false;
	}
	lock_drop(&limbo->lock);
	return space;
}

void limbo_fini(struct vsva_iommu *iommu)
{
	struct limbo *limbo = &iommu->limbo;

	append_spaces(limbo, &limbo->settled, take_spaces(limbo));
	sva_settle(iommu);
	free_bindings(iommu, take_bindings(&iommu->limbo));
	page_list_free(iommu->port.physmem, &iommu->limbo.pages);
	lock_destroy(&iommu->limbo.lock);
}

void limbo_add_pages(struct vsva_iommu *iommu, struct page_list *pages)
{
	struct limbo *limbo = &iommu->limbo;

	if (page_list_is_empty(pages))
		return;
	lock_take(&limbo->lock);
	page_list_move(iommu->port.physmem, &limbo->pages, pages);
	lock_drop(&limbo->lock);
	set_used(limbo);
}

void limbo_add_did(struct vsva_iommu *iommu, did_t did_)
{
	did_doubt(&iommu->dids, did_);
	set_used(&iommu->limbo);
}

void limbo_add_binding(struct vsva_iommu *iommu, struct binding *binding)
{
	struct limbo *limbo = &iommu->limbo;

	lock_take(&limbo->lock);
	binding->rcu.next = limbo->bindings;
	limbo->bindings = &binding->rcu;
	lock_drop(&limbo->lock);
	set_used(limbo);
}

/* Global, because nobody knows any more what was asked for (VT-d 6.5.3.1). */
static bool flush_everything(struct vsva_iommu *iommu)
{
	struct flush flush;

	flush_begin(&flush, iommu);
	flush_context_global(&flush);
	flush_pasid_cache_global(&flush);
	flush_iotlb_global(&flush);
	return flush_end(&flush) == 0;
}

static void put_bindings_back(struct limbo *limbo, struct rcu_node *first)
{
	struct rcu_node *last = first;

	if (!first)
		return;
	while (last->next)
		last = last->next;
	lock_take(&limbo->lock);
	last->next = limbo->bindings;
	limbo->bindings = first;
	lock_drop(&limbo->lock);
}

static void empty(struct vsva_iommu *iommu)
{
	struct limbo *limbo = &iommu->limbo;
	struct rcu_node *bindings = take_bindings(limbo);
	struct sva_space *spaces = take_spaces(limbo);
	struct page_list pages = {0};
	bool worked;

	lock_take(&limbo->lock);
	page_list_move(iommu->port.physmem, &pages, &limbo->pages);
	lock_drop(&limbo->lock);
	did_doubt_begin_flush(&iommu->dids);
	worked = flush_everything(iommu);
	did_doubt_end_flush(&iommu->dids, worked);
	if (!worked) {
		limbo_add_pages(iommu, &pages);
		put_bindings_back(limbo, bindings);
		append_spaces(limbo, &limbo->spaces, spaces);
		set_used(limbo);
		return;
	}
	free_bindings(iommu, bindings);
	/* by a worker: it takes locks that whoever flushes may hold */
	append_spaces(limbo, &limbo->settled, spaces);
	worker_kick(iommu->native_worker);
	rcu_synchronize();
	page_list_free(iommu->port.physmem, &pages);
}

void limbo_recover(struct vsva_iommu *iommu)
{
	struct limbo *limbo = &iommu->limbo;

	if (!__atomic_load_n(&limbo->is_used, __ATOMIC_ACQUIRE) ||
	    __atomic_exchange_n(&limbo->is_busy, true, __ATOMIC_ACQUIRE))
		return;
	__atomic_store_n(&limbo->is_used, false, __ATOMIC_RELEASE);
	empty(iommu);
	__atomic_store_n(&limbo->is_busy, false, __ATOMIC_RELEASE);
}
