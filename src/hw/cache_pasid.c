// SPDX-License-Identifier: MIT
#include "hw/cache_pasid.h"

/* Last value word of both caches: everything that is not the entry itself. */
#define META_FAULT_SHIFT 8
#define META_PASID_SHIFT 16
enum { META_FPD = 1, META_DTE = 2, META_PRE = 4, META_RID_PRIV = 8, META_CONTEXT_FPD = 16 };

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
		.fault = (enum vtd_fault)(value[3] >> META_FAULT_SHIFT & 0xff),
		.fpd = value[3] & META_FPD,
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
	struct cache_key key = context_key(rid, view->is_legacy);
	struct cache_tag tag = {0};
	struct caches_locked lock;
	uint64_t value[CACHE_VALUE_WORDS] = {view->scalable.q[0], view->scalable.q[1], 0,
					     (uint64_t)view->fault << META_FAULT_SHIFT |
						     (view->fpd ? META_FPD : 0)};

	if (view->is_legacy && !view->fault)
		tag.did = (uint16_t)vtd_legacy_context_DID(&view->legacy);
	if (!caches_lock_to_fill(caches, generation, &lock))
		return;
	caches_fill(&caches->context, &lock, &key, value, &tag);
	caches_unlock(&lock);
}

static struct cache_key pasid_key(rid_t rid, uint32_t pasid)
{
	return cache_key(cache_owner_of_requests(rid, pasid), 0, 0);
}

void cache_pasid_decode(const uint64_t value[CACHE_VALUE_WORDS], struct pasid_view *out)
{
	uint64_t meta = value[3];

	*out = (struct pasid_view){
		.entry.q = {value[0], value[1], value[2]},
		.pasid = (uint32_t)(meta >> META_PASID_SHIFT & VSVA_PASID_MAX),
		.dte = meta & META_DTE,
		.pre = meta & META_PRE,
		.rid_priv = meta & META_RID_PRIV,
		.context_fpd = meta & META_CONTEXT_FPD,
		.fpd = meta & META_FPD,
		.fault = (enum vtd_fault)(meta >> META_FAULT_SHIFT & 0xff),
	};
}

bool cache_pasid_find(struct caches *caches, rid_t rid, uint32_t pasid, struct pasid_view *out)
{
	struct cache_key key = pasid_key(rid, pasid);
	uint64_t value[CACHE_VALUE_WORDS];

	if (!cache_can_own(pasid) || !caches_find(caches, &caches->pasid, &key, value))
		return false;
	cache_pasid_decode(value, out);
	return true;
}

static uint64_t pasid_meta(const struct pasid_view *view)
{
	return (view->fpd ? META_FPD : 0u) | (view->dte ? META_DTE : 0u) |
	       (view->pre ? META_PRE : 0u) | (view->rid_priv ? META_RID_PRIV : 0u) |
	       (view->context_fpd ? META_CONTEXT_FPD : 0u) |
	       (uint64_t)view->fault << META_FAULT_SHIFT |
	       (uint64_t)view->pasid << META_PASID_SHIFT;
}

void cache_pasid_fill(struct caches *caches, uint64_t generation, rid_t rid, uint32_t pasid,
		      const struct pasid_view *view)
{
	struct cache_key key = pasid_key(rid, pasid);
	struct cache_tag tag = {.pasid = view->pasid};
	struct caches_locked lock;
	uint64_t value[CACHE_VALUE_WORDS] = {view->entry.q[0], view->entry.q[1], view->entry.q[2],
					     pasid_meta(view)};

	if (!view->fault)
		tag.did = (uint16_t)vtd_pasid_entry_DID(&view->entry);
	if (!caches_lock_to_fill(caches, generation, &lock))
		return;
	caches_fill(&caches->pasid, &lock, &key, value, &tag);
	caches_unlock(&lock);
}
