// SPDX-License-Identifier: MIT
#include "hw/caches.h"

#include <errno.h>
#include <string.h>

#include "base/sched.h"
#include "vtd/registers.h"

/* Functions of a busy machine; PASIDs in use at once; tables of a few address spaces. */
#define CONTEXT_LINES 256u
#define PASID_LINES   1024u
#define PAGING_LINES  1024u

int caches_init(struct caches *caches, const struct unit_config *config, size_t iotlb_lines)
{
	*caches = (struct caches){
		.policy = config->policy,
		.seed = config->seed,
		.caching_mode = vtd_CAP_CM(config->cap),
	};
	lock_init(&caches->lock, LOCK_RANK_UNIT_CACHE, "unit caches");
	if (!cache_init(&caches->context, CONTEXT_LINES) &&
	    !cache_init(&caches->pasid, PASID_LINES) && !cache_init(&caches->iotlb, iotlb_lines) &&
	    !cache_init(&caches->first, PAGING_LINES) && !cache_init(&caches->second, PAGING_LINES))
		return 0;
	caches_fini(caches);
	return -ENOMEM;
}

void caches_fini(struct caches *caches)
{
	cache_fini(&caches->context);
	cache_fini(&caches->pasid);
	cache_fini(&caches->iotlb);
	cache_fini(&caches->first);
	cache_fini(&caches->second);
	lock_destroy(&caches->lock);
}

size_t caches_bytes(const struct caches *caches)
{
	return cache_bytes(&caches->context) + cache_bytes(&caches->pasid) +
	       cache_bytes(&caches->iotlb) + cache_bytes(&caches->first) +
	       cache_bytes(&caches->second);
}

static struct caches_locked lock_all(struct caches *caches, bool removes)
{
	lock_take(&caches->lock);
	return (struct caches_locked){.caches = caches, .removes = removes};
}

struct caches_locked caches_lock_to_remove(struct caches *caches)
{
	return lock_all(caches, true);
}

void caches_unlock(struct caches_locked *lock)
{
	struct caches *caches = lock->caches;

	caches_check_locked(lock);
	if (lock->removes)
		__atomic_store_n(&caches->generation, caches->generation + 1, __ATOMIC_RELEASE);
	lock_drop(&caches->lock);
	lock->caches = NULL;
}

bool caches_lock_to_fill(struct caches *caches, uint64_t generation, struct caches_locked *lock)
{
	if (caches->policy == UNIT_CACHE_NEVER)
		return false;
	*lock = lock_all(caches, false);
	if (caches->generation == generation)
		return true;
	caches_unlock(lock);
	return false;
}

void caches_remove_all(struct caches *caches)
{
	struct caches_locked lock = caches_lock_to_remove(caches);

	cache_remove_all(&caches->context, &lock);
	cache_remove_all(&caches->pasid, &lock);
	cache_remove_all(&caches->iotlb, &lock);
	cache_remove_all(&caches->first, &lock);
	cache_remove_all(&caches->second, &lock);
	caches_unlock(&lock);
}

/* splitmix64 of a counter: every thread draws from the one sequence without waiting for another. */
uint64_t caches_draw(struct caches *caches, uint64_t bound)
{
	uint64_t n = __atomic_add_fetch(&caches->draws, 1, __ATOMIC_RELAXED);
	uint64_t z = caches->seed + n * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % bound;
}

bool caches_serve_by_lot(struct caches *caches)
{
	return caches->policy != UNIT_CACHE_RANDOM || caches_draw(caches, 4) != 0;
}

bool caches_find(struct caches *caches, struct cache *cache, const struct cache_key *key,
		 bool (*accept)(const struct cache_entry *entry, void *arg), void *arg,
		 struct cache_entry *out)
{
	size_t set = cache_set_first(cache, key);
	struct cache_entry entry;
	size_t best = SIZE_MAX;

	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "unit caches", 0);
	for (size_t i = set; i < set + CACHE_WAYS; i++) {
		if (!cache_line_read(&cache->lines[i], key, &entry) ||
		    (accept && !accept(&entry, arg)))
			continue;
		if (best != SIZE_MAX && out->born < entry.born)
			continue;
		best = i;
		*out = entry;
		if (!caches_serve_stalest(caches))
			break;
	}
	SEAM_SEEN(SEAM_MEMORY, "unit caches", 0);
	if (best == SIZE_MAX || !caches_serve(caches))
		return false;
	cache_line_touch(cache, best);
	__atomic_store_n(&cache->hits, __atomic_load_n(&cache->hits, __ATOMIC_RELAXED) + 1,
			 __ATOMIC_RELAXED);
	return true;
}

void caches_fill(struct cache *cache, const struct caches_locked *lock, const struct cache_key *key,
		 const uint64_t value[CACHE_VALUE_WORDS], const struct cache_tag *tag)
{
	struct caches *caches = lock->caches;
	struct cache_insertion insertion = {
		.entry.key = *key,
		.tag = *tag,
		.keep_older = caches_serve_stalest(caches),
	};

	memcpy(insertion.entry.value, value, sizeof(insertion.entry.value));
	if (caches->policy >= UNIT_CACHE_RANDOM) {
		insertion.eviction = CACHE_EVICT_ANY;
		insertion.lot = caches_draw(caches, CACHE_WAYS);
	}
	if (caches->policy == UNIT_CACHE_RANDOM) {
		if (caches_draw(caches, 4) == 0)
			return;
		if (caches_draw(caches, 8) == 0)
			cache_remove_any(cache, lock, caches_draw(caches, UINT32_MAX));
	}
	cache_insert(cache, lock, &insertion);
}
