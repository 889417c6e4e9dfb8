// SPDX-License-Identifier: MIT
/* Where numbers come from: the space's own maps, and custom allocators. */
#include "ioasid_world.h"

#include <errno.h>
#include <string.h>

#include "base/random.h"
#include "host/ioasid_numbers.h"

/* Numbers */

static uint32_t first_free(const bool *taken, uint32_t min, uint32_t max)
{
	while (min <= max && taken[min])
		min++;
	return min <= max ? min : UINT32_MAX;
}

static uint32_t first_taken(const bool *taken, uint32_t from, uint32_t end)
{
	while (from < end && !taken[from])
		from++;
	return from < end ? from : UINT32_MAX;
}

static void test_ioasid_numbers_against_model(void **state)
{
	static const uint32_t ends[] = {2, 63, 64, 65, 128, 4095, 4096, 4097, 8192, 20000};
	static bool taken[20000];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (unsigned e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
		struct numbers numbers;
		uint32_t end = ends[e];

		memset(taken, 0, sizeof(taken));
		assert_int_equal(numbers_init(&numbers, end), 0);
		for (unsigned step = 0; step < 30000; step++) {
			uint32_t min = (uint32_t)rng_below(&rng, end);
			uint32_t max = min + (uint32_t)rng_below(&rng, end - min);
			uint32_t found = numbers_find(&numbers, min, max);
			uint32_t old = (uint32_t)rng_below(&rng, end);

			assert_int_equal(found, first_free(taken, min, max));
			if (found != UINT32_MAX) {
				numbers_take(&numbers, found);
				taken[found] = true;
			}
			/* it fills up, and empties again */
			if (taken[old] && rng_below(&rng, 10) < (step < 15000 ? 3 : 9)) {
				numbers_give(&numbers, old);
				taken[old] = false;
			}
			assert_int_equal(numbers_is_taken(&numbers, old), taken[old]);
			assert_int_equal(numbers_next(&numbers, min), first_taken(taken, min, end));
		}
		numbers_fini(&numbers);
	}
}

static void test_ioasid_numbers_full(void **state)
{
	const uint32_t end = 1u << 20;
	static const uint32_t holes[] = {0, 1, 63, 64, 4095, 4096, 262143, 262144, (1u << 20) - 1};
	struct numbers numbers;

	(void)state;
	assert_int_equal(numbers_init(&numbers, end), 0);
	assert_int_equal(numbers_next(&numbers, 0), UINT32_MAX);
	for (uint32_t i = 0; i < end; i++) {
		assert_int_equal(numbers_find(&numbers, 0, end - 1), i);
		numbers_take(&numbers, i);
	}
	assert_int_equal(numbers_find(&numbers, 0, end - 1), UINT32_MAX);
	assert_int_equal(numbers_next(&numbers, end - 1), end - 1);
	assert_int_equal(numbers_next(&numbers, end), UINT32_MAX);
	for (unsigned i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		numbers_give(&numbers, holes[i]);
		assert_int_equal(numbers_find(&numbers, 0, end - 1), holes[i]);
		assert_int_equal(numbers_find(&numbers, holes[i], holes[i]), holes[i]);
		if (holes[i] + 1 < end)
			assert_int_equal(numbers_find(&numbers, holes[i] + 1, end - 1), UINT32_MAX);
		if (holes[i])
			assert_int_equal(numbers_find(&numbers, 0, holes[i] - 1), UINT32_MAX);
		numbers_take(&numbers, holes[i]);
	}
	numbers_fini(&numbers);
}

/* Custom allocators */

struct custom {
	struct ioasid_world *world;
	uint32_t next, min, max; /* gives out next; saw min, max */
	unsigned allocs, frees;
	uint32_t freed;
};

static uint32_t custom_alloc(void *arg, uint32_t min, uint32_t max)
{
	struct custom *custom = arg;

	custom->allocs++;
	custom->min = min;
	custom->max = max;
	return custom->next;
}

static void custom_free(void *arg, uint32_t id)
{
	struct custom *custom = arg;

	custom->frees++;
	custom->freed = id;
}

