/* SPDX-License-Identifier: MIT */
/*
 * A cache of the unit: a fixed number of lines, found by a key and removed by a tag.
 *
 *   key    what a look-up asks for, compared whole. Word 0 is never 0; where a cache is tagged by
 *          address, word 1 is the first address that the line covers
 *   value  what the line says
 *   tag    what invalidations ask for (struct cache_tag), compared in part; kept apart from the
 *          lines, so that an invalidation reads 8 bytes per line and not 64
 *   born   serial number of the insertion: the smaller, the staler
 *
 * Look-ups take no lock: a line carries a sequence number, odd while it is written. A reader that
 * meets a line in the making does not wait for it, it sees a miss. Everything else needs the lock
 * of struct caches, whose witness is struct caches_locked.
 */
#ifndef HW_CACHE_H
#define HW_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_WAYS        4u
#define CACHE_VALUE_WORDS 4u
#define CACHE_DID_BUCKETS 256u

struct cache_key {
	uint64_t word[2];
};

struct cache_entry {
	struct cache_key key;
	uint64_t value[CACHE_VALUE_WORDS];
	uint64_t born;
};

struct cache_line {
	uint64_t sequence;
	struct cache_entry entry;
} __attribute__((aligned(64)));

/* VT-d 6.2, the tags of all caches together; a cache uses those that it has. */
struct cache_tag {
	uint16_t did;
	uint16_t rid;
	uint32_t pasid;
	uint8_t kind;     /* PGTT of what the entry was made from; 0 in context and PASID caches */
	uint8_t size_lg2; /* bytes that the line covers from key.word[1] on */
};

/* What to remove: lines whose tag has these members, and that touch [first, last]. */
struct cache_scope {
	bool by_did, by_rid, by_pasid;
	struct cache_tag tag;
	uint16_t rid_ignore; /* bits of the RID that do not matter (function mask) */
	uint8_t kinds;       /* bit set of kinds; 0: all */
	bool by_range;
	uint64_t first, last;
};

enum cache_eviction { CACHE_EVICT_UNUSED, CACHE_EVICT_ANY };

struct cache {
	struct cache_line *lines;
	uint64_t *tags;  /* 0: the line is empty; lock of struct caches */
	uint8_t *in_use; /* found since the search for a victim last passed; atomic */
	unsigned set_lg2;
	uint32_t count; /* lines that are valid; lock, read atomically */
	/* of them by domain id, so that nothing is searched for one that has none; lock */
	uint32_t did_lines[CACHE_DID_BUCKETS];
	uint64_t born; /* lock */
	uint64_t hits; /* roughly: threads that count at once may lose one */
};

struct caches_locked;

/* lines: a power of two, at least CACHE_WAYS. 0 or -ENOMEM. */
int cache_init(struct cache *cache, size_t lines);
void cache_fini(struct cache *cache);
size_t cache_bytes(const struct cache *cache);
static inline uint32_t cache_count(const struct cache *cache)
{
	return __atomic_load_n(&cache->count, __ATOMIC_RELAXED);
}

struct cache_insertion {
	struct cache_entry entry;
	struct cache_tag tag;
	bool keep_older; /* an older line with the same key stays beside this one */
	enum cache_eviction eviction;
	uint64_t lot; /* for CACHE_EVICT_ANY */
};
void cache_insert(struct cache *cache, const struct caches_locked *lock,
		  const struct cache_insertion *insertion);
/* Removes exactly what the scope names; returns how many lines that were. */
unsigned cache_remove(struct cache *cache, const struct caches_locked *lock,
		      const struct cache_scope *scope);
void cache_remove_all(struct cache *cache, const struct caches_locked *lock);
/* Removes the line that a lot draws, if there is one. */
void cache_remove_any(struct cache *cache, const struct caches_locked *lock, uint64_t lot);

/* Look-up: line by line through the set of a key */

static inline size_t cache_set_first(const struct cache *cache, const struct cache_key *key)
{
	uint64_t hash = key->word[0] * UINT64_C(0x9e3779b97f4a7c15) +
			(key->word[1] >> 12) * UINT64_C(0xc2b2ae3d27d4eb4f);

	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return (size_t)(hash >> (64 - cache->set_lg2)) * CACHE_WAYS;
}

/* false: the line has another key, or is being written. */
static inline bool cache_line_read(const struct cache_line *line, const struct cache_key *key,
				   struct cache_entry *out)
{
	uint64_t sequence = __atomic_load_n(&line->sequence, __ATOMIC_ACQUIRE);

	/* Acquire loads keep the second look at the sequence number behind them, and pair with the
	 * release stores of cache.c: whoever sees a word of a writer sees its odd number too. */
	if (__atomic_load_n(&line->entry.key.word[1], __ATOMIC_ACQUIRE) != key->word[1] ||
	    __atomic_load_n(&line->entry.key.word[0], __ATOMIC_ACQUIRE) != key->word[0])
		return false;
	out->key = *key;
	for (unsigned i = 0; i < CACHE_VALUE_WORDS; i++)
		out->value[i] = __atomic_load_n(&line->entry.value[i], __ATOMIC_ACQUIRE);
	out->born = __atomic_load_n(&line->entry.born, __ATOMIC_ACQUIRE);
	return !(sequence & 1) && __atomic_load_n(&line->sequence, __ATOMIC_RELAXED) == sequence;
}

/* The same for a cache whose lines say everything in their first word. */
static inline bool cache_line_read_word(const struct cache_line *line, const struct cache_key *key,
					uint64_t *value)
{
	uint64_t sequence = __atomic_load_n(&line->sequence, __ATOMIC_ACQUIRE);

	if (__atomic_load_n(&line->entry.key.word[1], __ATOMIC_ACQUIRE) != key->word[1] ||
	    __atomic_load_n(&line->entry.key.word[0], __ATOMIC_ACQUIRE) != key->word[0])
		return false;
	*value = __atomic_load_n(&line->entry.value[0], __ATOMIC_ACQUIRE);
	return !(sequence & 1) && __atomic_load_n(&line->sequence, __ATOMIC_RELAXED) == sequence;
}

/* Written only where it changes something: a line that many devices use stays shared. */
static inline void cache_line_touch(const struct cache *cache, size_t index)
{
	if (!__atomic_load_n(&cache->in_use[index], __ATOMIC_RELAXED))
		__atomic_store_n(&cache->in_use[index], 1, __ATOMIC_RELAXED);
}

#endif
