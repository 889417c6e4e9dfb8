// SPDX-License-Identifier: MIT
#include "ioasid_world.h"

#include <errno.h>

#include "base/random.h"
#include "vsva/limits.h"

static int token_c;

static void test_ioasid_set_refuses_bad_arguments(void **state)
{
	struct ioasid_world *f = *state;
	struct vsva_ioasid_set *set;

	assert_int_equal(vsva_ioasid_set_alloc(f->space, NULL, 1, &set), -EINVAL);
	assert_int_equal(vsva_ioasid_set_alloc(f->space, &token_c, 0, &set), -EINVAL);
	assert_int_equal(vsva_ioasid_set_alloc(f->space, &f->token_a, 1, &set), -EEXIST);
	assert_int_equal(vsva_ioasid_set_alloc(f->space, &token_c, IOASID_LAST, &set), -ENOSPC);
	assert_int_equal(vsva_ioasid_space_available(f->space), IOASID_LAST - 2 * IOASID_QUOTA);
}

/* Freed sets took their quota with them: capacity leaked with every VM. */
static void test_ioasid_set_free_returns_quota(void **state)
{
	struct ioasid_world *f = *state;
	struct vsva_ioasid_set *set;

	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(vsva_ioasid_set_alloc(f->space, &token_c,
						       IOASID_LAST - 2 * IOASID_QUOTA, &set),
				 0);
		assert_int_equal(vsva_ioasid_space_available(f->space), 0);
		vsva_ioasid_set_free(set);
	}
	assert_int_equal(vsva_ioasid_space_available(f->space), IOASID_LAST - 2 * IOASID_QUOTA);
}

/* Quota 0 meant "all that is left", so the next VM got none. */
static void test_ioasid_quota_zero_takes_nothing(void **state)
{
	struct ioasid_world *f = *state;
	struct vsva_ioasid_set *set;
	uint32_t before = vsva_ioasid_space_available(f->space);

	assert_int_equal(vsva_ioasid_set_alloc(f->space, &token_c, 0, &set), -EINVAL);
	assert_int_equal(vsva_ioasid_space_available(f->space), before);
}

static void test_ioasid_alloc_respects_range(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t id;

	assert_int_equal(vsva_ioasid_alloc(f->a, 63, 65, NULL, &id), 0);
	assert_int_equal(id.v, 63);
	assert_int_equal(vsva_ioasid_alloc(f->a, 63, 65, NULL, &id), 0);
	assert_int_equal(id.v, 64);
	assert_int_equal(vsva_ioasid_alloc(f->b, 63, 65, NULL, &id), 0);
	assert_int_equal(id.v, 65);
	assert_int_equal(vsva_ioasid_alloc(f->a, 63, 65, NULL, &id), -ENOSPC);
	assert_int_equal(id.v, VSVA_PASID_INVALID);
	assert_int_equal(vsva_ioasid_alloc(f->a, IOASID_LAST, VSVA_PASID_MAX, NULL, &id), 0);
	assert_int_equal(id.v, IOASID_LAST);
	assert_int_equal(vsva_ioasid_alloc(f->a, IOASID_LAST, VSVA_PASID_MAX, NULL, &id), -ENOSPC);
	assert_int_equal(vsva_ioasid_alloc(f->a, IOASID_LAST + 1, VSVA_PASID_MAX, NULL, &id),
			 -ENOSPC);
}

static void test_ioasid_alloc_refuses_bad_range(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t id = {7};

	assert_int_equal(vsva_ioasid_alloc(f->a, 0, 5, NULL, &id), -EINVAL);
	assert_int_equal(id.v, VSVA_PASID_INVALID);
	assert_int_equal(vsva_ioasid_alloc(f->a, 6, 5, NULL, &id), -EINVAL);
	assert_int_equal(vsva_ioasid_alloc(f->a, 1, VSVA_PASID_MAX + 1, NULL, &id), -EINVAL);
}

static void test_ioasid_quota_bounds_ids(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t id;

	for (unsigned i = 0; i < IOASID_QUOTA; i++)
		ioasid_new(f->a);
	assert_int_equal(vsva_ioasid_alloc(f->a, 1, VSVA_PASID_MAX, NULL, &id), -EDQUOT);
	assert_int_equal(id.v, VSVA_PASID_INVALID);
	ioasid_new(f->b);
}

