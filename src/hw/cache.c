// SPDX-License-Identifier: MIT
#include "hw/cache.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "hw/caches.h"

/* Where the members of struct cache_tag lie in a word of cache.tags. */
#define TAG_DID_SHIFT   0
#define TAG_RID_SHIFT   16
#define TAG_PASID_SHIFT 32
#define TAG_KIND_SHIFT  52
#define TAG_SIZE_SHIFT  56
#define TAG_VALID       (UINT64_C(1) << 63)

static uint64_t tag_pack(const struct cache_tag *tag)
{
	return TAG_VALID | (uint64_t)tag->did << TAG_DID_SHIFT |
	       (uint64_t)tag->rid << TAG_RID_SHIFT |
	       (uint64_t)(tag->pasid & VSVA_PASID_MAX) << TAG_PASID_SHIFT |
	       (uint64_t)(tag->kind & 0xf) << TAG_KIND_SHIFT |
	       (uint64_t)(tag->size_lg2 & 0x3f) << TAG_SIZE_SHIFT;
}

static unsigned tag_kind(uint64_t tag)
{
	return (unsigned)(tag >> TAG_KIND_SHIFT) & 0xf;
}

static unsigned tag_size_lg2(uint64_t tag)
{
	return (unsigned)(tag >> TAG_SIZE_SHIFT) & 0x3f;
}

static unsigned did_bucket(uint64_t tag)
{
	return (unsigned)(tag >> TAG_DID_SHIFT) % CACHE_DID_BUCKETS;
}

static size_t line_count(const struct cache *cache)
{
	return (size_t)CACHE_WAYS << cache->set_lg2;
}

int cache_init(struct cache *cache, size_t lines)
{
	CHECK(lines > CACHE_WAYS && (lines & (lines - 1)) == 0);
	*cache = (struct cache){.set_lg2 = (unsigned)__builtin_ctzll(lines / CACHE_WAYS)};
	cache->lines = base_zalloc_aligned(64, lines * sizeof(*cache->lines));
	cache->tags = base_calloc(lines, sizeof(*cache->tags));
	cache->in_use = base_calloc(lines, sizeof(*cache->in_use));
	if (cache->lines && cache->tags && cache->in_use)
		return 0;
	cache_fini(cache);
	return -ENOMEM;
}

void cache_fini(struct cache *cache)
{
	base_free(cache->lines);
	base_free(cache->tags);
	base_free(cache->in_use);
	*cache = (struct cache){0};
}

size_t cache_bytes(const struct cache *cache)
{
	return line_count(cache) *
	       (sizeof(*cache->lines) + sizeof(*cache->tags) + sizeof(*cache->in_use));
}

static void count_add(struct cache *cache, int difference)
{
	__atomic_store_n(&cache->count, cache->count + (uint32_t)difference, __ATOMIC_RELAXED);
}

/* 0: the line is empty. */
static void tag_set(struct cache *cache, size_t index, uint64_t tag)
{
	uint64_t old = cache->tags[index];

	if (old)
		cache->did_lines[did_bucket(old)]--;
	if (tag)
		cache->did_lines[did_bucket(tag)]++;
	cache->tags[index] = tag;
}

/* An even sequence number again only after the last word: see cache_line_read(). */
static void line_write(struct cache_line *line, const struct cache_entry *entry)
{
	uint64_t sequence = line->sequence;

	__atomic_store_n(&line->sequence, sequence + 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < CACHE_VALUE_WORDS; i++)
		__atomic_store_n(&line->entry.value[i], entry->value[i], __ATOMIC_RELEASE);
	__atomic_store_n(&line->entry.born, entry->born, __ATOMIC_RELEASE);
	__atomic_store_n(&line->entry.key.word[1], entry->key.word[1], __ATOMIC_RELEASE);
	__atomic_store_n(&line->entry.key.word[0], entry->key.word[0], __ATOMIC_RELEASE);
	__atomic_store_n(&line->sequence, sequence + 2, __ATOMIC_RELEASE);
}

static void line_remove(struct cache *cache, size_t index)
{
	static const struct cache_entry empty;

	line_write(&cache->lines[index], &empty);
	tag_set(cache, index, 0);
	__atomic_store_n(&cache->in_use[index], 0, __ATOMIC_RELAXED);
	count_add(cache, -1);
}

static bool same_key(const struct cache_entry *a, const struct cache_entry *b)
{
	return a->key.word[0] == b->key.word[0] && a->key.word[1] == b->key.word[1];
}

