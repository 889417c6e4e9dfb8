/* SPDX-License-Identifier: MIT */
/*
 * A cache of the unit: lines that are found by a key, in groups that are removed at once.
 *
 *   key      what a look-up asks for, compared whole: an owner, a number (where a cache has several
 *            page sizes, their logarithm) and an address. Owners are never 0
 *   value    what the line says
 *   group    the lines of one owner with the same tags (struct cache_tag: domain, PASID, kind).
 *            Invalidations name tags, so they name groups
 *   generation  of a group: a line is worth something only under the generation that it was written
 *            under, so that a whole group goes with one addition, however many lines it has
 *   born     serial number of the insertion: the smaller, the staler. Kept where somebody asks
 *
 * A range of addresses goes page by page, or line by line where that is less work.
 *
 * Look-ups take no lock: a line carries a sequence number, odd while it is written. A reader that
 * meets a line in the making does not wait for it, it sees a miss. Everything else needs the lock
 * of the cache's owner, which is passed to show that it is held.
 */
#ifndef HW_CACHE_H
#define HW_CACHE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "hw/cache_group.h"
#include "vsva/types.h"

#define CACHE_WAYS        4u
#define CACHE_VALUE_WORDS 4u /* or one */

/* Word 0 of a key has 38 bits of owner and 6 of number; in a line the number of its group is below
 * them. */
#define CACHE_NUMBER_SHIFT 38
#define CACHE_OWNER_MASK   ((UINT64_C(1) << CACHE_NUMBER_SHIFT) - 1)
#define CACHE_GROUP_BITS   20
#define CACHE_GROUPS_MAX   (1u << CACHE_GROUP_BITS)

struct cache_key {
	uint64_t word[2];
};

/* Can a request have this PASID, or say that it has none? */
static inline bool cache_can_own(uint32_t pasid)
{
	static_assert((uint32_t)(VSVA_PASID_INVALID + 1) == 0, "one comparison for both");

	return pasid + 1 <= VSVA_PASID_MAX + 1;
}

/* Requests of a function with a PASID, or (VSVA_PASID_INVALID, of which 21 bits are no PASID) without.
 */
static inline uint64_t cache_owner_of_requests(rid_t rid, uint32_t pasid)
{
	return UINT64_C(1) << 37 | (uint64_t)rid.v << 21 | (pasid & UINT32_C(0x1fffff));
}
static inline rid_t cache_owner_rid(uint64_t owner)
{
	return (rid_t){(uint16_t)(owner >> 21)};
}
/* An address space, whoever uses it. */
static inline uint64_t cache_owner_of_space(uint16_t did, uint32_t pasid)
{
	return UINT64_C(1) << 37 | (uint64_t)did << 20 | (pasid & VSVA_PASID_MAX);
}

/* number: 6 bits */
static inline struct cache_key cache_key(uint64_t owner, unsigned number, uint64_t address)
{
	return (struct cache_key){{owner | (uint64_t)number << CACHE_NUMBER_SHIFT, address}};
}

/* Words of a line. Lines of one value word are half a cache line of the CPU long, others a whole
 * one. */
enum { LINE_STATE, LINE_KEY, LINE_ADDRESS, LINE_VALUE };
#define CACHE_LINE_WORDS(value_words) ((value_words) == 1 ? 4u : 8u)

/* Where pages are short and lines too, two pages that lie side by side have lines side by side, in one
 * cache line of the CPU: a way is every other line. */
#define CACHE_STEP(value_words) ((value_words) == 1 ? 2u : 1u)
/* So the ways of a set are as far from each other in every cache, in words. */
#define CACHE_WAY_WORDS 8u
static_assert(CACHE_STEP(1) * CACHE_LINE_WORDS(1) == CACHE_WAY_WORDS &&
		      CACHE_STEP(4) * CACHE_LINE_WORDS(4) == CACHE_WAY_WORDS,
	      "a cache line of the CPU");