static void test_ioasid_free_checks_owner(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t id = ioasid_new(f->a);

	assert_int_equal(vsva_ioasid_free(f->b, id), -EACCES);
	assert_int_equal(vsva_ioasid_free(f->a, hpasid(id.v + 1)), 0);
	assert_int_equal(vsva_ioasid_free(f->a, hpasid(VSVA_PASID_INVALID)), -EINVAL);
	assert_int_equal(vsva_ioasid_free(f->a, hpasid(0)), -EINVAL);
	assert_int_equal(vsva_ioasid_free(f->a, id), 0);
	assert_int_equal(vsva_ioasid_free(f->a, id), 0);
}

static void test_ioasid_private_data_is_replaced(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t id = ioasid_new(f->a);
	void *found;

	assert_int_equal(vsva_ioasid_set_data(f->a, id, f), 0);
	assert_int_equal(vsva_ioasid_find(f->space, NULL, id, &found), 0);
	assert_ptr_equal(found, f);
	assert_int_equal(vsva_ioasid_set_data(f->b, id, NULL), -EACCES);
	assert_int_equal(vsva_ioasid_set_data(f->a, hpasid(77), NULL), -ENOENT);
	assert_int_equal(vsva_ioasid_set_data(f->a, id, NULL), 0);
	assert_int_equal(vsva_ioasid_find(f->space, NULL, id, &found), 0);
	assert_null(found);
}

static void test_ioasid_find_checks_set(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t id = ioasid_new(f->a);

	assert_int_equal(vsva_ioasid_find(f->space, f->a, id, NULL), 0);
	assert_int_equal(vsva_ioasid_find(f->space, f->b, id, NULL), -EACCES);
	assert_int_equal(vsva_ioasid_find(f->space, NULL, hpasid(99), NULL), -ENOENT);
	assert_ptr_equal(vsva_ioasid_set_of(f->space, id), f->a);
	assert_null(vsva_ioasid_set_of(f->space, hpasid(99)));
	assert_ptr_equal(vsva_ioasid_set_space(f->a), f->space);
}

static void test_ioasid_gpasid_is_unique_in_set(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t x = ioasid_new(f->a), y = ioasid_new(f->a), z = ioasid_new(f->b), found;
	gpasid_t guest;

	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, x, gpasid(5)), 0);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, y, gpasid(5)), -EEXIST);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->b, z, gpasid(5)), 0);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(5), &found), 0);
	assert_int_equal(found.v, x.v);
	assert_int_equal(vsva_ioasid_find_gpasid(f->b, gpasid(5), &found), 0);
	assert_int_equal(found.v, z.v);
	assert_int_equal(vsva_ioasid_gpasid_of(f->a, x, &guest), 0);
	assert_int_equal(guest.v, 5);
	assert_int_equal(vsva_ioasid_gpasid_of(f->a, y, &guest), -ENOENT);
	assert_int_equal(vsva_ioasid_gpasid_of(f->b, x, &guest), -EACCES);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(6), &found), -ENOENT);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(VSVA_PASID_INVALID), &found),
			 -ENOENT);
}

/* Attaching a guest PASID to an id that has one overwrote it. */
static void test_ioasid_gpasid_is_not_overwritten(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t x = ioasid_new(f->a), found;

	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, x, gpasid(5)), 0);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, x, gpasid(6)), -EBUSY);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, x, gpasid(5)), -EBUSY);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(6), &found), -ENOENT);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, hpasid(99), gpasid(6)), -ENOENT);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->b, x, gpasid(6)), -EACCES);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, x, gpasid(VSVA_PASID_INVALID)), -EINVAL);
}

/* The host does not judge guest PASIDs. */
static void test_ioasid_gpasid_may_be_any_number(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t x = ioasid_new(f->a), y = ioasid_new(f->a), found;

	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, x, gpasid(0x12345678)), 0);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, y, gpasid(0x12345678)), -EEXIST);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(0x12345678), &found), 0);
	assert_int_equal(found.v, x.v);
	assert_int_equal(vsva_ioasid_detach_gpasid(f->a, x), 0);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(0x12345678), &found), -ENOENT);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, x, gpasid(0)), 0);
}

