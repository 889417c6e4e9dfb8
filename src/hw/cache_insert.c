// SPDX-License-Identifier: MIT
/*
 * Insertion into a cache. Where nobody draws lots, what is new goes in front of its set, and a second chance
 * is given to what was found; otherwise it stays where a lot puts it.
 */
#include "base/check.h"
#include "base/lock.h"
#include "hw/cache_line.h"

/* Groups */

static uint32_t find_or_add_group(struct cache *cache, uint64_t owner, const struct cache_tag *tag)
{
	uint32_t group = cache_group_find(&cache->groups, owner, tag);

	if (group == CACHE_NO_GROUP)
		group = cache_group_add(&cache->groups, owner, tag);
	if (group == CACHE_NO_GROUP) {
		cache_remove_group(cache, cache_group_victim(&cache->groups));
		group = cache_group_add(&cache->groups, owner, tag);
	}
	return group;
}

static inline uint32_t group_of(struct cache *cache, const struct cache_key *key,
				const struct cache_tag *tag)
{
	uint64_t owner = cache_key_owner(key);

	if (__builtin_expect(cache_group_is(&cache->groups, cache->group, owner, tag), 1))
		return cache->group;
	return cache->group = find_or_add_group(cache, owner, tag);
}

/* In front */

/* Whoever finds the line at this moment may lose his mark, no more: all else in the word is ours. */
static inline bool take_if_unused(uint64_t *line)
{
	uint64_t state = __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED);

	if (!(state & LINE_IN_USE))
		return true;
	__atomic_store_n(&line[LINE_STATE], state & ~LINE_IN_USE, __ATOMIC_RELAXED);
	return false;
}

/* Second chance: the next way that nobody has found since we last passed. Not the first, where the newest
 * line is: it has had no time yet. */
static inline uint64_t *victim_unused(struct cache *cache, uint64_t *first)
{
	uint64_t *line = first;

	for (unsigned i = 1; i < CACHE_WAYS; i++) {
		cache->hand = cache->hand + 1 < CACHE_WAYS ? cache->hand + 1 : 1;
		line = way_at(first, cache->hand);
		if (take_if_unused(line))
			break;
	}
	return line;
}

/* Which line gives way, if one does without being asked for it. */
struct choice {
	uint64_t *line; /* NULL: all are worth something, and none has the key */
	bool live;
};

/* One that has the key (where any_age, that does not matter), or else one that is worth nothing. */
static inline __attribute__((always_inline)) struct choice
line_to_replace(const struct cache *cache, uint64_t *first, const struct cache_key *key,
		bool any_age)
{
	struct choice choice = {.line = NULL};

#pragma GCC unroll 4
	for (unsigned way = CACHE_WAYS; way-- > 0;) {
		uint64_t *line = way_at(first, way);

		if (!line_is_live(cache, line))
			choice.line = line;
		else if (!any_age && line_has_key(line, key))
			return (struct choice){.line = line, .live = true};
	}
	return choice;
}

static void note_number(struct cache *cache, const struct cache_key *key)
{
	uint64_t number = UINT64_C(1) << (key->word[0] >> CACHE_NUMBER_SHIFT);
	/* One counts as there until the cache is empty: that is rarely wrong and never harmful. */
	uint64_t numbers = cache->count ? cache->numbers : 0;

	if (!(numbers & number))
		__atomic_store_n(&cache->numbers, numbers | number, __ATOMIC_RELAXED);
}

/* A line of the group takes the place of what is there. A group that loses its last line goes. */
static inline void count_replacement(struct cache *cache, const struct choice *choice,
				     uint32_t group)
{
	uint32_t old = line_group(choice->line);

	if (!choice->live) {
		count_add(cache, group, 1);
	} else if (old != group) {
		count_add(cache, group, 1);
		count_add(cache, old, -1);
		if (!cache->groups.groups[old].lines)
			cache_group_drop(&cache->groups, old);
	}
}

static inline struct cache_key key_in_group(const struct cache_key *key, uint32_t group)
{
	return (struct cache_key){{key->word[0] << CACHE_GROUP_BITS | group, key->word[1]}};
}