/* LINE_STATE: generation (0 while the line is written: no group has that), sequence, and whether the
 * line was found since the search for a victim last passed. */
#define LINE_IN_USE           UINT64_C(1)
#define LINE_BUSY             UINT64_C(2)
#define LINE_SEQUENCE         (((UINT64_C(1) << 39) - 1) << 1)
#define LINE_GENERATION_SHIFT 40

static inline uint64_t cache_key_owner(const struct cache_key *key)
{
	return key->word[0] & CACHE_OWNER_MASK;
}

/* What to remove: lines whose tag has these members, and that touch [first, last]. */
struct cache_scope {
	bool by_did, by_rid, by_pasid;
	struct cache_tag tag;
	rid_t rid;
	uint16_t rid_ignore; /* bits of the RID that do not matter (function mask) */
	uint8_t kinds;       /* bit set of kinds; 0: all */
	bool by_range;
	uint64_t first, last;
};

enum cache_eviction { CACHE_EVICT_UNUSED, CACHE_EVICT_ANY };

struct cache {
	uint64_t *lines;
	uint32_t *generations; /* by group; atomic */
	uint32_t sets;
	uint32_t sets_shift; /* lines of several value words: 2^(64 - sets_shift) sets */
	uint32_t value_words;
	uint64_t numbers; /* bit n: there may be lines with number n; atomic */

	struct cache_groups groups; /* lock of the owner */
	uint64_t *births;           /* by line, or NULL; atomic */
	uint32_t count;             /* lines that are worth something; lock, read atomically */
	uint64_t born;              /* lock */
	uint32_t group;             /* of the last insertion; lock */
	unsigned hand;              /* where the search for a victim begins; lock */
	uint64_t hits;              /* roughly: threads that count at once may lose one */
};

struct cache_shape {
	/* A multiple of CACHE_WAYS * CACHE_STEP; of several value words by a power of two, not 1. */
	size_t lines;
	unsigned value_words; /* 1 or CACHE_VALUE_WORDS */
	uint32_t groups;      /* when there are more, one loses its lines */
	bool keeps_age;
};

struct lock;

/* 0 or -ENOMEM. */
int cache_init(struct cache *cache, const struct cache_shape *shape);
void cache_fini(struct cache *cache);
size_t cache_bytes(const struct cache *cache);
static inline uint32_t cache_count(const struct cache *cache)
{
	return __atomic_load_n(&cache->count, __ATOMIC_RELAXED);
}
static inline size_t cache_lines(const struct cache *cache)
{
	return (size_t)cache->sets * CACHE_WAYS * CACHE_STEP(cache->value_words);
}

struct cache_insertion {
	struct cache_key key;
	uint64_t value[CACHE_VALUE_WORDS];
	struct cache_tag tag;
	enum cache_eviction eviction;
	bool keep_older; /* CACHE_EVICT_ANY: an older line with the same key stays beside this one */
	uint64_t lot;    /* CACHE_EVICT_ANY */
};
void cache_insert(struct cache *cache, const struct lock *lock,
		  const struct cache_insertion *insertion);
/* The same for a cache of one value word, of whoever has looked for the key just now and not found it.
 * first: cache_first_way() of the key. Evicts what is unused. */
void cache_insert_word(struct cache *cache, const struct lock *lock, size_t first,
		       const struct cache_key *key, uint64_t value, const struct cache_tag *tag);
/* Removes exactly what the scope names; returns how many lines that were. */
unsigned cache_remove(struct cache *cache, const struct lock *lock,
		      const struct cache_scope *scope);
void cache_remove_all(struct cache *cache, const struct lock *lock);
/* Removes the line that a lot draws, if there is one. */
void cache_remove_any(struct cache *cache, const struct lock *lock, uint64_t lot);

/* What a line holds. */
struct cache_entry {
	struct cache_key key;
	uint64_t value[CACHE_VALUE_WORDS];
	uint64_t born; /* 0 where it is not kept */
};
/* index: below cache_lines(). As cache_line_read(), for whoever does not know the key. false: the line is
 * empty, worth nothing, or being written. */