static bool same_value(const struct cache_entry *a, const struct cache_entry *b)
{
	for (unsigned i = 0; i < CACHE_VALUE_WORDS; i++)
		if (a->value[i] != b->value[i])
			return false;
	return true;
}

/* Second chance: the first line that nobody has used since we last passed. */
static size_t victim_unused(struct cache *cache, size_t set)
{
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned way = 0; way < CACHE_WAYS; way++) {
			size_t i = set + (cache->born + way) % CACHE_WAYS;

			if (!__atomic_load_n(&cache->in_use[i], __ATOMIC_RELAXED))
				return i;
			__atomic_store_n(&cache->in_use[i], 0, __ATOMIC_RELAXED);
		}
	return set;
}

static size_t choose_way(struct cache *cache, size_t set, const struct cache_insertion *insertion)
{
	for (size_t i = set; i < set + CACHE_WAYS; i++)
		if (cache->tags[i] && same_key(&cache->lines[i].entry, &insertion->entry) &&
		    (!insertion->keep_older ||
		     same_value(&cache->lines[i].entry, &insertion->entry)))
			return i;
	for (size_t i = set; i < set + CACHE_WAYS; i++)
		if (!cache->tags[i])
			return i;
	if (insertion->eviction == CACHE_EVICT_ANY)
		return set + insertion->lot % CACHE_WAYS;
	return victim_unused(cache, set);
}

void cache_insert(struct cache *cache, const struct caches_locked *lock,
		  const struct cache_insertion *insertion)
{
	size_t set = cache_set_first(cache, &insertion->entry.key);
	size_t i = choose_way(cache, set, insertion);
	struct cache_entry entry = insertion->entry;

	caches_check_locked(lock);
	if (insertion->keep_older && cache->tags[i] && same_key(&cache->lines[i].entry, &entry) &&
	    same_value(&cache->lines[i].entry, &entry))
		return; /* it is there already, and older */
	if (!cache->tags[i])
		count_add(cache, 1);
	entry.born = ++cache->born;
	line_write(&cache->lines[i], &entry);
	tag_set(cache, i, tag_pack(&insertion->tag));
	__atomic_store_n(&cache->in_use[i], 1, __ATOMIC_RELAXED);
}

/* A scope as a mask over packed tags. */
struct matcher {
	uint64_t mask, want;
};

static struct matcher matcher_of(const struct cache_scope *scope)
{
	struct matcher m = {.mask = TAG_VALID};

	if (scope->by_did)
		m.mask |= UINT64_C(0xffff) << TAG_DID_SHIFT;
	if (scope->by_rid)
		m.mask |= (uint64_t)(uint16_t)~scope->rid_ignore << TAG_RID_SHIFT;
	if (scope->by_pasid)
		m.mask |= (uint64_t)VSVA_PASID_MAX << TAG_PASID_SHIFT;
	m.want = tag_pack(&scope->tag) & m.mask;
	return m;
}

static bool touches(const struct cache *cache, size_t i, const struct cache_scope *scope)
{
	uint64_t first = cache->lines[i].entry.key.word[1];
	uint64_t last = first + ((UINT64_C(1) << tag_size_lg2(cache->tags[i])) - 1);

	return first <= scope->last && last >= scope->first;
}

unsigned cache_remove(struct cache *cache, const struct caches_locked *lock,
		      const struct cache_scope *scope)
{
	struct matcher m = matcher_of(scope);
	const uint32_t *left =
		scope->by_did ? &cache->did_lines[did_bucket(m.want)] : &cache->count;
	size_t lines = line_count(cache);
	unsigned removed = 0;

	caches_check_locked(lock);
	for (size_t i = 0; i < lines && *left; i++) {
		if ((cache->tags[i] & m.mask) != m.want)
			continue;
		if (scope->kinds && !(scope->kinds >> tag_kind(cache->tags[i]) & 1))
			continue;
		if (scope->by_range && !touches(cache, i, scope))
			continue;
		line_remove(cache, i);
		removed++;
	}
	return removed;
}

void cache_remove_all(struct cache *cache, const struct caches_locked *lock)
{
	static const struct cache_scope all;

	cache_remove(cache, lock, &all);
}

void cache_remove_any(struct cache *cache, const struct caches_locked *lock, uint64_t lot)
{
	size_t i = lot % line_count(cache);

	caches_check_locked(lock);
	if (cache->tags[i])
		line_remove(cache, i);
}