static inline void line_move(uint64_t *to, const uint64_t *from, unsigned value_words)
{
	struct cache_key key = {{from[LINE_KEY], from[LINE_ADDRESS]}};
	uint64_t state = __atomic_load_n(&from[LINE_STATE], __ATOMIC_RELAXED);

	line_write(to, &key, &from[LINE_VALUE], value_words, state & ~LINE_SEQUENCE);
}

static inline uint64_t state_in_group(const struct cache *cache, uint32_t group)
{
	return (uint64_t)cache->generations[group] << LINE_GENERATION_SHIFT;
}

/* Look-ups begin with the first way, and what is new will be looked for: the line that was there takes the
 * place of the one that gives way. */
static inline __attribute__((always_inline)) void
insert_first(struct cache *cache, uint64_t *first, const struct cache_key *key,
	     const uint64_t *value, unsigned value_words, const struct cache_tag *tag)
{
	uint32_t group = group_of(cache, key, tag); /* which may make others worthless */
	struct choice choice = line_to_replace(cache, first, key, false);
	struct cache_key grouped = key_in_group(key, group);

	if (!choice.line)
		choice = (struct choice){.line = victim_unused(cache, first), .live = true};
	note_number(cache, key);
	count_replacement(cache, &choice, group);
	if (choice.line != first)
		line_move(choice.line, first, value_words);
	line_write(first, &grouped, value, value_words, state_in_group(cache, group));
}

void cache_insert_word(struct cache *cache, const struct lock *lock, size_t first,
		       const struct cache_key *key, uint64_t value, const struct cache_tag *tag)
{
	DEBUG_CHECK(lock_is_held(lock) && first == cache_first_way(cache, key, 1));
	insert_first(cache, cache->lines + first * CACHE_LINE_WORDS(1), key, &value, 1, tag);
}

/* Policies that draw: where a line is does not matter, as look-ups ask the whole set. */

static bool has_value(const struct cache *cache, const uint64_t *line, const uint64_t *value)
{
	for (unsigned i = 0; i < cache->value_words; i++)
		if (line[LINE_VALUE + i] != value[i])
			return false;
	return true;
}

static bool has_same(const struct cache *cache, uint64_t *first,
		     const struct cache_insertion *insertion)
{
	for (unsigned way = 0; way < CACHE_WAYS; way++) {
		const uint64_t *line = way_at(first, way);

		if (line_is_live(cache, line) && line_has_key(line, &insertion->key) &&
		    has_value(cache, line, insertion->value))
			return true;
	}
	return false;
}

static void note_birth(struct cache *cache, const uint64_t *line)
{
	size_t index = (size_t)(line - cache->lines) / CACHE_LINE_WORDS(cache->value_words);

	if (cache->births)
		__atomic_store_n(&cache->births[index], ++cache->born, __ATOMIC_RELEASE);
}

static void insert_by_lot(struct cache *cache, const struct cache_insertion *insertion)
{
	uint64_t *first = first_way(cache, &insertion->key, cache->value_words);
	bool keep_older = insertion->keep_older;
	struct choice choice;
	struct cache_key key;
	uint32_t group;

	if (keep_older && has_same(cache, first, insertion))
		return; /* it is there already, and older */
	group = group_of(cache, &insertion->key, &insertion->tag); /* as in insert_first() */
	choice = line_to_replace(cache, first, &insertion->key, keep_older);
	if (!choice.line)
		choice = (struct choice){.line = way_at(first, insertion->lot % CACHE_WAYS),
					 .live = true};
	key = key_in_group(&insertion->key, group);
	note_number(cache, &insertion->key);
	count_replacement(cache, &choice, group);
	note_birth(cache, choice.line);
	line_write(choice.line, &key, insertion->value, cache->value_words,
		   state_in_group(cache, group));
}

void cache_insert(struct cache *cache, const struct lock *lock,
		  const struct cache_insertion *insertion)
{
	const struct cache_key *key = &insertion->key;

	DEBUG_CHECK(lock_is_held(lock));
	if (insertion->eviction == CACHE_EVICT_ANY)
		insert_by_lot(cache, insertion);
	else if (cache->value_words == 1)
		insert_first(cache, first_way(cache, key, 1), key, insertion->value, 1,
			     &insertion->tag);
	else
		insert_first(cache, first_way(cache, key, CACHE_VALUE_WORDS), key, insertion->value,
			     CACHE_VALUE_WORDS, &insertion->tag);
}
