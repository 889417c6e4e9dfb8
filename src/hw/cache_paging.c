// SPDX-License-Identifier: MIT
#include "hw/cache_paging.h"

void cache_paging_decode(const struct cache_entry *entry, bool first_stage,
			 struct paging_entry *out)
{
	unsigned shift = (unsigned)(entry->key.word[0] >> CACHE_NUMBER_SHIFT);

	*out = (struct paging_entry){
		.first_stage = first_stage,
		.level = (uint8_t)((shift - VTD_PAGE_SHIFT) / VTD_LEVEL_BITS + 1),
		.did = (uint16_t)(entry->key.word[0] >> 20),
		.pasid = (uint32_t)entry->key.word[0] & VSVA_PASID_MAX,
		.rights = (uint8_t)entry->value[2],
		.input = entry->key.word[1],
		.table = entry->value[0],
		.table_host = entry->value[1],
	};
}

bool cache_paging_find(struct caches *caches, struct paging_entry *out)
{
	struct cache *cache = out->first_stage ? &caches->first : &caches->second;
	uint64_t value[CACHE_VALUE_WORDS];
	uint64_t numbers = __atomic_load_n(&cache->numbers, __ATOMIC_RELAXED);

	if (!numbers)
		return false;
	for (unsigned level = 2; level <= out->level; level++) {
		struct cache_key key = cache_paging_key(out, level);

		if (!(numbers >> vtd_level_shift(level) & 1) ||
		    !caches_find(caches, cache, &key, value))
			continue;
		cache_paging_found(value, level, out);
		return true;
	}
	return false;
}

void cache_paging_fill(struct caches *caches, uint64_t generation,
		       const struct paging_entry *entries, unsigned count)
{
	struct caches_locked lock;

	if (!count || !caches_lock_to_fill(caches, generation, &lock))
		return;
	for (const struct paging_entry *e = entries; e < entries + count; e++) {
		struct cache_insertion insertion = {
			.key = cache_paging_key(e, e->level),
			.value = {e->table, e->table_host, e->rights},
			.tag = {.did = e->did, .pasid = e->pasid, .kind = e->kind},
		};

		caches_fill(e->first_stage ? &caches->first : &caches->second, &lock, &insertion);
	}
	caches_unlock(&lock);
}