bool cache_peek(const struct cache *cache, size_t index, struct cache_entry *out);

/* Look-up: line by line through the set of a key */

/* The line that is the first way of the key's set; the others follow at distances of the step. A
 * multiplication spreads what is near, and its upper bits are the best. */
static inline size_t cache_first_way(const struct cache *cache, const struct cache_key *key,
				     unsigned value_words)
{
	unsigned step = CACHE_STEP(value_words);
	unsigned shift = step == 1 ? 12 : (unsigned)(key->word[0] >> CACHE_NUMBER_SHIFT);
	uint64_t page = key->word[1] >> shift;
	uint64_t hash = (page / step ^ key->word[0] << 25) * UINT64_C(0x9e3779b97f4a7c15);

	if (step == 1)
		return (hash >> cache->sets_shift) * CACHE_WAYS;
	return (size_t)((unsigned __int128)hash * cache->sets >> 64) * CACHE_WAYS * step +
	       page % step;
}

/*
 * Hints, under the lock of the cache's owner: lines of a domain and PASID will be removed soon. Whoever has
 * several gives all their groups, and then the pages: so all is fetched from memory at once. In line: GCC
 * leaves out a call of a function that gives nothing but hints.
 */

/* Returns the group that it is, most likely; or CACHE_NO_GROUP. */
static inline __attribute__((always_inline)) uint32_t
cache_bring_group_near(const struct cache *cache, const struct cache_tag *tag)
{
	uint32_t group = *cache_groups_of_pasid(&cache->groups, tag);

	if (group != CACHE_NO_GROUP) {
		__builtin_prefetch(&cache->groups.groups[group]);
		__builtin_prefetch(&cache->generations[group]);
	}
	return group;
}

/* For a cache of one value word: a page of 4 KiB. Most lines are in the first two ways of their set; the
 * others would take the room of what is of more use. */
static inline __attribute__((always_inline)) void
cache_bring_page_near(const struct cache *cache, uint32_t group, uint64_t address)
{
	struct cache_key key = cache_key(cache->groups.groups[group].owner, 12, address);
	const uint64_t *first =
		cache->lines + cache_first_way(cache, &key, 1) * CACHE_LINE_WORDS(1);

	__builtin_prefetch(first);
	__builtin_prefetch(first + CACHE_WAY_WORDS);
}

/* A hint, for a cache of one value word: pages of 4 KiB of this owner in [address, address + len) will be
 * looked for. Two that lie side by side are fetched at once. */
static inline void cache_bring_pages_near(const struct cache *cache, uint64_t owner,
					  uint64_t address, uint64_t len)
{
	const uint64_t step = UINT64_C(0x1000) * CACHE_STEP(1);
	uint64_t before = address % step;

	for (uint64_t at = 0; at < before + len; at += step) {
		struct cache_key key = cache_key(owner, 12, address - before + at);

		__builtin_prefetch(cache->lines +
				   cache_first_way(cache, &key, 1) * CACHE_LINE_WORDS(1));
	}
}

/*
 * false: the line has another key, is being written, or is worth nothing any more. value_words: a
 * constant. Acquire loads keep the second look at the state behind them, and pair with the release
 * stores of cache.c: whoever sees a word of a writer sees its odd number too.
 */
static inline bool cache_line_read(const struct cache *cache, size_t index,
				   const struct cache_key *key, unsigned value_words,
				   uint64_t *value, uint64_t *state)
{
	const uint64_t *line = cache->lines + index * CACHE_LINE_WORDS(value_words);
	uint64_t word;

	*state = __atomic_load_n(&line[LINE_STATE], __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&line[LINE_ADDRESS], __ATOMIC_ACQUIRE) != key->word[1])
		return false;
	word = __atomic_load_n(&line[LINE_KEY], __ATOMIC_ACQUIRE);
	if (word >> CACHE_GROUP_BITS != key->word[0])
		return false;
