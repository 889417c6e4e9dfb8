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

static int init(struct caches *caches, struct cache *cache, size_t lines, unsigned value_words,
		uint32_t groups)
{
	return cache_init(cache, &(struct cache_shape){
					 .lines = lines,
					 .value_words = value_words,
					 .groups = groups,
					 .keeps_age = caches_serve_stalest(caches),
				 });
}

/* Lines of the IOTLB for so many entries: they are spread by a hash, and with as many lines as
 * entries a sixth of them would meet too many others in their set. */
static size_t iotlb_lines(size_t entries)
{
	size_t set = CACHE_WAYS * CACHE_STEP(1);

	return (entries + entries / 4 * 3 + set - 1) / set * set;
}

/* Address spaces that are in the IOTLB at once. */
static uint32_t iotlb_groups(size_t entries)
{
	return entries > 32768 ? (uint32_t)(entries / 32) : 1024;
}

static int init_all(struct caches *caches, size_t iotlb_entries)
{
	int err = init(caches, &caches->context, CONTEXT_LINES, 4, CONTEXT_LINES);

	if (!err)
		err = init(caches, &caches->pasid, PASID_LINES, 4, PASID_LINES);
	if (!err)
		err = init(caches, &caches->iotlb, iotlb_lines(iotlb_entries), 1,
			   iotlb_groups(iotlb_entries));
	if (!err)
		err = init(caches, &caches->first, PAGING_LINES, 4, PAGING_LINES);
	if (!err)
		err = init(caches, &caches->second, PAGING_LINES, 4, PAGING_LINES);
	return err;
}

int caches_init(struct caches *caches, const struct unit_config *config, size_t iotlb_entries)
{
	int err;

	*caches = (struct caches){
		.policy = config->policy,
		.seed = config->seed,
		.caching_mode = vtd_CAP_CM(config->cap),
	};
	lock_init(&caches->lock, LOCK_RANK_UNIT_CACHE, "unit caches");
	err = init_all(caches, iotlb_entries);
	if (err)
		caches_fini(caches);
	return err;
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

struct caches_locked caches_lock_to_remove(struct caches *caches)
{
	lock_take(&caches->lock);
	return (struct caches_locked){.caches = caches, .removes = true};
}

void caches_pass(struct caches *caches)
{
	struct caches_locked lock = caches_lock_to_remove(caches);

	caches_unlock(&lock);
}

void caches_remove_all(struct caches *caches)
{
	struct caches_locked lock = caches_lock_to_remove(caches);

	cache_remove_all(&caches->context, &lock.caches->lock);
	cache_remove_all(&caches->pasid, &lock.caches->lock);
	cache_remove_all(&caches->iotlb, &lock.caches->lock);
	cache_remove_all(&caches->first, &lock.caches->lock);
	cache_remove_all(&caches->second, &lock.caches->lock);
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

/* The stalest of the set. */
static bool find_stalest(const struct cache *cache, const struct cache_key *key, uint64_t *value)
{
	size_t first = cache_first_way(cache, key, CACHE_VALUE_WORDS);
	uint64_t found[CACHE_VALUE_WORDS], state, stalest = UINT64_MAX;

	for (size_t i = first; i < first + CACHE_WAYS; i++) {
		uint64_t born = cache_born(cache, i);

		if (born >= stalest ||
		    !cache_line_read(cache, i, key, CACHE_VALUE_WORDS, found, &state))
			continue;
		memcpy(value, found, sizeof(found));
		cache_line_touch(cache, i, CACHE_VALUE_WORDS, state);
		stalest = born;
	}
	return stalest != UINT64_MAX;
}

bool caches_find(struct caches *caches, struct cache *cache, const struct cache_key *key,
		 uint64_t *value)
{
	bool found;

	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "unit caches", 0);
	if (!__atomic_load_n(&cache->numbers, __ATOMIC_RELAXED))
		found = false; /* nothing is in it */
	else if (__builtin_expect(!caches_serve_stalest(caches), 1))
		found = cache_find(cache, key, value);
	else
		found = find_stalest(cache, key, value);
	SEAM_SEEN(SEAM_MEMORY, "unit caches", 0);
	if (!found || !caches_serve(caches))
		return false;
	cache_count_hit(cache);
	return true;
}

void caches_fill(struct cache *cache, const struct caches_locked *lock,
		 struct cache_insertion *insertion)
{
	struct caches *caches = lock->caches;

	if (__builtin_expect(caches->policy >= UNIT_CACHE_RANDOM, 0)) {
		insertion->keep_older = caches_serve_stalest(caches);
		insertion->eviction = CACHE_EVICT_ANY;
		insertion->lot = caches_draw(caches, CACHE_WAYS);
	}
	if (caches->policy == UNIT_CACHE_RANDOM) {
		if (caches_draw(caches, 4) == 0)
			return;
		if (caches_draw(caches, 8) == 0)
			cache_remove_any(cache, &lock->caches->lock,
					 caches_draw(caches, UINT32_MAX));
	}
	cache_insert(cache, &lock->caches->lock, insertion);
}
