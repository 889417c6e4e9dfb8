/* SPDX-License-Identifier: MIT */
/*
 * Paging-structure caches: where the next table is, so that a walk can begin further down. VT-d
 * 6.2.5.
 *
 *   first   of the first stage and of nested translation: found and removed by PASID, domain,
 *           address
 *   second  of the second stage: found and removed by domain and address (a guest physical one)
 *
 * An entry of level n stands for the walk down to and including a non-leaf entry of level n. It is
 * kept only when A (and EA) is set in memory, because a walk that uses it will not set it.
 */
#ifndef HW_CACHE_PAGING_H
#define HW_CACHE_PAGING_H

#include "hw/caches.h"
#include "vtd/tables.h"

enum paging_right { PAGING_READ = 1, PAGING_WRITE = 2, PAGING_USER = 4 };

struct paging_entry {
	bool first_stage;
	uint8_t level; /* of the entry whose table this is: 2 to 5 */
	uint8_t kind;  /* PGTT; for removal */
	uint16_t did;
	uint32_t pasid;      /* first stage only */
	uint8_t rights;      /* accumulated down to this entry */
	uint64_t input;      /* any address below the entry */
	uint64_t table;      /* next table, in the address space its entry speaks of */
	uint64_t table_host; /* next table, host physical; the same but for nested */
};

static inline struct cache_key cache_paging_key(const struct paging_entry *e, unsigned level)
{
	return cache_key(cache_owner_of_space(e->did, e->pasid), vtd_level_shift(level),
			 e->input & ~(vtd_level_size(level) - 1));
}

static inline void cache_paging_found(const uint64_t value[CACHE_VALUE_WORDS], unsigned level,
				      struct paging_entry *out)
{
	out->level = (uint8_t)level;
	out->table = value[0];
	out->table_host = value[1];
	out->rights = (uint8_t)value[2];
}

static inline bool cache_paging_find_at(struct caches *caches, unsigned level,
					struct paging_entry *out)
{
	struct cache *cache = out->first_stage ? &caches->first : &caches->second;
	uint64_t numbers = __atomic_load_n(&cache->numbers, __ATOMIC_RELAXED);
	struct cache_key key = cache_paging_key(out, level);
	uint64_t value[CACHE_VALUE_WORDS];

	if (!(numbers >> vtd_level_shift(level) & 1) || !caches_find_lru(cache, &key, value))
		return false;
	cache_paging_found(value, level, out);
	return true;
}

/* As cache_paging_find(), in line: most often the table is the last one. Policy LRU. */
static inline bool cache_paging_find_lru(struct caches *caches, struct paging_entry *out)
{
	if (cache_paging_find_at(caches, 2, out))
		return true;
	for (unsigned level = 3; level <= out->level; level++)
		if (cache_paging_find_at(caches, level, out))
			return true;
	return false;
}

/* Fills *out from the deepest entry that covers out->input, given first_stage, did, pasid, and with
 * out->level the level of the top table. false: begin at the top. */
bool cache_paging_find(struct caches *caches, struct paging_entry *out);
/* All of them or none: dropped if the generation has passed. */
void cache_paging_fill(struct caches *caches, uint64_t generation,
		       const struct paging_entry *entries, unsigned count);
/* What a line of either cache says, whoever finds it; its kind is not told. */
void cache_paging_decode(const struct cache_entry *entry, bool first_stage,
			 struct paging_entry *out);

#endif
