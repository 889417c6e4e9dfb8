// SPDX-License-Identifier: MIT
/*
 * A cache as the unit's are (hw/cache.h). An owner is a PASID or none, with its privilege in the place
 * of a RID; groups tell by their kind which of four they are, so that an invalidation of all PASIDs
 * leaves what has none.
 */
#include "hw/device/device_tlb.h"

#include "base/alloc.h"
#include "base/sched.h"
#include "hw/cache_iotlb.h"

#define LINES  4096u
#define GROUPS 256u

static const uint8_t classes_lg2[] = {12, 21, 30};

enum { KIND_PASID = 1, KIND_NONE = 3 }; /* one more: privileged */
#define KINDS(first) (3u << (first))

#define RIGHTS UINT64_C(0xfff) /* below the base of a page: VSVA_PROT_* */

struct device_tlb {
	struct lock lock; /* writers */
	struct cache cache;
	uint64_t generation; /* atomic; moves under lock */
};

struct device_tlb *device_tlb_create(void)
{
	struct device_tlb *tlb = base_zalloc_aligned(64, sizeof(*tlb));
	struct cache_shape shape = {.lines = LINES, .value_words = 1, .groups = GROUPS};

	if (!tlb)
		return NULL;
	if (cache_init(&tlb->cache, &shape)) {
		base_free(tlb);
		return NULL;
	}
	lock_init(&tlb->lock, LOCK_RANK_DEVICE_TLB, "device TLB");
	return tlb;
}

void device_tlb_destroy(struct device_tlb *tlb)
{
	if (!tlb)
		return;
	lock_destroy(&tlb->lock);
	cache_fini(&tlb->cache);
	base_free(tlb);
}

uint64_t device_tlb_generation(const struct device_tlb *tlb)
{
	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "device TLB", 0);
	return __atomic_load_n(&tlb->generation, __ATOMIC_SEQ_CST);
}

static inline uint64_t piece_base(uint64_t addr, unsigned lg2)
{
	return addr >> lg2 << lg2;
}

static inline uint64_t owner_of(const struct device_tlb_tag *tag)
{
	return cache_owner_of_requests(rid(tag->privileged), tag->pasid);
}

static inline struct cache_key key_of(const struct device_tlb_tag *tag, unsigned lg2)
{
	return cache_key(owner_of(tag), lg2, piece_base(tag->addr, lg2));
}

/* Look-up */

static const struct device_tlb_entry none;

static inline struct device_tlb_entry look_up_way(const struct cache *cache,
						  const struct device_tlb_tag *tag,
						  const struct cache_key *key, size_t line,
						  unsigned lg2, uint8_t rights)
{
	uint64_t value, state;

	if (!cache_line_read(cache, line, key, 1, &value, &state) || (value & rights) != rights)
		return none;
	cache_line_touch(cache, line, 1, state);
	return (struct device_tlb_entry){
		.hpa = hpa((value & ~RIGHTS) + (tag->addr & ((UINT64_C(1) << lg2) - 1))),
		.page_lg2 = (uint8_t)lg2,
		.rights = (uint8_t)(value & RIGHTS),
	};
}

static __attribute__((noinline)) struct device_tlb_entry
look_up_further(const struct cache *cache, struct device_tlb_tag tag, uint8_t rights)
{
	uint64_t classes = __atomic_load_n(&cache->numbers, __ATOMIC_RELAXED);

	for (; classes; classes &= classes - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(classes);
		struct cache_key key = key_of(&tag, lg2);
		size_t first = cache_first_way(cache, &key, 1);

		for (size_t way = 0; way < CACHE_WAYS; way++) {
			struct device_tlb_entry entry = look_up_way(
				cache, &tag, &key, first + way * CACHE_STEP(1), lg2, rights);

			if (entry.page_lg2)
				return entry;
		}
	}
	return none;
}

/* Most are in the first way of a small page. */
struct device_tlb_entry device_tlb_lookup(const struct device_tlb *tlb, struct device_tlb_tag tag,
					  uint8_t rights)
{
	const struct cache *cache = &tlb->cache;
	struct cache_key key = key_of(&tag, 12);
	struct device_tlb_entry entry;

	DEBUG_CHECK(rcu_is_reading());
	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "device TLB", 0);
	entry = look_up_way(cache, &tag, &key, cache_first_way(cache, &key, 1), 12, rights);
	if (__builtin_expect(!entry.page_lg2, 0))
		entry = look_up_further(cache, tag, rights);
	SEAM_SEEN(SEAM_MEMORY, "device TLB", 0);
	return entry;
}

