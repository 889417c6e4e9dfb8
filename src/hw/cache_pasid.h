/* SPDX-License-Identifier: MIT */
/*
 * Context cache and PASID cache. VT-d 6.2.2, 6.2.3.
 *
 *   context  found by source id; removed by source id, in legacy mode by domain too
 *   PASID    found by source id and PASID (or none: then RID_PASID is its tag); removed by PASID
 *            and domain
 *
 * A PASID-cache entry carries what the context entry said when it was made, so that a request that
 * hits does not look at the context entry: software that changes one must invalidate both
 * (6.5.2.1). With CAP.CM an entry may be that of a fault; it has domain 0 then, as 6.1 demands.
 */
#ifndef HW_CACHE_PASID_H
#define HW_CACHE_PASID_H

#include "hw/caches.h"
#include "vtd/tables.h"

/* A context entry that has passed its checks, or the fault that it ended in. */
struct context_view {
	union {
		struct vtd_legacy_context legacy;
		struct vtd_context_entry scalable; /* words 2 and 3 are zero */
	};
	bool is_legacy;
	enum vtd_fault fault;
	bool fpd;
};

/* A PASID entry with what led to it. */
struct pasid_view {
	struct vtd_pasid_entry entry; /* words 3 to 7 are zero */
	uint32_t pasid;               /* of the request, or RID_PASID */
	bool dte, pre, rid_priv;      /* of the context entry */
	bool context_fpd;             /* of the context entry */
	bool fpd;                     /* of any of the three entries */
	enum vtd_fault fault;
};

bool cache_context_find(struct caches *caches, rid_t rid, bool is_legacy, struct context_view *out);
/* Dropped if the generation has passed. */
void cache_context_fill(struct caches *caches, uint64_t generation, rid_t rid,
			const struct context_view *view);

/* Last value word of both caches: everything that is not the entry itself. */
#define CACHE_PASID_FAULT_SHIFT 8
#define CACHE_PASID_PASID_SHIFT 16
enum {
	CACHE_PASID_FPD = 1,
	CACHE_PASID_DTE = 2,
	CACHE_PASID_PRE = 4,
	CACHE_PASID_RID_PRIV = 8,
	CACHE_PASID_CONTEXT_FPD = 16,
};

/* owner: of requests */
static inline struct cache_key cache_pasid_key(uint64_t owner)
{
	return cache_key(owner, 0, 0);
}

/* What a line says, whoever finds it. */
static inline void cache_pasid_decode(const uint64_t value[CACHE_VALUE_WORDS],
				      struct pasid_view *out)
{
	uint64_t meta = value[3];

	*out = (struct pasid_view){
		.entry.q = {value[0], value[1], value[2]},
		.pasid = (uint32_t)(meta >> CACHE_PASID_PASID_SHIFT & VSVA_PASID_MAX),
		.dte = meta & CACHE_PASID_DTE,
		.pre = meta & CACHE_PASID_PRE,
		.rid_priv = meta & CACHE_PASID_RID_PRIV,
		.context_fpd = meta & CACHE_PASID_CONTEXT_FPD,
		.fpd = meta & CACHE_PASID_FPD,
		.fault = (enum vtd_fault)(meta >> CACHE_PASID_FAULT_SHIFT & 0xff),
	};
}

/* As cache_pasid_find(), in line, for requests of this owner. Policy LRU. */
static inline bool cache_pasid_find_lru(struct caches *caches, uint64_t owner,
					struct pasid_view *out)
{
	struct cache_key key = cache_pasid_key(owner);
	uint64_t value[CACHE_VALUE_WORDS];

	if (!caches_find_lru(&caches->pasid, &key, value))
		return false;
	cache_pasid_decode(value, out);
	return true;
}

/* pasid: VSVA_PASID_INVALID for none */
bool cache_pasid_find(struct caches *caches, rid_t rid, uint32_t pasid, struct pasid_view *out);
void cache_pasid_fill(struct caches *caches, uint64_t generation, rid_t rid, uint32_t pasid,
		      const struct pasid_view *view);

/* What a line says, whoever finds it. */
void cache_context_decode(const uint64_t value[CACHE_VALUE_WORDS], bool is_legacy,
			  struct context_view *out);

#endif
