// SPDX-License-Identifier: MIT
#include "hw/cache_iotlb.h"

#include "base/sched.h"

static inline bool page_grants(uint64_t value, const struct iotlb_need *need)
{
	return (value & need->all) == need->all && (!need->any || (value & need->any));
}

static inline bool answers(uint64_t value, const struct iotlb_need *need)
{
	return (value & IOTLB_NOT_PRESENT) || page_grants(value, need);
}

static inline enum iotlb_answer answer(uint64_t input, uint64_t value, unsigned size_lg2,
				       struct iotlb_page *out)
{
	out->input = input;
	out->output = value & ~IOTLB_FLAGS;
	out->flags = (uint8_t)(value & IOTLB_FLAGS);
	out->size_lg2 = (uint8_t)size_lg2;
	return out->flags & IOTLB_NOT_PRESENT ? IOTLB_HIT_NOT_PRESENT : IOTLB_HIT;
}

static inline uint64_t page_first(uint64_t addr, unsigned size_lg2)
{
	return addr >> size_lg2 << size_lg2;
}

/* Policy LRU. */
static enum iotlb_answer find_first(struct caches *caches, rid_t rid, uint32_t pasid, uint64_t addr,
				    const struct iotlb_need *need, struct iotlb_page *out)
{
	const struct cache *cache = &caches->iotlb;
	uint64_t sizes = __atomic_load_n(&cache->numbers, __ATOMIC_RELAXED);
	uint64_t owner = cache_owner_of_requests(rid, pasid);
	uint64_t value, state;

	for (; sizes; sizes &= sizes - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(sizes);
		struct cache_key key = cache_key(owner, lg2, page_first(addr, lg2));
		size_t first = cache_first_way(cache, &key, 1);

		for (size_t way = 0; way < CACHE_WAYS; way++) {
			size_t i = first + way * CACHE_STEP(1);

			if (!cache_line_read(cache, i, &key, 1, &value, &state) ||
			    !answers(value, need))
				continue;
			cache_line_touch(cache, i, 1, state);
			return answer(key.word[1], value, lg2, out);
		}
	}
	return IOTLB_MISS;
}

/* Other policies: the stalest of all page sizes, or by lot. */
static enum iotlb_answer find_by_policy(struct caches *caches, rid_t rid, uint32_t pasid,
					uint64_t addr, const struct iotlb_need *need,
					struct iotlb_page *out)
{
	const struct cache *cache = &caches->iotlb;
	uint64_t sizes = __atomic_load_n(&cache->numbers, __ATOMIC_RELAXED);
	enum iotlb_answer best = IOTLB_MISS;
	uint64_t value, state, stalest = UINT64_MAX;

	for (; sizes; sizes &= sizes - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(sizes);
		struct cache_key key =
			cache_key(cache_owner_of_requests(rid, pasid), lg2, page_first(addr, lg2));
		size_t first = cache_first_way(cache, &key, 1);

		for (size_t way = 0; way < CACHE_WAYS; way++) {
			size_t i = first + way * CACHE_STEP(1);
			uint64_t born = cache_born(cache, i);

			if (!cache_line_read(cache, i, &key, 1, &value, &state) ||
			    !answers(value, need) || born >= stalest)
				continue;
			stalest = born;
			cache_line_touch(cache, i, 1, state);
			best = answer(key.word[1], value, lg2, out);
		}
	}
	return caches_serve(caches) ? best : IOTLB_MISS;
}

enum iotlb_answer cache_iotlb_find(struct caches *caches, rid_t rid, uint32_t pasid, uint64_t addr,
				   const struct iotlb_need *need, struct iotlb_page *out)
{
	enum iotlb_answer found;

	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "unit caches", 0);
	if (__builtin_expect(caches->policy == UNIT_CACHE_LRU, 1))
		found = find_first(caches, rid, pasid, addr, need, out);
	else
		found = find_by_policy(caches, rid, pasid, addr, need, out);
	SEAM_SEEN(SEAM_MEMORY, "unit caches", 0);
	return found;
}

struct iotlb_grant cache_iotlb_find_larger(const struct cache *cache, uint64_t sizes,
					   uint64_t owner, uint64_t addr, uint64_t need)
{
	for (; sizes; sizes &= sizes - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(sizes);
		struct cache_key key = cache_key(owner, lg2, page_first(addr, lg2));
		uint64_t value =
			cache_iotlb_ways(cache, &key, cache_first_way(cache, &key, 1), 0, need);

		if (value)
			return (struct iotlb_grant){value, lg2};
	}
	return (struct iotlb_grant){.value = 0};
}

struct iotlb_grant cache_iotlb_find_rare(const struct cache *cache, uint64_t owner, uint64_t addr,
					 uint64_t need)
{
	struct iotlb_place place = cache_iotlb_place(cache, owner, addr);

	return cache_iotlb_find_further(cache, &place, addr, need);
}

/* How far a run goes on from an address for which the first way has nothing; 0: it ends. */
static __attribute__((noinline)) uint64_t find_further_in_run(const struct cache *cache,
							      uint64_t owner, uint64_t addr,
							      uint64_t need, uint64_t to)
{
	struct iotlb_grant grant = cache_iotlb_find_rare(cache, owner, addr, need);
	uint64_t offset = addr - page_first(addr, grant.size_lg2);

	if (!grant.value || (grant.value & ~IOTLB_FLAGS) + offset != to)
		return 0;
	return (UINT64_C(1) << grant.size_lg2) - offset;
}

uint64_t cache_iotlb_find_run(const struct cache *cache, uint64_t owner, uint64_t addr,
			      uint64_t need, hpa_t to, uint64_t len)
{
	struct cache_known_group known = {0};
	uint64_t distance = to.v - addr, done = 0, value, state;
	size_t line = 0;

	DEBUG_CHECK(addr % VSVA_PAGE_SIZE == 0);
	/* So that the compiler knows, too, that the number in a key is a constant here. */
	owner &= CACHE_OWNER_MASK;
	while (done < len) {
		uint64_t at = addr + done, more = VSVA_PAGE_SIZE;
		struct cache_key key = cache_key(owner, VTD_PAGE_SHIFT, at);

		/* Two pages that lie side by side have lines side by side. */
		if (done && at / VSVA_PAGE_SIZE % CACHE_STEP(1))
			line++;
		else
			line = cache_first_way(cache, &key, 1);
		if (__builtin_expect(
			    cache_line_read_next(cache, line, &key, &known, &value, &state) &&
				    (value & need) == need,
			    1)) {
			if ((value & ~IOTLB_FLAGS) != at + distance)
				break;
			cache_line_touch(cache, line, 1, state);
		} else {
			more = find_further_in_run(cache, owner, at, need, at + distance);
			if (!more)
				break;
		}
		done += more;
	}
	return done < len ? done : len;
}

void cache_iotlb_decode(const struct cache_entry *entry, struct iotlb_page *out)
{
	answer(entry->key.word[1], entry->value[0],
	       (unsigned)(entry->key.word[0] >> CACHE_NUMBER_SHIFT), out);
}

void cache_iotlb_fill(struct caches *caches, uint64_t generation, rid_t rid, uint32_t pasid,
		      const struct iotlb_page *page, const struct cache_tag *tag)
{
	struct caches_locked lock;

	if (!caches_lock_to_fill(caches, generation, &lock))
		return;
	caches_fill(&caches->iotlb, &lock,
		    &(struct cache_insertion){
			    .key = cache_key(cache_owner_of_requests(rid, pasid), page->size_lg2,
					     page->input),
			    .value = {page->output | page->flags},
			    .tag = *tag,
		    });
	caches_unlock(&lock);
}