static uint32_t other_alloc(void *arg, uint32_t min, uint32_t max)
{
	return custom_alloc(arg, min, max);
}

static const struct vsva_ioasid_allocator_ops ops = {custom_alloc, custom_free};
static const struct vsva_ioasid_allocator_ops same_ops = {custom_alloc, custom_free};
static const struct vsva_ioasid_allocator_ops other_ops = {other_alloc, custom_free};

static int add(struct ioasid_world *world, const struct vsva_ioasid_allocator_ops *of,
	       struct custom *custom)
{
	return vsva_ioasid_register_allocator(world->space, of, custom);
}

static int drop(struct ioasid_world *world, const struct vsva_ioasid_allocator_ops *of,
		struct custom *custom)
{
	return vsva_ioasid_unregister_allocator(world->space, of, custom);
}

static void test_ioasid_allocator_is_asked(void **state)
{
	struct ioasid_world *world = *state;
	struct custom custom = {.next = 77};
	hpasid_t id;

	assert_int_equal(add(world, &ops, &custom), 0);
	assert_int_equal(vsva_ioasid_alloc(world->a, 5, VSVA_PASID_MAX, NULL, &id), 0);
	assert_int_equal(id.v, 77);
	assert_int_equal(custom.min, 5);
	assert_int_equal(custom.max, IOASID_LAST);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	assert_int_equal(custom.frees, 0);
	vsva_ioasid_put(world->space, id);
	assert_int_equal(custom.frees, 1);
	assert_int_equal(custom.freed, 77);
	assert_int_equal(drop(world, &ops, &custom), 0);
	assert_int_equal(ioasid_new(world->a).v, 1);
}

static void test_ioasid_allocator_may_refuse(void **state)
{
	struct ioasid_world *world = *state;
	struct custom custom = {.next = VSVA_PASID_INVALID};
	hpasid_t id;

	assert_int_equal(add(world, &ops, &custom), 0);
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, 100, NULL, &id), -ENOSPC);
	assert_int_equal(id.v, VSVA_PASID_INVALID);
	assert_int_equal(custom.frees, 0);
	assert_int_equal(vsva_ioasid_set_count(world->a), 0);
	assert_int_equal(vsva_ioasid_alloc(world->a, IOASID_LAST + 1, VSVA_PASID_MAX, NULL, &id),
			 -ENOSPC);
	assert_int_equal(custom.allocs, 1);
	assert_int_equal(drop(world, &ops, &custom), 0);
}

/* An allocator that gives out what nobody asked for gets it back; what it gave out before it does
 * not, for it has an owner. */
static void test_ioasid_allocator_is_not_believed(void **state)
{
	struct ioasid_world *world = *state;
	struct custom custom = {.next = 101};
	hpasid_t id, twice;

	hush_log();
	assert_int_equal(add(world, &ops, &custom), 0);
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, 100, NULL, &id), -ENOSPC);
	assert_int_equal(custom.freed, 101);
	custom.next = 0;
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, 100, NULL, &id), -ENOSPC);
	assert_int_equal(custom.frees, 2);
	custom.next = 50;
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, 100, NULL, &id), 0);
	assert_int_equal(vsva_ioasid_alloc(world->b, 1, 100, NULL, &twice), -ENOSPC);
	assert_int_equal(custom.frees, 2);
	assert_ptr_equal(vsva_ioasid_set_of(world->space, id), world->a);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	assert_int_equal(custom.frees, 3);
	assert_int_equal(drop(world, &ops, &custom), 0);
}