static void test_ioasid_free_forgets_gpasid(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t x = ioasid_new(f->a), y = ioasid_new(f->a), found;

	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, x, gpasid(5)), 0);
	assert_int_equal(vsva_ioasid_free(f->a, x), 0);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(5), &found), -ENOENT);
	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, y, gpasid(5)), 0);
	assert_int_equal(vsva_ioasid_detach_gpasid(f->a, y), 0);
	assert_int_equal(vsva_ioasid_detach_gpasid(f->a, y), -ENOENT);
}

static void test_ioasid_bind_keeps_list_and_flags(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t id = ioasid_new(f->a), found;
	struct ioasid_binding x = {.id = id, .guest = {9}}, y = {.id = id, .guest = {9}};
	uint32_t flags;

	assert_int_equal(ioasid_bind(f->a, &x, VSVA_IOASID_GUEST_MODE), 0);
	assert_int_equal(ioasid_bind(f->a, &y, VSVA_IOASID_GUEST_MODE), 0);
	assert_int_equal(vsva_ioasid_state_of(f->space, id, NULL), VSVA_IOASID_ACTIVE);
	ioasid_unbind(f->a, &y);
	assert_int_equal(vsva_ioasid_get_flags(f->a, id, &flags), 0);
	assert_int_equal(flags, VSVA_IOASID_GUEST_MODE);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(9), &found), 0);
	ioasid_unbind(f->a, &x);
	assert_int_equal(vsva_ioasid_get_flags(f->a, id, &flags), 0);
	assert_int_equal(flags, 0);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(9), &found), -ENOENT);
}

static void test_ioasid_bind_keeps_gpasid_of_owner(void **state)
{
	struct ioasid_world *f = *state;
	hpasid_t id = ioasid_new(f->a), found;
	struct ioasid_binding x = {.id = id, .guest = {9}}, other = {.id = id, .guest = {8}};

	assert_int_equal(vsva_ioasid_attach_gpasid(f->a, id, gpasid(9)), 0);
	assert_int_equal(ioasid_bind(f->a, &other, 0), -EBUSY);
	assert_int_equal(ioasid_bind(f->a, &x, 0), 0);
	ioasid_unbind(f->a, &x);
	assert_int_equal(vsva_ioasid_find_gpasid(f->a, gpasid(9), &found), 0);
}

/* Against a model: who has which id, who has which guest PASID. */
static void test_ioasid_random_against_model(void **state)
{
	enum { IDS = 300, GUESTS = 64 };
	struct ioasid_world *f = *state;
	struct vsva_ioasid_set *sets[2] = {f->a, f->b};
	int owner[IDS] = {0}, guest_of[IDS];
	int id_of[2][GUESTS] = {{0}};
	struct rng rng;

	rng_seed(&rng, 42);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned s = (unsigned)rng_below(&rng, 2), g = (unsigned)rng_below(&rng, GUESTS);
		unsigned i = 1 + (unsigned)rng_below(&rng, IDS - 1);
		hpasid_t id;
		int err;

		switch (rng_below(&rng, 4)) {
		case 0:
			err = vsva_ioasid_alloc(sets[s], i, IDS - 1, NULL, &id);
			if (err)
				break;
			assert_true(id.v >= i && id.v < IDS && owner[id.v] == 0);
			owner[id.v] = (int)s + 1;
			guest_of[id.v] = -1;
			break;
		case 1:
			err = vsva_ioasid_free(sets[s], hpasid(i));
			assert_int_equal(err, owner[i] && owner[i] != (int)s + 1 ? -EACCES : 0);
			if (!err && owner[i] && guest_of[i] >= 0)
				id_of[s][guest_of[i]] = 0;
			if (!err)
				owner[i] = 0;
			break;
		case 2:
			err = vsva_ioasid_attach_gpasid(sets[s], hpasid(i), gpasid(g));
			if (owner[i] != (int)s + 1) {
				assert_int_equal(err, owner[i] ? -EACCES : -ENOENT);
			} else if (guest_of[i] >= 0) {
				assert_int_equal(err, -EBUSY);
			} else {
				assert_int_equal(err, id_of[s][g] ? -EEXIST : 0);
			}
			if (!err) {
				guest_of[i] = (int)g;
				id_of[s][g] = (int)i;
			}
			break;
		default:
			err = vsva_ioasid_find_gpasid(sets[s], gpasid(g), &id);
			assert_int_equal(err, id_of[s][g] ? 0 : -ENOENT);
			if (!err)
				assert_int_equal(id.v, id_of[s][g]);
			break;
		}
	}
}

