// SPDX-License-Identifier: MIT
#include "hw/cache_iotlb.h"

#include "base/sched.h"
#include "hw/cache_pasid.h"

#define FLAGS_MASK UINT64_C(0xfff)

static inline bool page_grants(uint64_t value, const struct iotlb_need *need)
{
	return (value & need->all) == need->all && (!need->any || (value & need->any));
}

static inline bool answers(uint64_t value, const struct iotlb_need *need)
{
	return (value & IOTLB_NOT_PRESENT) || page_grants(value, need);
}

static bool is_useful(const struct cache_entry *entry, void *arg)
{
	return answers(entry->value[0], arg);
}

static inline enum iotlb_answer answer(uint64_t input, uint64_t value, unsigned size_lg2,
				       struct iotlb_page *out)
{
	out->input = input;
	out->output = value & ~FLAGS_MASK;
	out->flags = (uint8_t)(value & FLAGS_MASK);
	out->size_lg2 = (uint8_t)size_lg2;
	return out->flags & IOTLB_NOT_PRESENT ? IOTLB_HIT_NOT_PRESENT : IOTLB_HIT;
}

static inline uint64_t page_first(uint64_t addr, unsigned size_lg2)
{
	return addr >> size_lg2 << size_lg2;
}

/* Policy LRU, which is the hot one: the first line that grants the request. */
static inline enum iotlb_answer find_first(struct caches *caches, rid_t rid, uint32_t pasid,
					   uint64_t addr, const struct iotlb_need *need,
					   struct iotlb_page *out)
{
	const struct cache *cache = &caches->iotlb;
	uint64_t sizes = __atomic_load_n(&caches->iotlb_sizes, __ATOMIC_RELAXED);
	uint64_t value;

	for (; sizes; sizes &= sizes - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(sizes);
		struct cache_key key = {{cache_source_key(rid, pasid, lg2), page_first(addr, lg2)}};
		size_t set = cache_set_first(cache, &key);

		for (size_t i = set; i < set + CACHE_WAYS; i++) {
			if (!cache_line_read_word(&cache->lines[i], &key, &value) ||
			    !answers(value, need))
				continue;
			cache_line_touch(cache, i);
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
	uint64_t sizes = __atomic_load_n(&caches->iotlb_sizes, __ATOMIC_RELAXED);
	enum iotlb_answer best = IOTLB_MISS;
	uint64_t born = UINT64_MAX;

	for (; sizes; sizes &= sizes - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(sizes);
		struct cache_key key = {{cache_source_key(rid, pasid, lg2), page_first(addr, lg2)}};
		struct cache_entry entry;

		if (!caches_find(caches, &caches->iotlb, &key, is_useful, (void *)(uintptr_t)need,
				 &entry) ||
		    entry.born >= born)
			continue;
		born = entry.born;
		best = answer(entry.key.word[1], entry.value[0], lg2, out);
	}
	return best;
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

void cache_iotlb_fill(struct caches *caches, uint64_t generation, rid_t rid, uint32_t pasid,
		      const struct iotlb_page *page, const struct cache_tag *tag)
{
	struct cache_key key = {{cache_source_key(rid, pasid, page->size_lg2), page->input}};
	uint64_t value[CACHE_VALUE_WORDS] = {page->output | page->flags};
	struct cache_tag full = *tag;
	struct caches_locked lock;
	uint64_t sizes;

	full.rid = rid.v;
	full.size_lg2 = page->size_lg2;
	if (!caches_lock_to_fill(caches, generation, &lock))
		return;
	/* A size counts as in use until the IOTLB is empty: that is rarely wrong and never
	 * harmful. */
	sizes = cache_count(&caches->iotlb) ? caches->iotlb_sizes : 0;
	caches_fill(&caches->iotlb, &lock, &key, value, &full);
	__atomic_store_n(&caches->iotlb_sizes, sizes | UINT64_C(1) << page->size_lg2,
			 __ATOMIC_RELAXED);
	caches_unlock(&lock);
}
