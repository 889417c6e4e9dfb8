// SPDX-License-Identifier: MIT
#include "hw/cache_pasid.h"

static struct cache_key context_key(rid_t rid, bool is_legacy)
{
	return cache_key(cache_owner_of_requests(rid, VSVA_PASID_INVALID), is_legacy, 0);
}

void cache_context_decode(const uint64_t value[CACHE_VALUE_WORDS], bool is_legacy,
			  struct context_view *out)
{
	*out = (struct context_view){
		.scalable.q = {value[0], value[1]},
		.is_legacy = is_legacy,
		.fault = (enum vtd_fault)(value[3] >> CACHE_PASID_FAULT_SHIFT & 0xff),
		.fpd = value[3] & CACHE_PASID_FPD,
	};
}

bool cache_context_find(struct caches *caches, rid_t rid, bool is_legacy, struct context_view *out)
{
	struct cache_key key = context_key(rid, is_legacy);
	uint64_t value[CACHE_VALUE_WORDS];

	if (!caches_find(caches, &caches->context, &key, value))
		return false;
	cache_context_decode(value, is_legacy, out);
	return true;
}

void cache_context_fill(struct caches *caches, uint64_t generation, rid_t rid,
			const struct context_view *view)
{
	struct cache_insertion insertion = {
		.key = context_key(rid, view->is_legacy),
		.value = {view->scalable.q[0], view->scalable.q[1], 0,
			  (uint64_t)view->fault << CACHE_PASID_FAULT_SHIFT |
				  (view->fpd ? CACHE_PASID_FPD : 0)},
	};
	struct caches_locked lock;

	if (view->is_legacy && !view->fault)
		insertion.tag.did = (uint16_t)vtd_legacy_context_DID(&view->legacy);
	if (!caches_lock_to_fill(caches, generation, &lock))
		return;
	caches_fill(&caches->context, &lock, &insertion);
	caches_unlock(&lock);
}

bool cache_pasid_find(struct caches *caches, rid_t rid, uint32_t pasid, struct pasid_view *out)
{
	struct cache_key key = cache_pasid_key(cache_owner_of_requests(rid, pasid));
	uint64_t value[CACHE_VALUE_WORDS];

	if (!cache_can_own(pasid) || !caches_find(caches, &caches->pasid, &key, value))
		return false;
	cache_pasid_decode(value, out);
	return true;
}

static uint64_t pasid_meta(const struct pasid_view *view)
{
	return (view->fpd ? CACHE_PASID_FPD : 0u) | (view->dte ? CACHE_PASID_DTE : 0u) |
	       (view->pre ? CACHE_PASID_PRE : 0u) | (view->rid_priv ? CACHE_PASID_RID_PRIV : 0u) |
	       (view->context_fpd ? CACHE_PASID_CONTEXT_FPD : 0u) |
	       (uint64_t)view->fault << CACHE_PASID_FAULT_SHIFT |
	       (uint64_t)view->pasid << CACHE_PASID_PASID_SHIFT;
}

void cache_pasid_fill(struct caches *caches, uint64_t generation, rid_t rid, uint32_t pasid,
		      const struct pasid_view *view)
{
	struct cache_insertion insertion = {
		.key = cache_pasid_key(cache_owner_of_requests(rid, pasid)),
		.value = {view->entry.q[0], view->entry.q[1], view->entry.q[2], pasid_meta(view)},
		.tag.pasid = view->pasid,
	};
	struct caches_locked lock;

	if (!view->fault)
		insertion.tag.did = (uint16_t)vtd_pasid_entry_DID(&view->entry);
	if (!caches_lock_to_fill(caches, generation, &lock))
		return;
	caches_fill(&caches->pasid, &lock, &insertion);
	caches_unlock(&lock);
}
