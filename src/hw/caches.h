/* SPDX-License-Identifier: MIT */
/*
 * All caches of a unit, what they share: the policy, the lock of their writers, the generation.
 *
 * Fill and invalidation: a translation reads the generation before it looks at anything, and what
 * it read is inserted only if the generation is still the same, under the lock. An invalidation
 * removes, and then moves the generation on, under the same lock. So what a walk read before an
 * invalidation is not in a cache after it; one generation serves all caches, because entries of one
 * are made from entries of another (VT-d 6.2).
 *
 * | may run at once  | find | fill       | remove     |
 * | find             | yes  | yes        | yes        |
 * | fill             |      | serialised | serialised |
 * | remove           |      |            | serialised |
 */
#ifndef HW_CACHES_H
#define HW_CACHES_H

#include "base/lock.h"
#include "base/sched.h"
#include "hw/cache.h"
#include "hw/unit.h"

struct caches {
	enum unit_cache_policy policy;
	uint64_t seed;
	uint64_t draws; /* lots drawn; atomic */
	struct lock lock;
	uint64_t generation; /* lock; read atomically */
	bool caching_mode;   /* CAP.CM: what faulted may be cached, VT-d 6.1 */

	struct cache context;
	struct cache pasid;
	struct cache iotlb;
	struct cache first;  /* paging structures of the first stage and of nested translation */
	struct cache second; /* paging structures of the second stage */
};

/* Witness: the lock is held. */
struct caches_locked {
	struct caches *caches;
	bool removes;
};

/* A generation that never is: what is read under it is kept nowhere. */
#define CACHES_NO_GENERATION UINT64_MAX

/* iotlb_entries: a power of two. 0 or -ENOMEM. */
int caches_init(struct caches *caches, const struct unit_config *config, size_t iotlb_entries);
void caches_fini(struct caches *caches);
size_t caches_bytes(const struct caches *caches);

static inline void caches_check_locked(const struct caches_locked *lock)
{
	DEBUG_CHECK(lock_is_held(&lock->caches->lock));
	(void)lock;
}

static inline void caches_unlock(struct caches_locked *lock)
{
	struct caches *caches = lock->caches;

	caches_check_locked(lock);
	if (lock->removes)
		__atomic_store_n(&caches->generation, caches->generation + 1, __ATOMIC_RELEASE);
	lock_drop(&caches->lock);
	lock->caches = NULL;
}

/*
 * Locks for an invalidation. The generation moves on when it is unlocked, not before: a walk that
 * read the new number while the old entries were still there could find them, and leave behind what
 * it made from them.
 */
struct caches_locked caches_lock_to_remove(struct caches *caches);
static inline uint64_t caches_generation(const struct caches *caches)
{
	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "unit caches", 0);
	return __atomic_load_n(&caches->generation, __ATOMIC_ACQUIRE);
}
/* Moves the generation on and removes nothing: there is a new root. */
void caches_pass(struct caches *caches);
/* Everything: SRTP with ESRTPS=1, TE cleared in a unit with scalable mode. VT-d 6.6, 11.4.4 */
void caches_remove_all(struct caches *caches);

/* A lot below bound, lock-free. The same seed and the same order of calls give the same lots. */
uint64_t caches_draw(struct caches *caches, uint64_t bound);
/* Under the policies that do not serve every hit: is this one served? */
bool caches_serve_by_lot(struct caches *caches);
static inline bool caches_serve(struct caches *caches)
{
	if (__builtin_expect(caches->policy == UNIT_CACHE_LRU, 1))
		return true;
	return caches_serve_by_lot(caches);
}
static inline bool caches_serve_stalest(const struct caches *caches)
{
	return caches->policy == UNIT_CACHE_ADVERSARIAL;
}
/* Is anything kept at all? */
static inline bool caches_keep(const struct caches *caches)
{
	return caches->policy != UNIT_CACHE_NEVER;
}
/* May what faulted be kept, and is this the kind of hardware that does? */
static inline bool caches_keep_faults(const struct caches *caches)
{
	return caches->caching_mode && caches->policy >= UNIT_CACHE_RANDOM;
}

/* Locks for a fill. false, and not locked: something was invalidated since that generation. */
static inline bool caches_lock_to_fill(struct caches *caches, uint64_t generation,
				       struct caches_locked *lock)
{
	if (!caches_keep(caches))
		return false;
	lock_take(&caches->lock);
	*lock = (struct caches_locked){.caches = caches};
	if (caches->generation == generation)
		return true;
	caches_unlock(lock);
	return false;
}

/* The first line of the key's set that has the key; the stalest or none, as the policy wants it.
 * value: CACHE_VALUE_WORDS. false: none. Not for the IOTLB, whose lines are of one word. */
bool caches_find(struct caches *caches, struct cache *cache, const struct cache_key *key,
		 uint64_t *value);
/* As caches_find(), in line. Policy LRU. */
static inline bool caches_find_lru(struct cache *cache, const struct cache_key *key,
				   uint64_t *value)
{
	bool found;

	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "unit caches", 0);
	found = cache_find(cache, key, value);
	SEAM_SEEN(SEAM_MEMORY, "unit caches", 0);
	if (found)
		cache_count_hit(cache);
	return found;
}

/* Inserts key, value and tag, as the policy wants it, which fills in the rest. */
void caches_fill(struct cache *cache, const struct caches_locked *lock,
		 struct cache_insertion *insertion);

#endif
