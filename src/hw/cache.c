// SPDX-License-Identifier: MIT
#include "hw/cache.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/lock.h"

#define GENERATION_MAX ((UINT32_C(1) << (64 - LINE_GENERATION_SHIFT)) - 1)

static bool is_power_of_two_beyond_one(size_t n)
{
	return n > 1 && (n & (n - 1)) == 0;
}

int cache_init(struct cache *cache, const struct cache_shape *shape)
{
	size_t words = shape->lines * CACHE_LINE_WORDS(shape->value_words);
	size_t set = CACHE_WAYS * CACHE_STEP(shape->value_words);
	int err;

	CHECK(shape->value_words == 1 || shape->value_words == CACHE_VALUE_WORDS);
	CHECK(shape->lines && shape->lines % set == 0 && shape->groups <= CACHE_GROUPS_MAX);
	CHECK(shape->value_words == 1 || is_power_of_two_beyond_one(shape->lines / set));
	*cache = (struct cache){.sets = (uint32_t)(shape->lines / set),
				.value_words = shape->value_words};
	cache->sets_shift = 64 - (uint32_t)__builtin_ctz(cache->sets);
	err = cache_groups_init(&cache->groups, shape->groups);
	if (err)
		return err;
	cache->lines = base_zalloc_aligned(64, words * sizeof(*cache->lines));
	cache->generations = base_calloc(shape->groups, sizeof(*cache->generations));
	if (shape->keeps_age)
		cache->births = base_calloc(shape->lines, sizeof(*cache->births));
	if (!cache->lines || !cache->generations || (shape->keeps_age && !cache->births)) {
		cache_fini(cache);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < shape->groups; i++)
		cache->generations[i] = 1;
	return 0;
}

void cache_fini(struct cache *cache)
{
	cache_groups_fini(&cache->groups);
	base_free(cache->lines);
	base_free(cache->generations);
	base_free(cache->births);
	*cache = (struct cache){0};
}

size_t cache_bytes(const struct cache *cache)
{
	size_t line = CACHE_LINE_WORDS(cache->value_words) * sizeof(*cache->lines);

	if (cache->births)
		line += sizeof(*cache->births);
	return cache_lines(cache) * line + cache->groups.size * sizeof(*cache->generations) +
	       cache_groups_bytes(&cache->groups);
}

static uint64_t *line_at(const struct cache *cache, size_t index)
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

static uint32_t line_group(const uint64_t *line)
{
	return (uint32_t)line[LINE_KEY] & (CACHE_GROUPS_MAX - 1);
}

/* The one word of a line that others write, too: they note in it that they have found it. */
static uint64_t line_generation(const uint64_t *line)
{
	return __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED) >> LINE_GENERATION_SHIFT;
}

/* An empty one is under generation 0, which no group has. */
static inline bool line_is_live(const struct cache *cache, const uint64_t *line)
{
	return line_generation(line) == cache->generations[line_group(line)];
}

static bool line_has_key(const uint64_t *line, const struct cache_key *key)
{
	return line[LINE_ADDRESS] == key->word[1] &&
	       line[LINE_KEY] >> CACHE_GROUP_BITS == key->word[0];
}

static void count_add(struct cache *cache, uint32_t group, int difference)
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

static inline void line_move(uint64_t *to, const uint64_t *from, unsigned value_words)
{
	struct cache_key key = {{from[LINE_KEY], from[LINE_ADDRESS]}};
	uint64_t state = __atomic_load_n(&from[LINE_STATE], __ATOMIC_RELAXED);

	line_write(to, &key, &from[LINE_VALUE], value_words, state & ~LINE_SEQUENCE);
}

/* Of no generation, and so worth nothing. What it says stays: nobody believes it. */
static void line_erase(uint64_t *line)
{
	uint64_t state = __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED);

	__atomic_store_n(&line[LINE_STATE], state & LINE_SEQUENCE, __ATOMIC_RELEASE);
}

/* The line is live. */
static void line_remove(struct cache *cache, uint64_t *line)
{
	uint32_t group = line_group(line);

	line_erase(line);
	count_add(cache, group, -1);
	if (!cache->groups.groups[group].lines)
		cache_group_drop(&cache->groups, group);
}

