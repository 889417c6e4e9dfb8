// SPDX-License-Identifier: MIT
/*
 * A cache by itself, against a list of what it holds: a removal takes exactly what its scope names,
 * whether a group goes at once, page by page or line by line.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "hw/caches.h"

#define LINES  1024u
#define OWNERS 24u
#define KINDS  3u

struct world {
	struct caches caches;
	struct cache *cache;
};

static uint64_t draw(struct world *w, uint64_t bound)
{
	return caches_draw(&w->caches, bound);
}

/* keeps_age: and several lines with one key, as the adversarial policy has them */
static void world_init(struct world *w, uint32_t groups, unsigned value_words, bool keeps_age)
{
	struct unit_config config = {.policy = UNIT_CACHE_LRU, .seed = 7};
	struct cache_shape shape = {.lines = LINES,
				    .value_words = value_words,
				    .groups = groups,
				    .keeps_age = keeps_age};

	assert_int_equal(caches_init(&w->caches, &config, 64), 0);
	w->cache = &w->caches.first;
	cache_fini(w->cache);
	assert_int_equal(cache_init(w->cache, &shape), 0);
}

static void world_fini(struct world *w)
{
	caches_fini(&w->caches);
}

static uint64_t owner(unsigned number)
{
	return cache_owner_of_requests(rid((uint16_t)(number % 3 * 8)), number / 3 + 1);
}

static struct cache_insertion any_insertion(struct world *w)
{
	static const unsigned sizes[] = {12, 12, 12, 21, 30};
	unsigned lg2 = sizes[draw(w, ARRAY_LEN(sizes))], number = (unsigned)draw(w, OWNERS);

	return (struct cache_insertion){
		.key = cache_key(owner(number), lg2, draw(w, 200) << lg2),
		.keep_older = w->cache->births,
		.value = {draw(w, UINT32_MAX) | 1},
		.tag = {.did = (uint16_t)(number % 4),
			.pasid = number / 3 + 1,
			.kind = (uint8_t)(1 + draw(w, KINDS))},
		.eviction = w->cache->births ? CACHE_EVICT_ANY : CACHE_EVICT_UNUSED,
	};
}

static void insert(struct world *w, const struct cache_insertion *insertion)
{
	struct caches_locked lock = caches_lock_to_remove(&w->caches);

	cache_insert(w->cache, &lock.caches->lock, insertion);
	caches_unlock(&lock);
}

struct listed {
	struct cache_entry entry;
	struct cache_tag tag;
};

static struct cache_tag tag_of(const struct cache *cache, size_t line)
{
	uint64_t word = cache->lines[line * CACHE_LINE_WORDS(cache->value_words) + LINE_KEY];

	return cache->groups.groups[word & (CACHE_GROUPS_MAX - 1)].tag;
}

static unsigned list(struct world *w, struct listed *out)
{
	unsigned count = 0;

	memset(out, 0, LINES * sizeof(*out));
	for (size_t i = 0; i < cache_lines(w->cache); i++) {
		if (!cache_peek(w->cache, i, &out[count].entry))
			continue;
		out[count++].tag = tag_of(w->cache, i);
	}
	assert_int_equal(count, cache_count(w->cache));
	return count;
}

static struct cache_scope any_scope(struct world *w)
{
	struct cache_scope scope = {
		.by_did = draw(w, 4) != 0,
		.by_pasid = draw(w, 2),
		.by_rid = draw(w, 8) == 0,
		.tag = {.did = (uint16_t)draw(w, 4), .pasid = (uint32_t)draw(w, OWNERS / 3) + 1},
		.rid = rid((uint16_t)(draw(w, 3) * 8)),
		.rid_ignore = draw(w, 2) ? 7 : 0,
		.kinds = (uint8_t)(draw(w, 2) ? draw(w, 1u << (KINDS + 1)) : 0),
		.by_range = draw(w, 2),
	};

	scope.first = draw(w, 256) << 12;
	scope.last = scope.first + (UINT64_C(4096) << draw(w, 24)) - 1;
	return scope;
}

/* What the header says that a scope is, written down once more. */
static bool is_named(const struct listed *listed, const struct cache_scope *scope)
{
	const struct cache_entry *e = &listed->entry;
	const struct cache_tag *tag = &listed->tag;
	uint64_t size = UINT64_C(1) << (e->key.word[0] >> 38);
	uint16_t source = (uint16_t)(e->key.word[0] >> 21);

	if (scope->by_did && tag->did != scope->tag.did)
		return false;
	if (scope->by_pasid && tag->pasid != scope->tag.pasid)
		return false;
	if (scope->by_rid && (source & ~scope->rid_ignore) != (scope->rid.v & ~scope->rid_ignore))
		return false;
	if (scope->kinds && !(scope->kinds & 1u << tag->kind))
		return false;
	return !scope->by_range ||
	       (e->key.word[1] <= scope->last && e->key.word[1] + size - 1 >= scope->first);
}

