// SPDX-License-Identifier: MIT
#include "hw/cache_paging.h"

static struct cache *cache_of(struct caches *caches, const struct paging_entry *e)
{
	return e->first_stage ? &caches->first : &caches->second;
}

static struct cache_key key_of(const struct paging_entry *e, unsigned level)
{
	uint64_t span = vtd_level_size(level);

	return (struct cache_key){{UINT64_C(1) << 63 | (uint64_t)level << 40 |
					   (uint64_t)e->did << 20 | (e->pasid & VSVA_PASID_MAX),
				   e->input & ~(span - 1)}};
}

bool cache_paging_find(struct caches *caches, struct paging_entry *out)
{
	struct cache_entry e;

	for (unsigned level = 2; level <= out->level; level++) {
		struct cache_key key = key_of(out, level);

		if (!caches_find(caches, cache_of(caches, out), &key, NULL, NULL, &e))
			continue;
		out->level = (uint8_t)level;
		out->table = e.value[0];
		out->table_host = e.value[1];
		out->rights = (uint8_t)e.value[2];
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
		struct cache_tag tag = {.did = e->did,
					.pasid = e->pasid,
					.kind = e->kind,
					.size_lg2 = (uint8_t)vtd_level_shift(e->level)};

		caches_fill(cache_of(caches, e), &lock, &key, value, &tag);
	}
	caches_unlock(&lock);
}
