/* SPDX-License-Identifier: MIT */
/*
 * Lines of a cache (hw/cache.h), for the files that write them, under the lock of its owner:
 *
 *   cache.c         life of a cache, removal
 *   cache_insert.c  insertion: which line gives way
 *
 * A line is live if it is worth something.
 */
#ifndef HW_CACHE_LINE_H
#define HW_CACHE_LINE_H

#include "hw/cache.h"

static inline uint64_t *line_at(const struct cache *cache, size_t index)
{
	return cache->lines + index * CACHE_LINE_WORDS(cache->value_words);
}

/* The line that is the first way of the key's set. value_words: the cache's; a constant makes it short. */
static inline uint64_t *first_way(const struct cache *cache, const struct cache_key *key,
				  unsigned value_words)
{
	return cache->lines +
	       cache_first_way(cache, key, value_words) * CACHE_LINE_WORDS(value_words);
}

static inline uint64_t *way_at(uint64_t *first, unsigned way)
{
	return first + way * CACHE_WAY_WORDS;
}

static inline uint32_t line_group(const uint64_t *line)
{
	return (uint32_t)line[LINE_KEY] & (CACHE_GROUPS_MAX - 1);
}

/* The one word of a line that others write, too: they note in it that they have found it. */
static inline uint64_t line_generation(const uint64_t *line)
{
	return __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED) >> LINE_GENERATION_SHIFT;
}

/* An empty one is under generation 0, which no group has. */
static inline bool line_is_live(const struct cache *cache, const uint64_t *line)
{
	return line_generation(line) == cache->generations[line_group(line)];
}

static inline bool line_has_key(const uint64_t *line, const struct cache_key *key)
{
	return line[LINE_ADDRESS] == key->word[1] &&
	       line[LINE_KEY] >> CACHE_GROUP_BITS == key->word[0];
}

static inline void count_add(struct cache *cache, uint32_t group, int difference)
{
	__atomic_store_n(&cache->count, cache->count + (uint32_t)difference, __ATOMIC_RELAXED);
	cache->groups.groups[group].lines += (uint32_t)difference;
}

/* state: generation and whether it is in use. An even sequence number again only after the last word: see
 * cache_line_read(). */
static inline void line_write(uint64_t *line, const struct cache_key *key, const uint64_t *value,
			      unsigned value_words, uint64_t state)
{
	uint64_t sequence = __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED) & LINE_SEQUENCE;

	__atomic_store_n(&line[LINE_STATE], sequence | LINE_BUSY, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < value_words; i++)
		__atomic_store_n(&line[LINE_VALUE + i], value[i], __ATOMIC_RELEASE);
	__atomic_store_n(&line[LINE_ADDRESS], key->word[1], __ATOMIC_RELEASE);
	__atomic_store_n(&line[LINE_KEY], key->word[0], __ATOMIC_RELEASE);
	sequence = (sequence + 2 * LINE_BUSY) & LINE_SEQUENCE;
	__atomic_store_n(&line[LINE_STATE], state | sequence, __ATOMIC_RELEASE);
}

/* Of no generation, and so worth nothing. What it says stays: nobody believes it. */
static inline void line_erase(uint64_t *line)
{
	uint64_t state = __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED);

	__atomic_store_n(&line[LINE_STATE], state & LINE_SEQUENCE, __ATOMIC_RELEASE);
}

/* All lines of a group at once, which goes with them. Returns how many there were. */
unsigned cache_remove_group(struct cache *cache, uint32_t group);

#endif
