// SPDX-License-Identifier: MIT
#include "hw/cache_paging.h"

static struct cache *cache_of(struct caches *caches, const struct paging_entry *e)
{
	return e->first_stage ? &caches->first : &caches->second;
}

static struct cache_key key_of(const struct paging_entry *e, unsigned level)
{
	return cache_key(cache_owner_of_space(e->did, e->pasid), vtd_level_shift(level),
			 e->input & ~(vtd_level_size(level) - 1));
}

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
	struct cache *cache = cache_of(caches, out);
	uint64_t value[CACHE_VALUE_WORDS];
	uint64_t numbers = __atomic_load_n(&cache->numbers, __ATOMIC_RELAXED);

	if (!numbers)
		return false;
	for (unsigned level = 2; level <= out->level; level++) {
		struct cache_key key = key_of(out, level);

		if (!(numbers >> vtd_level_shift(level) & 1) ||
		    !caches_find(caches, cache, &key, value))
			continue;
		out->level = (uint8_t)level;
		out->table = value[0];
		out->table_host = value[1];
		out->rights = (uint8_t)value[2];
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
		struct cache_key key = key_of(e, e->level);
		uint64_t value[CACHE_VALUE_WORDS] = {e->table, e->table_host, e->rights};
		struct cache_tag tag = {.did = e->did, .pasid = e->pasid, .kind = e->kind};

		caches_fill(cache_of(caches, e), &lock, &key, value, &tag);
	}
	caches_unlock(&lock);
}
