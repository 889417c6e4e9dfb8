// SPDX-License-Identifier: MIT
/*
 * A cache as the unit's are (hw/cache.h). An owner is a PASID or none, with its privilege in the place
 * of a RID; groups tell by their kind which of four they are, so that an invalidation of all PASIDs
 * leaves what has none.
 */
#include "hw/device/device_tlb.h"

#include "base/alloc.h"

#define LINES  4096u
#define GROUPS 256u

static const uint8_t classes_lg2[] = {12, 21, 30};

enum { KIND_PASID = 1, KIND_NONE = 3 }; /* one more: privileged */
#define KINDS(first) (3u << (first))

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

/* Look-up */

void device_tlb_bring_near(const struct device_tlb *tlb, struct device_tlb_tag tag, uint64_t len)
{
	cache_bring_pages_near(&tlb->cache, device_tlb_owner_(tag), tag.addr, len);
}

uint64_t device_tlb_find_run(const struct device_tlb *tlb, struct device_tlb_tag tag,
			     uint8_t rights, hpa_t to, uint64_t len)
{
	uint64_t run;

	DEBUG_CHECK(rcu_is_reading());
	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "device TLB", 0);
	run = cache_iotlb_find_run(&tlb->cache, device_tlb_owner_(tag), tag.addr, rights, to, len);
	SEAM_SEEN(SEAM_MEMORY, "device TLB", 0);
	return run;
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
		.key = cache_key(device_tlb_owner_(*tag), lg2, piece_base(tag->addr, lg2)),
		.value = {(base & ~DEVICE_TLB_RIGHTS) | entry->rights},
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
		.hpa = hpa(entry.value[0] & ~DEVICE_TLB_RIGHTS),
		.page_lg2 = (uint8_t)(entry.key.word[0] >> CACHE_NUMBER_SHIFT),
		.rights = (uint8_t)(entry.value[0] & DEVICE_TLB_RIGHTS),
	};
	return true;
}