void device_tlb_bring_near(const struct device_tlb *tlb, struct device_tlb_tag tag, uint64_t len)
{
	cache_bring_pages_near(&tlb->cache, owner_of(&tag), tag.addr, len);
}

uint64_t device_tlb_find_run(const struct device_tlb *tlb, struct device_tlb_tag tag,
			     uint8_t rights, hpa_t to, uint64_t len)
{
	uint64_t first = tag.addr, done = 0;

	while (done < len) {
		struct device_tlb_entry entry = device_tlb_lookup(tlb, tag, rights);

		if (!entry.page_lg2 || entry.hpa.v != to.v + done)
			break;
		done += unit_rest_of_page(tag.addr, entry.page_lg2, len - done);
		tag.addr = first + done;
	}
	return done;
}

/* Insertion */

static unsigned class_that_fits(unsigned page_lg2)
{
	unsigned best = classes_lg2[0];

	for (unsigned i = 0; i < ARRAY_LEN(classes_lg2); i++)
		if (classes_lg2[i] <= page_lg2)
			best = classes_lg2[i];
	return best;
}

static struct cache_tag group_tag(const struct device_tlb_tag *tag)
{
	bool has_pasid = tag->pasid != VSVA_PASID_INVALID;
	unsigned kind = (has_pasid ? KIND_PASID : KIND_NONE) + (tag->privileged ? 1u : 0u);

	return (struct cache_tag){.pasid = has_pasid ? tag->pasid : 0, .kind = (uint8_t)kind};
}

bool device_tlb_insert(struct device_tlb *tlb, const struct device_tlb_tag *tag,
		       const struct device_tlb_entry *entry, uint64_t generation)
{
	unsigned lg2 = class_that_fits(entry->page_lg2);
	uint64_t base = entry->hpa.v - (tag->addr - piece_base(tag->addr, lg2));
	struct cache_insertion insertion = {
		.key = key_of(tag, lg2),
		.value = {(base & ~RIGHTS) | entry->rights},
		.tag = group_tag(tag),
	};
	bool current;

	lock_take(&tlb->lock);
	current = tlb->generation == generation;
	if (current)
		cache_insert(&tlb->cache, &tlb->lock, &insertion);
	lock_drop(&tlb->lock);
	return current;
}

/* Invalidation */

static void remove_scope(struct device_tlb *tlb, const struct cache_scope *scope)
{
	lock_take(&tlb->lock);
	/* First the generation: a fill that has taken it already finds it passed. */
	__atomic_store_n(&tlb->generation, tlb->generation + 1, __ATOMIC_SEQ_CST);
	cache_remove(&tlb->cache, &tlb->lock, scope);
	lock_drop(&tlb->lock);
}

/* There are no domains: all are of one, by which groups are found fast. */
void device_tlb_invalidate(struct device_tlb *tlb, const struct ats_invalidation *scope)
{
	struct cache_scope removed = {
		.by_did = true,
		.by_pasid = scope->has_pasid && !scope->all_pasids,
		.tag.pasid = scope->pasid,
		.kinds = (uint8_t)(scope->has_pasid ? KINDS(KIND_PASID) : KINDS(KIND_NONE)),
		.by_range = scope->size_lg2 < 64,
	};

	if (removed.by_range) {
		removed.first = piece_base(scope->addr, scope->size_lg2);
		removed.last = removed.first + ((UINT64_C(1) << scope->size_lg2) - 1);
	}
	remove_scope(tlb, &removed);
}

void device_tlb_flush(struct device_tlb *tlb)
{
	remove_scope(tlb, &(struct cache_scope){0});
}

unsigned device_tlb_count(struct device_tlb *tlb)
{
	return cache_count(&tlb->cache);
}

uint32_t device_tlb_places(void)
{
	return LINES;
}

bool device_tlb_peek(const struct device_tlb *tlb, uint32_t place, struct device_tlb_tag *tag,
		     struct device_tlb_entry *out)
{
	struct cache_entry entry;
	uint32_t low;

	if (place >= LINES || !cache_peek(&tlb->cache, place, &entry))
		return false;
	low = (uint32_t)entry.key.word[0] & UINT32_C(0x1fffff);
	*tag = (struct device_tlb_tag){
		.pasid = low > VSVA_PASID_MAX ? VSVA_PASID_INVALID : low,
		.privileged = cache_owner_rid(entry.key.word[0]).v != 0,
		.addr = entry.key.word[1],
	};
	*out = (struct device_tlb_entry){
		.hpa = hpa(entry.value[0] & ~RIGHTS),
		.page_lg2 = (uint8_t)(entry.key.word[0] >> CACHE_NUMBER_SHIFT),
		.rights = (uint8_t)(entry.value[0] & RIGHTS),
	};
	return true;
}
