/* SPDX-License-Identifier: MIT */
/*
 * The IOTLB: whole translations. VT-d 6.2.4.
 *
 * Found by source id, PASID or none, and address; removed by domain, PASID (RID_PASID for requests
 * without), the kind of translation (PGTT) and address.
 *
 * An entry answers a request only if it grants it: a request that is refused is always walked anew,
 * so that what is reported does not depend on what is cached. "Granted" includes the dirty bit:
 * without it in memory there is no write, and the walk that sets it is not skipped.
 */
#ifndef HW_CACHE_IOTLB_H
#define HW_CACHE_IOTLB_H

#include "hw/caches.h"
#include "vtd/tables.h"

enum iotlb_flag {
	IOTLB_READ = 1,             /* effective rights of a user request */
	IOTLB_WRITE = 2,            /* the same */
	IOTLB_USER = 4,             /* user requests at all */
	IOTLB_SUPERVISOR_WRITE = 8, /* W, or WPE=0 */
	IOTLB_SUPERVISOR = 16,      /* supervisor requests at all (SRE) */
	IOTLB_DIRTY = 32,           /* D is set, or not kept */
	IOTLB_ATS = 64,             /* translation requests are allowed (DTE, TT) */
	IOTLB_NOT_PRESENT = 128,    /* CAP.CM: the second stage says no to everybody */
};

struct iotlb_page {
	uint64_t input;  /* first address of the page */
	uint64_t output; /* its host physical address */
	uint8_t size_lg2;
	uint8_t flags;
};

enum iotlb_answer { IOTLB_MISS, IOTLB_HIT, IOTLB_HIT_NOT_PRESENT };

/* What a request needs of a page. */
struct iotlb_need {
	uint8_t all; /* flags that must be there */
	uint8_t any; /* at least one of these; 0: no matter */
};

/* Value word of a line: the page's output, and flags below. */
#define IOTLB_FLAGS UINT64_C(0xfff)

/* Flags that an entry must have to grant a request of a user that is not unusual. */
static inline uint64_t iotlb_ordinary_need(enum unit_access access)
{
	static_assert((int)IOTLB_READ == UNIT_READ && (int)IOTLB_WRITE == UNIT_WRITE, "flags");
	static_assert(UNIT_WRITE << 4 == IOTLB_DIRTY, "a write needs it");
	return IOTLB_USER | (uint64_t)access | ((uint64_t)access & UNIT_WRITE) << 4;
}

/* Policy LRU. What a line for pages of this size says to (owner, address), if it grants the need:
 * its value, which is not 0; or 0. need: an ordinary one, which no line grants that says "not present". */
static inline __attribute__((always_inline)) uint64_t
cache_iotlb_way(const struct cache *cache, const struct cache_key *key, size_t line, uint64_t need)
{
	uint64_t value, state;

	if (!cache_line_read(cache, line, key, 1, &value, &state) || (value & need) != need)
		return 0;
	cache_line_touch(cache, line, 1, state);
	return value;
}
/* The first way of the set that does; they are asked from `from` on. first: the first way. Most lines are
 * of other addresses: that is seen before anything else of them is read. */
static inline __attribute__((always_inline)) uint64_t cache_iotlb_ways(const struct cache *cache,
								       const struct cache_key *key,
								       size_t first, unsigned from,
								       uint64_t need)
{
#pragma GCC unroll 4
	for (size_t way = from; way < CACHE_WAYS; way++) {
		size_t line = first + way * CACHE_STEP(1);
		uint64_t value;

		if (!cache_line_has_address(cache, line, key, 1))
			continue;
		value = cache_iotlb_way(cache, key, line, need);
		if (value)
			return value;
	}
	return 0;
}

/* Where a page of 4 KiB is looked for, and kept. */
struct iotlb_place {
	struct cache_key key;
	size_t first; /* way */
};

static inline struct cache_key cache_iotlb_key(rid_t rid, uint32_t pasid, uint64_t addr,
					       unsigned size_lg2)
{
	return cache_key(cache_owner_of_requests(rid, pasid), size_lg2,
			 addr >> size_lg2 << size_lg2);
}

static inline struct iotlb_place cache_iotlb_place(const struct cache *cache, uint64_t owner,
						   uint64_t addr)
{
	struct cache_key key =
		cache_key(owner, VTD_PAGE_SHIFT, addr >> VTD_PAGE_SHIFT << VTD_PAGE_SHIFT);

	return (struct iotlb_place){key, cache_first_way(cache, &key, 1)};
}

/* What grants a need. In registers: a copy waits for it. */
struct iotlb_grant {
	uint64_t value; /* of a line; 0: nothing does */
	unsigned size_lg2;
};

/* sizes: bit set of those that are looked for. */
struct iotlb_grant cache_iotlb_find_larger(const struct cache *cache, uint64_t sizes,
					   uint64_t owner, uint64_t addr, uint64_t need);

/* Policy LRU. For whom the first way of the address' place has nothing: in other ways, and in larger pages. */
static inline struct iotlb_grant cache_iotlb_find_further(const struct cache *cache,
							  const struct iotlb_place *place,
							  uint64_t addr, uint64_t need)
{
	uint64_t larger = __atomic_load_n(&cache->numbers, __ATOMIC_RELAXED) & ~vtd_level_size(1);
	uint64_t value = cache_iotlb_ways(cache, &place->key, place->first, 1, need);

	if (!value && larger)
		return cache_iotlb_find_larger(cache, larger, cache_key_owner(&place->key), addr,
					       need);
	return (struct iotlb_grant){value, VTD_PAGE_SHIFT};
}

/* The same out of line, for where few come. */
struct iotlb_grant cache_iotlb_find_rare(const struct cache *cache, uint64_t owner, uint64_t addr,
					 uint64_t need);

/* Policy LRU. Of len bytes at addr, where a page begins: how many lie one behind the other from `to` on, in
 * pages that grant the need. */
uint64_t cache_iotlb_find_run(const struct cache *cache, uint64_t owner, uint64_t addr,
			      uint64_t need, hpa_t to, uint64_t len);

enum iotlb_answer cache_iotlb_find(struct caches *caches, rid_t rid, uint32_t pasid, uint64_t addr,
				   const struct iotlb_need *need, struct iotlb_page *out);
/* tag: its did, pasid and kind. Dropped if the generation has passed. */
void cache_iotlb_fill(struct caches *caches, uint64_t generation, rid_t rid, uint32_t pasid,
		      const struct iotlb_page *page, const struct cache_tag *tag);

/* Policy LRU. The same for a page of 4 KiB that was looked for and not found. value: of its line */
static inline void cache_iotlb_fill_place(struct caches *caches, uint64_t generation,
					  const struct iotlb_place *place, uint64_t value,
					  const struct cache_tag *tag)
{
	struct caches_locked lock;

	if (!caches_lock_to_fill(caches, generation, &lock))
		return;
	cache_insert_word(&caches->iotlb, &caches->lock, place->first, &place->key, value, tag);
	caches_unlock(&lock);
}

/* What a line says, whoever finds it. */
void cache_iotlb_decode(const struct cache_entry *entry, struct iotlb_page *out);

#endif