#pragma GCC unroll 4
	for (unsigned i = 0; i < value_words; i++)
		value[i] = __atomic_load_n(&line[LINE_VALUE + i], __ATOMIC_ACQUIRE);
	word &= CACHE_GROUPS_MAX - 1;
	return __atomic_load_n(&cache->generations[word], __ATOMIC_ACQUIRE) ==
		       *state >> LINE_GENERATION_SHIFT &&
	       __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED) == *state;
}

/* Cheaper than cache_line_read(), which answers no where this does. */
static inline bool cache_line_has_address(const struct cache *cache, size_t index,
					  const struct cache_key *key, unsigned value_words)
{
	const uint64_t *line = cache->lines + index * CACHE_LINE_WORDS(value_words);

	return __atomic_load_n(&line[LINE_ADDRESS], __ATOMIC_RELAXED) == key->word[1];
}

/* What is known of a group after a line of it was read. Zeroed: nothing. */
struct cache_known_group {
	uint64_t word; /* LINE_KEY of that line */
	uint32_t generation;
};

/* cache_line_read() of one line after the other, of one value word: the generation is looked up once for lines
 * of one group. Whoever moves it on meanwhile waits for the reader, as if it had been later with all of them. */
static inline bool cache_line_read_next(const struct cache *cache, size_t index,
					const struct cache_key *key,
					struct cache_known_group *known, uint64_t *value,
					uint64_t *state)
{
	const uint64_t *line = cache->lines + index * CACHE_LINE_WORDS(1);
	uint64_t word;

	*state = __atomic_load_n(&line[LINE_STATE], __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&line[LINE_ADDRESS], __ATOMIC_ACQUIRE) != key->word[1])
		return false;
	word = __atomic_load_n(&line[LINE_KEY], __ATOMIC_ACQUIRE);
	if (__builtin_expect(word != known->word, 0)) {
		if (word >> CACHE_GROUP_BITS != key->word[0])
			return false;
		known->word = word;
		known->generation = __atomic_load_n(
			&cache->generations[word & (CACHE_GROUPS_MAX - 1)], __ATOMIC_ACQUIRE);
	}
	*value = __atomic_load_n(&line[LINE_VALUE], __ATOMIC_ACQUIRE);
	return known->generation == *state >> LINE_GENERATION_SHIFT &&
	       __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED) == *state;
}

/* Ages differ where they are kept; else all are alike, and 0. */
static inline uint64_t cache_born(const struct cache *cache, size_t index)
{
	return cache->births ? __atomic_load_n(&cache->births[index], __ATOMIC_ACQUIRE) : 0;
}

/* A count that two threads add to at once may lose one. */
static inline void cache_count_hit(struct cache *cache)
{
	__atomic_store_n(&cache->hits, __atomic_load_n(&cache->hits, __ATOMIC_RELAXED) + 1,
			 __ATOMIC_RELAXED);
}

/* Written only where it changes something: a line that many devices use stays shared. */
static inline void cache_line_touch(const struct cache *cache, size_t index, unsigned value_words,
				    uint64_t state)
{
	if (__builtin_expect(!(state & LINE_IN_USE), 0))
		__atomic_fetch_or(&cache->lines[index * CACHE_LINE_WORDS(value_words) + LINE_STATE],
				  LINE_IN_USE, __ATOMIC_RELAXED);
}

/* The first line of the key's set that has the key. For caches of several value words. */
static inline bool cache_find(const struct cache *cache, const struct cache_key *key,
			      uint64_t value[CACHE_VALUE_WORDS])
{
	size_t line = cache_first_way(cache, key, CACHE_VALUE_WORDS), end = line + CACHE_WAYS;
	uint64_t state;

	while (!cache_line_read(cache, line, key, CACHE_VALUE_WORDS, value, &state))
		if (++line == end)
			return false;
	cache_line_touch(cache, line, CACHE_VALUE_WORDS, state);
	return true;
}

#endif
