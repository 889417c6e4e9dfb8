// SPDX-License-Identifier: MIT
#include "hw/cache.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/lock.h"
#include "hw/cache_line.h"

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

unsigned cache_remove_group(struct cache *cache, uint32_t group)
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
		return cache_remove_group(cache, group);
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