static void test_ioasid_allocator_register_refuses(void **state)
{
	static const struct vsva_ioasid_allocator_ops no_alloc = {NULL, custom_free};
	static const struct vsva_ioasid_allocator_ops no_free = {custom_alloc, NULL};
	struct ioasid_world *world = *state;
	struct custom custom = {.next = 7};
	hpasid_t id;

	assert_int_equal(add(world, NULL, &custom), -EINVAL);
	assert_int_equal(add(world, &no_alloc, &custom), -EINVAL);
	assert_int_equal(add(world, &no_free, &custom), -EINVAL);
	assert_int_equal(drop(world, NULL, &custom), -ENOENT);
	assert_int_equal(drop(world, &ops, &custom), -ENOENT);
	id = ioasid_new(world->a);
	assert_int_equal(add(world, &ops, &custom), -EAGAIN);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	assert_int_equal(add(world, &ops, &custom), -EAGAIN);
	vsva_ioasid_put(world->space, id);
	assert_int_equal(add(world, &ops, &custom), 0);
	assert_int_equal(add(world, &ops, &custom), -EEXIST);
	assert_int_equal(add(world, &same_ops, &custom), -EEXIST);
	assert_int_equal(drop(world, &same_ops, &custom), 0);
}

/* The first one is in force. With the same functions the next one takes over, ids and all; with
 * others it waits until no ids are out. */
static void test_ioasid_allocator_succession(void **state)
{
	struct ioasid_world *world = *state;
	struct custom first = {.next = 10}, waiting = {.next = 20}, partner = {.next = 30};
	hpasid_t id;

	assert_int_equal(add(world, &ops, &first), 0);
	assert_int_equal(add(world, &other_ops, &waiting), 0);
	assert_int_equal(add(world, &same_ops, &partner), 0);
	id = ioasid_new(world->a);
	assert_int_equal(id.v, 10);
	assert_int_equal(drop(world, &ops, &first), 0);
	assert_int_equal(ioasid_new(world->b).v, 30);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	assert_int_equal(first.frees, 0);
	assert_int_equal(partner.freed, 10);
	assert_int_equal(drop(world, &ops, &partner), -EBUSY);
	vsva_ioasid_free_all(world->b);
	assert_int_equal(drop(world, &ops, &partner), 0);
	assert_int_equal(ioasid_new(world->b).v, 20);
	assert_int_equal(drop(world, &other_ops, &waiting), -EBUSY);
	/* somebody who waits may leave at any time */
	assert_int_equal(add(world, &ops, &first), 0);
	assert_int_equal(drop(world, &ops, &first), 0);
	vsva_ioasid_free_all(world->b);
	assert_int_equal(drop(world, &other_ops, &waiting), 0);
	assert_int_equal(ioasid_new(world->b).v, 1);
}

/* It is called under the lock. */
static uint32_t calling_alloc(void *arg, uint32_t min, uint32_t max)
{
	struct custom *custom = arg;
	hpasid_t id;

	(void)max;
	assert_int_equal(vsva_ioasid_alloc(custom->world->a, 1, 9, NULL, &id), -EDEADLK);
	assert_int_equal(vsva_ioasid_free(custom->world->a, hpasid(1)), -EDEADLK);
	assert_int_equal(vsva_ioasid_get(custom->world->space, NULL, hpasid(1)), -EDEADLK);
	vsva_ioasid_put(custom->world->space, hpasid(1));
	assert_int_equal(vsva_ioasid_find(custom->world->space, NULL, hpasid(1), NULL), -ENOENT);
	custom->allocs++;
	return min;
}

static void test_ioasid_allocator_does_not_call_back(void **state)
{
	static const struct vsva_ioasid_allocator_ops calling = {calling_alloc, custom_free};
	struct ioasid_world *world = *state;
	struct custom custom = {.world = world};

	hush_log();
	assert_int_equal(add(world, &calling, &custom), 0);
	assert_int_equal(vsva_ioasid_free(world->a, ioasid_new(world->a)), 0);
	assert_int_equal(custom.allocs, 1);
	assert_int_equal(custom.frees, 1);
	assert_int_equal(drop(world, &calling, &custom), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ioasid_setup, ioasid_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ioasid_numbers_against_model),
		cmocka_unit_test(test_ioasid_numbers_full),
		TEST(test_ioasid_allocator_is_asked),
		TEST(test_ioasid_allocator_may_refuse),
		TEST(test_ioasid_allocator_is_not_believed),
		TEST(test_ioasid_allocator_register_refuses),
		TEST(test_ioasid_allocator_succession),
		TEST(test_ioasid_allocator_does_not_call_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