/* All numbers that there are, each bound once: found, costing little, and freed in batches. */

#define ALL VSVA_PASID_MAX

static void count_batches(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	unsigned *batches = arg;

	assert_int_not_equal(events[count - 1].id.v, 0);
	++*batches;
}

static void bind_all(struct vsva_ioasid_set *set, struct ioasid_binding *bindings)
{
	for (uint32_t i = 0; i < ALL; i++) {
		bindings[i] = (struct ioasid_binding){.id = ioasid_new(set), .guest = {ALL - i}};
		if (ioasid_bind(set, &bindings[i], VSVA_IOASID_GUEST_MODE))
			fail();
	}
}

static void find_all(struct vsva_ioasid_set *set)
{
	for (uint32_t i = 0; i < ALL; i++) {
		hpasid_t found;

		if (vsva_ioasid_find_gpasid(set, gpasid(ALL - i), &found) || found.v != i + 1)
			fail();
	}
}

static void use_all(struct vsva_ioasid_space *space, struct ioasid_binding *bindings)
{
	struct vsva_ioasid_set *set, *other;
	size_t before = base_bytes_in_use();
	hpasid_t id;
	int token = 0;

	assert_int_equal(vsva_ioasid_set_alloc(space, &token, ALL, &set), 0);
	assert_int_equal(vsva_ioasid_set_alloc(space, &set, 1, &other), -ENOSPC);
	bind_all(set, bindings);
	assert_true((base_bytes_in_use() - before) / ALL <= 80);
	assert_int_equal(vsva_ioasid_alloc(set, 1, ALL, NULL, &id), -EDQUOT);
	find_all(set);
	vsva_ioasid_free_all(set);
	assert_int_equal(vsva_ioasid_set_count(set), ALL);
	for (uint32_t i = 0; i < ALL; i++)
		ioasid_unbind(set, &bindings[i]);
	assert_int_equal(vsva_ioasid_free_all_sync(set), 0);
	assert_int_equal(vsva_ioasid_set_count(set), 0);
	ioasid_new(set);
	vsva_ioasid_set_free(set);
}

static void test_ioasid_all_numbers(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.reclaim = count_batches};
	struct worker_pool *pool = worker_pool_create(WORKERS_MANUAL, 0);
	struct vsva_ioasid_space *space = ioasid_space_create(20, pool, NULL);
	struct ioasid_binding *bindings = calloc(ALL, sizeof(*bindings));
	struct vsva_ioasid_notifier *notifier;
	unsigned batches = 0;

	(void)state;
	assert_non_null(bindings);
	assert_int_equal(
		vsva_ioasid_notifier_register(space, NULL, 0, &subscriber, &batches, &notifier), 0);
	use_all(space, bindings);
	assert_int_equal(batches, (ALL + VSVA_LIMIT_RECLAIM_BATCH - 1) / VSVA_LIMIT_RECLAIM_BATCH);
	assert_true(worker_pool_run_idle(pool, 100) < 100);
	assert_int_equal(vsva_ioasid_space_available(space), ALL);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
	ioasid_space_destroy(space);
	worker_pool_destroy(pool);
	free(bindings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ioasid_setup, ioasid_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ioasid_set_refuses_bad_arguments),
		TEST(test_ioasid_set_free_returns_quota),
		TEST(test_ioasid_quota_zero_takes_nothing),
		TEST(test_ioasid_alloc_respects_range),
		TEST(test_ioasid_alloc_refuses_bad_range),
		TEST(test_ioasid_quota_bounds_ids),
		TEST(test_ioasid_free_checks_owner),
		TEST(test_ioasid_private_data_is_replaced),
		TEST(test_ioasid_find_checks_set),
		TEST(test_ioasid_gpasid_is_unique_in_set),
		TEST(test_ioasid_gpasid_is_not_overwritten),
		TEST(test_ioasid_gpasid_may_be_any_number),
		TEST(test_ioasid_free_forgets_gpasid),
		TEST(test_ioasid_bind_keeps_list_and_flags),
		TEST(test_ioasid_bind_keeps_gpasid_of_owner),
		TEST(test_ioasid_random_against_model),
		cmocka_unit_test(test_ioasid_all_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