/* Groups */

/* A generation that returns must find no line of its first time. */
static void erase_lines_of(struct cache *cache, uint32_t group)
{
	for (size_t i = 0; i < cache_lines(cache); i++)
		if (line_at(cache, i)[LINE_KEY] && line_group(line_at(cache, i)) == group)
			line_erase(line_at(cache, i));
}

static unsigned group_remove(struct cache *cache, uint32_t group)
{
	unsigned lines = cache->groups.groups[group].lines;
	uint32_t next = cache->generations[group] + 1;

	if (next > GENERATION_MAX) {
		erase_lines_of(cache, group);
		next = 1;
	}
	__atomic_store_n(&cache->generations[group], next, __ATOMIC_RELEASE);
	count_add(cache, group, -(int)lines);
	cache_group_drop(&cache->groups, group);
	return lines;
}

static uint32_t find_or_add_group(struct cache *cache, uint64_t owner, const struct cache_tag *tag)
{
	uint32_t group = cache_group_find(&cache->groups, owner, tag);

	if (group == CACHE_NO_GROUP)
		group = cache_group_add(&cache->groups, owner, tag);
	if (group == CACHE_NO_GROUP) {
		group_remove(cache, cache_group_victim(&cache->groups));
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

/* Insertion */

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

/* Removal */

static bool group_is_named(const struct cache_group *group, const struct cache_scope *scope)
{
	uint16_t rid = cache_owner_rid(group->owner).v;

	if (scope->by_did && group->tag.did != scope->tag.did)
		return false;
	if (scope->by_pasid && group->tag.pasid != scope->tag.pasid)
		return false;
	if (scope->by_rid && ((rid ^ scope->rid.v) & ~scope->rid_ignore))
		return false;
	return !scope->kinds || (scope->kinds >> group->tag.kind & 1);
}

static uint64_t page_first(uint64_t address, unsigned size_lg2)
{
	return address >> size_lg2 << size_lg2;
}

/* How many look-ups a range is, nearly: larger pages add little to the smallest. */
static uint64_t pages_of(const struct cache *cache, const struct cache_scope *scope)
{
	unsigned smallest = (unsigned)__builtin_ctzll(cache->numbers);

	return (scope->last >> smallest) - (scope->first >> smallest) + 1;
}

/* Two lines have the same key only where ages count: see cache_insertion.keep_older. */
static inline unsigned remove_page(struct cache *cache, uint32_t group, const struct cache_key *key,
				   unsigned value_words)
{
	uint64_t *first = first_way(cache, key, value_words);
	uint64_t word = key->word[0] << CACHE_GROUP_BITS | group;
	unsigned removed = 0;

	for (unsigned way = 0; way < CACHE_WAYS; way++) {
		uint64_t *line = way_at(first, way);

		if (line[LINE_KEY] != word || line[LINE_ADDRESS] != key->word[1] ||
		    !line_is_live(cache, line))
			continue;
		line_remove(cache, line);
		removed++;
		if (!cache->births)
			break;
	}
	return removed;
}

static inline __attribute__((always_inline)) unsigned
remove_page_by_page(struct cache *cache, uint32_t group, const struct cache_scope *scope,
		    unsigned value_words)
{
	const struct cache_group *from = &cache->groups.groups[group];
	uint64_t owner = from->owner;
	unsigned removed = 0;

	for (uint64_t sizes = cache->numbers; sizes && from->lines; sizes &= sizes - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(sizes);
		uint64_t last = page_first(scope->last, lg2);

		for (uint64_t at = page_first(scope->first, lg2);; at += UINT64_C(1) << lg2) {
			struct cache_key key = cache_key(owner, lg2, at);

			removed += remove_page(cache, group, &key, value_words);
			if (at == last)
				break;
		}
	}
	return removed;
}

static bool line_touches(const uint64_t *line, const struct cache_scope *scope)
{
	unsigned lg2 = (unsigned)(line[LINE_KEY] >> CACHE_GROUP_BITS >> CACHE_NUMBER_SHIFT);
	uint64_t first = line[LINE_ADDRESS];

	return first <= scope->last && first + ((UINT64_C(1) << lg2) - 1) >= scope->first;
}

static unsigned remove_line_by_line(struct cache *cache, uint32_t group,
				    const struct cache_scope *scope)
{
	unsigned removed = 0;

	for (size_t i = 0; i < cache_lines(cache); i++) {
		uint64_t *line = line_at(cache, i);

		if (line_group(line) != group || !line_is_live(cache, line) ||
		    !line_touches(line, scope))
			continue;
		line_remove(cache, line);
		removed++;
	}
	return removed;
}

static unsigned remove_from_group(struct cache *cache, uint32_t group,
				  const struct cache_scope *scope)
{
	if (!scope->by_range)
		return group_remove(cache, group);
	if (pages_of(cache, scope) < cache_lines(cache) / CACHE_WAYS)
		return cache->value_words == 1
			       ? remove_page_by_page(cache, group, scope, 1)
			       : remove_page_by_page(cache, group, scope, CACHE_VALUE_WORDS);
	return remove_line_by_line(cache, group, scope);
}

/* Every group of the list is asked; the next is taken before this one goes. */
static unsigned remove_from_list(struct cache *cache, uint32_t head, bool by_pasid,
				 const struct cache_scope *scope)
{
	unsigned removed = 0;

	for (uint32_t next, i = head; i != CACHE_NO_GROUP; i = next) {
		const struct cache_group *group = &cache->groups.groups[i];

		next = by_pasid ? group->next_by_pasid : group->by_did.next;
		if (group_is_named(group, scope))
			removed += remove_from_group(cache, i, scope);
	}
	return removed;
}

static unsigned remove_from_all(struct cache *cache, const struct cache_scope *scope)
{
	unsigned removed = 0;

	for (uint32_t i = 0; i < cache->groups.size && cache->count; i++)
		if (cache->groups.groups[i].lines &&
		    group_is_named(&cache->groups.groups[i], scope))
			removed += remove_from_group(cache, i, scope);
	return removed;
}

unsigned cache_remove(struct cache *cache, const struct lock *lock, const struct cache_scope *scope)
{
	DEBUG_CHECK(lock_is_held(lock));
	if (scope->by_did && scope->by_pasid)
		return remove_from_list(cache, *cache_groups_of_pasid(&cache->groups, &scope->tag),
					true, scope);
	if (scope->by_did)
		return remove_from_list(cache, *cache_groups_of_did(&cache->groups, &scope->tag),
					false, scope);
	return remove_from_all(cache, scope);
}

void cache_remove_all(struct cache *cache, const struct lock *lock)
{
	static const struct cache_scope all;

	cache_remove(cache, lock, &all);
}

void cache_remove_any(struct cache *cache, const struct lock *lock, uint64_t lot)
{
	uint64_t *line = line_at(cache, lot % cache_lines(cache));

	DEBUG_CHECK(lock_is_held(lock));
	if (line_is_live(cache, line))
		line_remove(cache, line);
}

bool cache_peek(const struct cache *cache, size_t index, struct cache_entry *out)
{
	const uint64_t *line = line_at(cache, index);
	uint64_t state = __atomic_load_n(&line[LINE_STATE], __ATOMIC_ACQUIRE);
	uint64_t word = __atomic_load_n(&line[LINE_KEY], __ATOMIC_ACQUIRE);
	uint64_t group = word & (CACHE_GROUPS_MAX - 1);

	*out = (struct cache_entry){
		.key = {{word >> CACHE_GROUP_BITS,
			 __atomic_load_n(&line[LINE_ADDRESS], __ATOMIC_ACQUIRE)}},
		.born = cache_born(cache, index),
	};
	for (unsigned i = 0; i < cache->value_words; i++)
		out->value[i] = __atomic_load_n(&line[LINE_VALUE + i], __ATOMIC_ACQUIRE);
	/* a number of a group that a writer is about to write is one that there is */
	return word && !(state & LINE_BUSY) &&
	       __atomic_load_n(&cache->generations[group], __ATOMIC_ACQUIRE) ==
		       state >> LINE_GENERATION_SHIFT &&
	       __atomic_load_n(&line[LINE_STATE], __ATOMIC_RELAXED) == state;
}