static void check_removal(struct world *w)
{
	static struct listed before[LINES], after[LINES];
	struct cache_scope scope = any_scope(w);
	unsigned count = list(w, before), left = 0, removed;
	struct caches_locked lock = caches_lock_to_remove(&w->caches);

	removed = cache_remove(w->cache, &lock.caches->lock, &scope);
	caches_unlock(&lock);
	assert_int_equal(list(w, after), count - removed);
	for (unsigned i = 0; i < count; i++)
		if (!is_named(&before[i], &scope))
			assert_memory_equal(&before[i], &after[left++], sizeof(before[i]));
	assert_int_equal(left, count - removed);
}

/* A look-up finds what the list has, and nothing else. */
static void check_lookups(struct world *w, unsigned value_words)
{
	static struct listed entries[LINES];
	unsigned count = list(w, entries), found = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct cache_key *key = &entries[i].entry.key;
		size_t first = cache_first_way(w->cache, key, value_words);
		uint64_t value[CACHE_VALUE_WORDS], state;

		for (unsigned way = 0; way < CACHE_WAYS; way++) {
			size_t line = first + way * CACHE_STEP(value_words);

			if (value_words == 1
				    ? !cache_line_read(w->cache, line, key, 1, value, &state)
				    : !cache_line_read(w->cache, line, key, 4, value, &state))
				continue;
			if (!w->cache->births)
				assert_int_equal(value[0], entries[i].entry.value[0]);
			found += value[0] == entries[i].entry.value[0];
		}
	}
	assert_int_equal(found, count);
}

static void run(uint32_t groups, unsigned value_words, bool keeps_age)
{
	struct world w;

	world_init(&w, groups, value_words, keeps_age);
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < 60; i++) {
			struct cache_insertion insertion = any_insertion(&w);

			insert(&w, &insertion);
		}
		check_lookups(&w, value_words);
		check_removal(&w);
		check_lookups(&w, value_words);
	}
	world_fini(&w);
}

static void test_cache_removes_exactly(void **state)
{
	(void)state;
	run(256, 1, false);
	run(256, 4, false);
}

/* Several lines have one key: all go, or what is stale is found again. */
static void test_cache_removes_what_is_older(void **state)
{
	struct cache_insertion page = {.key = cache_key(owner(0), 12, 0x5000),
				       .value = {1},
				       .tag = {.did = 1, .pasid = 1},
				       .keep_older = true,
				       .eviction = CACHE_EVICT_ANY};
	struct cache_scope scope = {.by_did = true,
				    .by_pasid = true,
				    .tag = page.tag,
				    .by_range = true,
				    .first = 0x5000,
				    .last = 0x5fff};
	struct caches_locked lock;
	struct world w;

	(void)state;
	world_init(&w, 16, 1, true);
	insert(&w, &page);
	page.value[0] = 2;
	insert(&w, &page);
	assert_int_equal(cache_count(w.cache), 2);
	lock = caches_lock_to_remove(&w.caches);
	assert_int_equal(cache_remove(w.cache, &lock.caches->lock, &scope), 2);
	caches_unlock(&lock);
	assert_int_equal(cache_count(w.cache), 0);
	world_fini(&w);
	run(256, 1, true);
}

static unsigned longest_list(struct cache_groups *groups, uint32_t step)
{
	static unsigned lengths[1024];
	unsigned longest = 0;

	memset(lengths, 0, sizeof(lengths));
	for (uint32_t i = 0; i < groups->size; i++) {
		struct cache_tag tag = {.did = 1, .pasid = (i * step) & VSVA_PASID_MAX};
		unsigned *length =
			&lengths[cache_groups_of_pasid(groups, &tag) - groups->pasid_heads];

		if (++*length > longest)
			longest = *length;
	}
	return longest;
}

/* As many PASIDs as there are lists, in a row or some apart: no list is long. */
static void test_cache_lists_of_pasids_are_short(void **state)
{
	struct cache_groups groups;

	(void)state;
	assert_int_equal(cache_groups_init(&groups, 1024), 0);
	assert_in_range(longest_list(&groups, 1), 1, 2);
	for (uint32_t step = 2; step <= 1024; step *= 2)
		assert_in_range(longest_list(&groups, step), 1, 4);
	cache_groups_fini(&groups);
}

/* There are more groups than there is room for: one loses its lines, whole. */
static void test_cache_has_room_for_so_many_groups(void **state)
{
	(void)state;
	run(16, 1, false);
}

/* After so many removals a group's generation begins anew, and what was written under it long ago is
 * not worth anything again. */
static void test_cache_generation_comes_round(void **state)
{
	struct cache_insertion old = {.key = cache_key(owner(0), 12, 0x5000),
				      .value = {0x77},
				      .tag = {.did = 1, .pasid = 1}};
	struct cache_scope scope = {.by_did = true, .by_pasid = true, .tag = old.tag};
	struct caches_locked lock;
	struct world w;

	(void)state;
	world_init(&w, 16, 1, false);
	insert(&w, &old);
	lock = caches_lock_to_remove(&w.caches);
	assert_int_equal(cache_remove(w.cache, &lock.caches->lock, &scope), 1);
	for (unsigned i = 0; i < 16; i++)
		w.cache->generations[i] = (1u << 24) - 1;
	caches_unlock(&lock);
	old.key.word[1] = 0x6000;
	insert(&w, &old);
	lock = caches_lock_to_remove(&w.caches);
	assert_int_equal(cache_remove(w.cache, &lock.caches->lock, &scope), 1);
	caches_unlock(&lock);
	assert_int_equal(cache_count(w.cache), 0);
	old.key.word[1] = 0x7000;
	insert(&w, &old);
	check_lookups(&w, 1);
	assert_int_equal(cache_count(w.cache), 1);
	world_fini(&w);
}

