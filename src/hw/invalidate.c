// SPDX-License-Identifier: MIT
#include "hw/invalidate.h"

#include "hw/unit_state.h"

#define KIND(pgtt) (1u << VTD_PGTT_##pgtt)

/* Ids above the supported width have no meaning. VT-d 11.4.2, CAP.ND */
static uint16_t valid_did(const struct unit *unit, uint16_t did)
{
	return (uint16_t)(did & VTD_MASK(vtd_did_bits(unit->config.cap) - 1, 0));
}

static bool is_scalable(const struct unit *unit)
{
	return root_ttm(unit_root(unit)) != VTD_TTM_LEGACY;
}

static struct cache_scope by_domain(const struct unit *unit, uint16_t did)
{
	return (struct cache_scope){.by_did = true, .tag.did = valid_did(unit, did)};
}

static struct cache_scope by_pasid(const struct unit *unit, uint16_t did, uint32_t pasid)
{
	struct cache_scope scope = by_domain(unit, did);

	scope.by_pasid = true;
	scope.tag.pasid = pasid & VSVA_PASID_MAX;
	return scope;
}

/* The low AM bits of the page number are ignored. VT-d 6.5.2.3 */
static void limit_to(struct cache_scope *scope, const struct page_range *range)
{
	unsigned lg2 = VTD_PAGE_SHIFT + range->am;
	uint64_t span = lg2 >= 64 ? 0 : UINT64_C(1) << lg2;

	scope->by_range = true;
	scope->first = range->addr & -span;
	scope->last = scope->first + (span - 1);
}

static void remove_from(struct unit *unit, struct cache *cache, const struct cache_scope *scope)
{
	struct caches_locked lock = caches_lock_to_remove(&unit->caches);

	cache_remove(cache, &lock.caches->lock, scope);
	caches_unlock(&lock);
}

/* Context cache, VT-d 6.5.2.1 */

void invalidate_context_all(struct unit *unit)
{
	remove_from(unit, &unit->caches.context, &(struct cache_scope){0});
}

void invalidate_context_domain(struct unit *unit, uint16_t did)
{
	struct cache_scope scope = by_domain(unit, did);

	if (is_scalable(unit))
		invalidate_context_all(unit);
	else
		remove_from(unit, &unit->caches.context, &scope);
}

void invalidate_context_device(struct unit *unit, uint16_t did, rid_t rid, uint16_t rid_mask)
{
	struct cache_scope scope = {
		.by_did = !is_scalable(unit),
		.by_rid = true,
		.tag.did = valid_did(unit, did),
		.rid = rid,
		.rid_ignore = (uint16_t)~rid_mask,
	};

	remove_from(unit, &unit->caches.context, &scope);
}

/* PASID cache, VT-d 6.5.2.2 */

void invalidate_pasid_all(struct unit *unit)
{
	remove_from(unit, &unit->caches.pasid, &(struct cache_scope){0});
}

void invalidate_pasid_domain(struct unit *unit, uint16_t did)
{
	struct cache_scope scope = by_domain(unit, did);

	remove_from(unit, &unit->caches.pasid, &scope);
}

void invalidate_pasid_one(struct unit *unit, uint16_t did, uint32_t pasid)
{
	struct cache_scope scope = by_pasid(unit, did, pasid);

	remove_from(unit, &unit->caches.pasid, &scope);
}

/* IOTLB and paging structures, VT-d 6.5.2.3, 6.5.2.4 */

void invalidate_iotlb_all(struct unit *unit)
{
	struct caches_locked lock = caches_lock_to_remove(&unit->caches);

	cache_remove_all(&unit->caches.iotlb, &lock.caches->lock);
	cache_remove_all(&unit->caches.first, &lock.caches->lock);
	cache_remove_all(&unit->caches.second, &lock.caches->lock);
	caches_unlock(&lock);
}

void invalidate_iotlb_domain(struct unit *unit, uint16_t did)
{
	struct cache_scope scope = by_domain(unit, did);
	struct caches_locked lock = caches_lock_to_remove(&unit->caches);

	cache_remove(&unit->caches.iotlb, &lock.caches->lock, &scope);
	cache_remove(&unit->caches.first, &lock.caches->lock, &scope);
	cache_remove(&unit->caches.second, &lock.caches->lock, &scope);
	caches_unlock(&lock);
}

/* The address is a guest physical one: it says which second-stage entries go, and nothing about
 * what was made from them by nesting, so all of that goes. */
void invalidate_iotlb_pages(struct unit *unit, uint16_t did, const struct page_range *range)
{
	struct cache_scope domain = by_domain(unit, did), pages = domain;
	struct caches_locked lock = caches_lock_to_remove(&unit->caches);

	limit_to(&pages, range);
	if (!range->leaf_only)
		cache_remove(&unit->caches.second, &lock.caches->lock, &pages);
	cache_remove(&unit->caches.first, &lock.caches->lock, &domain);
	domain.kinds = KIND(FIRST_STAGE) | KIND(NESTED);
	pages.kinds = KIND(SECOND_STAGE) | KIND(PASS_THROUGH);
	cache_remove(&unit->caches.iotlb, &lock.caches->lock, &domain);
	cache_remove(&unit->caches.iotlb, &lock.caches->lock, &pages);
	caches_unlock(&lock);
}

void invalidate_pasid_iotlb(struct unit *unit, uint16_t did, uint32_t pasid)
{
	struct cache_scope scope = by_pasid(unit, did, pasid);
	struct caches_locked lock = caches_lock_to_remove(&unit->caches);

	cache_remove(&unit->caches.first, &lock.caches->lock, &scope);
	scope.kinds = KIND(FIRST_STAGE) | KIND(NESTED) | KIND(PASS_THROUGH);
	cache_remove(&unit->caches.iotlb, &lock.caches->lock, &scope);
	caches_unlock(&lock);
}

void invalidate_bring_near(struct unit *unit, const struct invalidate_next *next, unsigned count)
{
	const struct cache *iotlb = &unit->caches.iotlb;
	struct lock *lock = &unit->caches.lock;
	uint32_t groups[INVALIDATE_NEXT_MAX];

	lock_take(lock);
	for (unsigned i = 0; i < count; i++) {
		struct cache_tag tag = {.did = valid_did(unit, next[i].did),
					.pasid = next[i].pasid};

		cache_bring_group_near(&unit->caches.first, &tag);
		groups[i] = cache_bring_group_near(iotlb, &tag);
	}
	for (unsigned i = 0; i < count; i++)
		if (next[i].is_page && groups[i] != CACHE_NO_GROUP)
			cache_bring_page_near(iotlb, groups[i], next[i].addr);
	lock_drop(lock);
}

void invalidate_pasid_iotlb_pages(struct unit *unit, uint16_t did, uint32_t pasid,
				  const struct page_range *range)
{
	struct cache_scope scope = by_pasid(unit, did, pasid);
	struct caches_locked lock = caches_lock_to_remove(&unit->caches);

	limit_to(&scope, range);
	if (!range->leaf_only)
		cache_remove(&unit->caches.first, &lock.caches->lock, &scope);
	scope.kinds = KIND(FIRST_STAGE) | KIND(NESTED);
	cache_remove(&unit->caches.iotlb, &lock.caches->lock, &scope);
	caches_unlock(&lock);
}