/* A set that is always full */

#define KEYS 12u

static struct cache_key key_in_set(unsigned i)
{
	return cache_key(owner(0), 12, (uint64_t)i << 13);
}

static void world_init_with_one_set(struct world *w)
{
	struct cache_shape shape = {
		.lines = CACHE_WAYS * CACHE_STEP(1), .value_words = 1, .groups = 16};

	world_init(w, 16, 1, false);
	cache_fini(w->cache);
	assert_int_equal(cache_init(w->cache, &shape), 0);
}

static void insert_key(struct world *w, unsigned i)
{
	insert(w, &(struct cache_insertion){
			  .key = key_in_set(i), .value = {i + 1}, .tag = {.did = 1, .pasid = 1}});
}

static bool find_key(const struct cache *cache, unsigned i, unsigned *way)
{
	struct cache_key key = key_in_set(i);
	uint64_t value, state;

	for (*way = 0; *way < CACHE_WAYS; ++*way) {
		size_t line = cache_first_way(cache, &key, 1) + *way * CACHE_STEP(1);

		if (!cache_line_read(cache, line, &key, 1, &value, &state))
			continue;
		cache_line_touch(cache, line, 1, state);
		return value == i + 1;
	}
	return false;
}

/* Key 0 is found before each insertion, the others are not: the one before the last has just come. */
static void test_cache_keeps_what_is_found_and_what_is_new(void **state)
{
	struct world w;
	unsigned way;

	(void)state;
	world_init_with_one_set(&w);
	insert_key(&w, 0);
	for (unsigned i = 1; i < KEYS; i++) {
		assert_true(find_key(w.cache, 0, &way));
		insert_key(&w, i);
		assert_true(find_key(w.cache, 0, &way));
		assert_true(find_key(w.cache, i, &way));
		assert_int_equal(way, 0);
		if (i > 1)
			assert_true(find_key(w.cache, i - 1, &way));
		assert_int_equal(cache_count(w.cache), i < CACHE_WAYS ? i + 1 : CACHE_WAYS);
	}
	world_fini(&w);
}

/* What has the key makes room, wherever it is, and all others stay. */
static void test_cache_replaces_what_has_the_key(void **state)
{
	struct world w;
	unsigned way;

	(void)state;
	world_init_with_one_set(&w);
	for (unsigned i = 0; i < CACHE_WAYS; i++)
		insert_key(&w, i);
	for (unsigned i = 0; i < 3 * CACHE_WAYS; i++) {
		insert_key(&w, i % CACHE_WAYS);
		for (unsigned k = 0; k < CACHE_WAYS; k++)
			assert_true(find_key(w.cache, k, &way));
		assert_int_equal(cache_count(w.cache), CACHE_WAYS);
	}
	world_fini(&w);
}

/* Readers note that they have found a line, while a writer looks for one that nobody has found. */

#define READERS 2u

static void *read_and_touch(void *arg)
{
	const struct cache *cache = arg;
	uint64_t value, state, found = 0;

	for (unsigned i = 0; i < 200000; i++) {
		struct cache_key key = key_in_set(i % KEYS);
		size_t line =
			cache_first_way(cache, &key, 1) + i / KEYS % CACHE_WAYS * CACHE_STEP(1);

		if (!cache_line_read(cache, line, &key, 1, &value, &state))
			continue;
		cache_line_touch(cache, line, 1, state);
		if (value != i % KEYS + 1)
			return arg;
		found++;
	}
	return found ? NULL : arg;
}

static void insert_keys(struct world *w, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		insert_key(w, i % KEYS);
}

static void test_cache_readers_touch_beside_a_writer(void **state)
{
	pthread_t readers[READERS];
	struct world w;
	void *wrong;

	(void)state;
	world_init_with_one_set(&w);
	insert_keys(&w, KEYS); /* or there is nothing to find for who runs first */
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_and_touch, w.cache), 0);
	insert_keys(&w, 50000);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i], &wrong), 0);
		assert_null(wrong);
	}
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_removes_exactly),
		cmocka_unit_test(test_cache_removes_what_is_older),
		cmocka_unit_test(test_cache_lists_of_pasids_are_short),
		cmocka_unit_test(test_cache_has_room_for_so_many_groups),
		cmocka_unit_test(test_cache_generation_comes_round),
		cmocka_unit_test(test_cache_keeps_what_is_found_and_what_is_new),
		cmocka_unit_test(test_cache_replaces_what_has_the_key),
		cmocka_unit_test(test_cache_readers_touch_beside_a_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
