// SPDX-License-Identifier: MIT
/*
 * The defects that the IOASID sets and guest binds of 2020 had, each as what must not happen. A
 * scenario takes the step that went wrong as an argument: with ours it must hold; with a step that
 * does what they did it must not, or it would not see the defect.
 */
#include "ioasid_world.h"

#include <errno.h>

#include "host/ioasid_impl.h"

/* 2. Error paths that keep their reference; a duplicate guest PASID that binds silently */

typedef int bind_fn(struct vsva_ioasid_set *set, struct ioasid_binding *binding);

static int our_bind(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	return ioasid_bind(set, binding, 0);
}

static int their_silent_bind(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	vsva_ioasid_get(vsva_ioasid_set_space(set), set, binding->id);
	vsva_ioasid_attach_gpasid(set, binding->id, binding->guest);
	return 0;
}

static int their_leaking_bind(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	vsva_ioasid_get(vsva_ioasid_set_space(set), set, binding->id);
	return vsva_ioasid_attach_gpasid(set, binding->id, binding->guest);
}

static bool duplicate_is_refused_without_trace(struct ioasid_world *world, bind_fn *bind)
{
	hpasid_t x = ioasid_new(world->a), y = ioasid_new(world->a), found;
	struct ioasid_binding binding = {.id = y, .guest = {5}};
	bool is_refused, is_as_before;

	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, x, gpasid(5)), 0);
	is_refused = bind(world->a, &binding) != 0;
	is_as_before = ioasid_references(world, y) == 1;
	assert_int_equal(vsva_ioasid_find_gpasid(world->a, gpasid(5), &found), 0);
	is_as_before = is_as_before && found.v == x.v;
	if (ioasid_references(world, y) > 1)
		vsva_ioasid_put(world->space, y);
	vsva_ioasid_free_all(world->a);
	return is_refused && is_as_before;
}

static void test_ioasid_defect_2_error_path_keeps_reference(void **state)
{
	assert_true(duplicate_is_refused_without_trace(*state, our_bind));
	assert_false(duplicate_is_refused_without_trace(*state, their_leaking_bind));
}

static void test_ioasid_defect_2_duplicate_gpasid_binds_silently(void **state)
{
	assert_true(duplicate_is_refused_without_trace(*state, our_bind));
	assert_false(duplicate_is_refused_without_trace(*state, their_silent_bind));
}

/* 4. A look-up by guest PASID that takes a reference on an id that is free-pending */

typedef int get_fn(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out);

/* Found in the index of ids, whatever their state. */
static int their_get_gpasid(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out)
{
	struct vsva_ioasid_space *space = vsva_ioasid_set_space(set);
	uint32_t id;

	lock_take(&space->lock);
	id = numbers_next(&space->numbers, 1);
	while (id != UINT32_MAX && space->entries[id].guest != guest.v)
		id = numbers_next(&space->numbers, id + 1);
	if (id != UINT32_MAX) {
		entry_get(&space->entries[id]);
		*out = hpasid(id);
	}
	lock_drop(&space->lock);
	return id != UINT32_MAX ? 0 : -ENOENT;
}

static bool pending_id_gets_no_reference(struct ioasid_world *world, get_fn *get)
{
	hpasid_t id = ioasid_new(world->a), found = {0};
	bool is_right;

	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, id, gpasid(5)), 0);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	is_right = get(world->a, gpasid(5), &found) == -ENOENT && ioasid_references(world, id) == 1;
	while (ioasid_references(world, id))
		vsva_ioasid_put(world->space, id);
	return is_right;
}

static void test_ioasid_defect_4_reference_to_free_pending(void **state)
{
	assert_true(pending_id_gets_no_reference(*state, vsva_ioasid_get_gpasid));
	assert_false(pending_id_gets_no_reference(*state, their_get_gpasid));
}

/* 5. A set that is freed keeps its quota */

typedef void set_free_fn(struct vsva_ioasid_set *set);

static void their_set_free(struct vsva_ioasid_set *set)
{
	set->quota = 0;
	vsva_ioasid_set_free(set);
}

static bool capacity_comes_back(struct ioasid_world *world, set_free_fn *set_free)
{
	uint32_t before = vsva_ioasid_space_available(world->space);
	struct vsva_ioasid_set *set;
	hpasid_t pending;
	int token = 0;

	assert_int_equal(vsva_ioasid_set_alloc(world->space, &token, 100, &set), 0);
	assert_int_equal(vsva_ioasid_space_available(world->space), before - 100);
	ioasid_new(set);
	pending = ioasid_new(set);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, pending), 0);
	set_free(set);
	vsva_ioasid_put(world->space, pending);
	return vsva_ioasid_space_available(world->space) == before;
}

static void test_ioasid_defect_5_freed_set_keeps_quota(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		assert_true(capacity_comes_back(*state, vsva_ioasid_set_free));
	assert_false(capacity_comes_back(*state, their_set_free));
}

/* 6. Quota 0 takes all that is left, and the next VM gets nothing */

typedef int set_alloc_fn(struct vsva_ioasid_space *space, const void *token, uint32_t quota,
			 struct vsva_ioasid_set **out);

static int their_set_alloc(struct vsva_ioasid_space *space, const void *token, uint32_t quota,
			   struct vsva_ioasid_set **out)
{
	return vsva_ioasid_set_alloc(space, token,
				     quota ? quota : vsva_ioasid_space_available(space), out);
}

static bool next_owner_gets_some(struct ioasid_world *world, set_alloc_fn *set_alloc)
{
	struct vsva_ioasid_set *greedy = NULL, *next = NULL;
	int tokens[2] = {0};
	bool is_right;

	set_alloc(world->space, &tokens[0], 0, &greedy);
	is_right = set_alloc(world->space, &tokens[1], 10, &next) == 0;
	if (greedy)
		vsva_ioasid_set_free(greedy);
	if (next)
		vsva_ioasid_set_free(next);
	return is_right;
}

static void test_ioasid_defect_6_quota_zero_takes_all(void **state)
{
	struct ioasid_world *world = *state;

	assert_true(next_owner_gets_some(world, vsva_ioasid_set_alloc));
	assert_false(next_owner_gets_some(world, their_set_alloc));
	assert_int_equal(vsva_ioasid_set_adjust(world->a, 0), -EINVAL);
}

/* 7. An allocation that fails late returns the id that was freed again */

typedef int alloc_fn(struct vsva_ioasid_set *set, uint32_t min, uint32_t max, void *data,
		     hpasid_t *out);

static int their_alloc(struct vsva_ioasid_set *set, uint32_t min, uint32_t max, void *data,
		       hpasid_t *out)
{
	int err = vsva_ioasid_alloc(set, min, max, data, out);

	if (!err && fail_nth_now()) {
		vsva_ioasid_free(set, *out);
		err = -ENOMEM;
	}
	return err;
}

/* Each allocation in a part of the space that has no memory yet, so that all steps are taken. */
static bool failed_allocation_gives_nothing(struct ioasid_world *world, alloc_fn *alloc)
{
	bool is_right = true;
	int err = -ENOMEM;

	for (unsigned nth = 1; err; nth++) {
		hpasid_t id = {3};

		fail_nth_set(nth, 0);
		err = alloc(world->a, nth * 512, IOASID_LAST, NULL, &id);
		fail_nth_set(0, 0);
		is_right = is_right && (id.v == VSVA_PASID_INVALID) == (err != 0);
	}
	vsva_ioasid_free_all(world->a);
	return is_right;
}

static void test_ioasid_defect_7_failed_allocation_returns_freed_id(void **state)
{
	assert_true(failed_allocation_gives_nothing(*state, vsva_ioasid_alloc));
	assert_false(failed_allocation_gives_nothing(*state, their_alloc));
}

/* 8. Free uses the record after it was handed to deferred freeing; free-all uses a set that has gone.
 * The record of a number stays as long as the space here, so that is left of it is the set: it goes a
 * grace period after its last id. The address sanitizer judges; grace periods end at the worst time, in
 * the middle of a free. */

static void end_grace_period(void *arg, const struct vsva_event *event)
{
	(void)arg;
	if (event->kind == VSVA_EV_IOASID_RECLAIM)
		rcu_barrier();
}

static void free_everything(struct vsva_ioasid_space *space, struct worker_pool *pool)
{
	struct vsva_ioasid_set *set;
	struct vsva_ioasid_notifier *notifier;
	struct watcher watcher = {.name = "", .diary = &(struct diary){.len = 0}};
	int token = 0;

	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(vsva_ioasid_set_alloc(space, &token, 50, &set), 0);
		for (unsigned i = 0; i < 20; i++)
			ioasid_new(set);
		assert_int_equal(vsva_ioasid_free(set, hpasid(3)), 0);
		assert_int_equal(vsva_ioasid_free(set, hpasid(3)), 0);
		vsva_ioasid_free_all(set);
		ioasid_new(set);
		ioasid_new(set);
		assert_int_equal(vsva_ioasid_notifier_register(space, &token, 0, &watcher_both,
							       &watcher, &notifier),
				 0);
		vsva_ioasid_set_free(set);
		worker_pool_run_idle(pool, 1000);
		assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
	}
}

#ifdef __SANITIZE_ADDRESS__
static void use_after_free(void *arg)
{
	struct ioasid_world *world = arg;
	hpasid_t id = ioasid_new(world->a);
	const struct entry *entry = &world->space->entries[id.v];

	vsva_ioasid_set_free(world->a);
	ioasid_run(world);
	rcu_barrier();
	entry->set->count--;
}
#endif

static void test_ioasid_defect_8_record_is_used_after_free(void **state)
{
	const struct trace trace = {.observer = end_grace_period};
	struct ioasid_world *world = *state;
	struct worker_pool *pool = worker_pool_create(WORKERS_MANUAL, 0);
	struct vsva_ioasid_space *space = ioasid_space_create(8, pool, &trace);

	free_everything(space, pool);
	ioasid_space_destroy(space);
	worker_pool_destroy(pool);
#ifdef __SANITIZE_ADDRESS__
	assert_int_not_equal(unit_run_in_child(use_after_free, world), 0);
#else
	(void)world;
#endif
}

/* 9. Registering a notifier for a set that does not exist yet corrupts the list */

static bool is_sound(const struct list *list)
{
	const struct list *at = list;

	for (unsigned i = 0; i < 100; i++) {
		if (at->next->prev != at)
			return false;
		at = at->next;
		if (at == list)
			return true;
	}
	return false;
}

static void test_ioasid_defect_9_early_registration_corrupts_list(void **state)
{
	struct ioasid_world *world = *state;
	struct vsva_ioasid_set *set;
	struct watcher watchers[6];
	int tokens[3] = {0};

	for (unsigned i = 0; i < 6; i++)
		watch(world, &watchers[i], "w", &tokens[i % 3], i % VSVA_IOASID_PRIORITY_COUNT,
		      &watcher_events);
	assert_true(is_sound(&world->space->homeless));
	assert_int_equal(vsva_ioasid_set_alloc(world->space, &tokens[1], 1, &set), 0);
	assert_true(is_sound(&world->space->homeless));
	assert_true(is_sound(&set->notifiers));
	ioasid_new(set);
	expect_diary(&world->diary, "w alloc 1; w alloc 1; ");
	unwatch(&watchers[1]);
	unwatch(&watchers[0]);
	assert_true(is_sound(&world->space->homeless));
	assert_true(is_sound(&set->notifiers));
	vsva_ioasid_set_free(set);
	assert_true(is_sound(&world->space->homeless));
	expect_diary(&world->diary, "w free 1; ");
	for (unsigned i = 2; i < 6; i++)
		unwatch(&watchers[i]);
	assert_true(list_is_empty(&world->space->homeless));
}

/* What theirs did: one record in two lists. */
static void test_ioasid_defect_9_check_sees_corrupt_list(void **state)
{
	struct list pending, of_set, record, other;

	(void)state;
	list_init(&pending);
	list_init(&of_set);
	list_append(&pending, &other);
	list_append(&pending, &record);
	assert_true(is_sound(&pending));
	list_append(&of_set, &record);
	assert_true(is_sound(&of_set));
	assert_false(is_sound(&pending));
}

/* 10. Two locks taken in both orders: the last reference to a set dropped inside the allocator's
 * lock. Lock ranks judge, in debug builds. */

static void put_in_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct ioasid_world *world = arg;

	if (event->kind == VSVA_IOASID_EVENT_FREE)
		vsva_ioasid_put(world->space, event->id);
}

static void test_ioasid_defect_10_set_is_put_in_every_context(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = put_in_event};
	struct ioasid_world *world = *state;
	struct vsva_ioasid_notifier *notifier;
	struct lock outer;
	hpasid_t id;

	lock_init(&outer, LOCK_RANK_FAULT_QUEUE, "outer");
	assert_int_equal(
		vsva_ioasid_notifier_register(world->space, NULL, 0, &subscriber, world, &notifier),
		0);
	id = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	vsva_ioasid_set_free(world->a);
	world->a = NULL;
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - 2 * IOASID_QUOTA);
	lock_take(&outer);
	vsva_ioasid_put(world->space, id);
	lock_drop(&outer);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - IOASID_QUOTA);
	ioasid_run(world);
	lock_destroy(&outer);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
}

#ifdef VSVA_DEBUG
static void take_in_both_orders(void *arg)
{
	struct ioasid_world *world = arg;
	struct lock set_lock;

	lock_init(&set_lock, LOCK_RANK_IOASID - 1, "set");
	lock_take(&set_lock);
	lock_take(&world->space->lock);
	lock_drop(&world->space->lock);
	lock_drop(&set_lock);
	lock_take(&world->space->lock);
	lock_take(&set_lock);
}
#endif

static void test_ioasid_defect_10_check_sees_both_orders(void **state)
{
#ifdef VSVA_DEBUG
	unit_expect_check(take_in_both_orders, *state);
#else
	(void)state;
	skip();
#endif
}

/* 12. Attaching a guest PASID to an id that has one overwrites it, and who translates it is not told
 */

#define GUESTS 16u

/* What PASID translation makes of the events. */
struct mirror {
	uint32_t host[GUESTS]; /* 0: none */
};

static void translate(void *arg, const struct vsva_ioasid_event *event)
{
	struct mirror *mirror = arg;

	if (event->guest.v >= GUESTS)
		return;
	if (event->kind == VSVA_IOASID_EVENT_BIND)
		mirror->host[event->guest.v] = event->id.v;
	else if (event->kind != VSVA_IOASID_EVENT_ALLOC)
		mirror->host[event->guest.v] = 0;
}

typedef int change_fn(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t guest);

static int their_attach(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t guest)
{
	struct vsva_ioasid_space *space = vsva_ioasid_set_space(set);
	int err;

	lock_take(&space->lock);
	guest_forget(entry_of(space, id));
	err = guest_give(entry_of(space, id), guest);
	lock_drop(&space->lock);
	return err;
}

static int our_detach(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t guest)
{
	(void)guest;
	return vsva_ioasid_detach_gpasid(set, id);
}

static int their_detach(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t guest)
{
	struct vsva_ioasid_space *space = vsva_ioasid_set_space(set);

	(void)guest;
	lock_take(&space->lock);
	guest_forget(entry_of(space, id));
	lock_drop(&space->lock);
	return 0;
}

static bool agree(struct ioasid_world *world, const struct mirror *mirror)
{
	for (uint32_t guest = 0; guest < GUESTS; guest++) {
		hpasid_t found = {0};

		vsva_ioasid_find_gpasid(world->a, gpasid(guest), &found);
		if (found.v != mirror->host[guest])
			return false;
	}
	return true;
}

static bool translation_follows(struct ioasid_world *world, change_fn *change)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = translate};
	struct mirror mirror = {{0}};
	hpasid_t id = ioasid_new(world->a);
	struct ioasid_binding binding = {.id = id, .guest = {5}};
	struct vsva_ioasid_notifier *notifier;
	bool is_right;

	assert_int_equal(vsva_ioasid_notifier_register(world->space, &world->token_a, 0,
						       &subscriber, &mirror, &notifier),
			 0);
	assert_int_equal(ioasid_bind(world->a, &binding, 0), 0);
	is_right = agree(world, &mirror);
	change(world->a, id, gpasid(6));
	is_right = is_right && agree(world, &mirror);
	ioasid_unbind(world->a, &binding);
	is_right = is_right && agree(world, &mirror);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
	return is_right;
}

static void test_ioasid_defect_12_attach_overwrites_without_unbind(void **state)
{
	assert_true(translation_follows(*state, vsva_ioasid_attach_gpasid));
	assert_false(translation_follows(*state, their_attach));
}

/* Its other half. */
static void test_ioasid_defect_12_detach_without_unbind(void **state)
{
	assert_true(translation_follows(*state, our_detach));
	assert_false(translation_follows(*state, their_detach));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ioasid_setup, ioasid_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ioasid_defect_2_error_path_keeps_reference),
		TEST(test_ioasid_defect_2_duplicate_gpasid_binds_silently),
		TEST(test_ioasid_defect_4_reference_to_free_pending),
		TEST(test_ioasid_defect_5_freed_set_keeps_quota),
		TEST(test_ioasid_defect_6_quota_zero_takes_all),
		TEST(test_ioasid_defect_7_failed_allocation_returns_freed_id),
		TEST(test_ioasid_defect_8_record_is_used_after_free),
		TEST(test_ioasid_defect_9_early_registration_corrupts_list),
		TEST(test_ioasid_defect_9_check_sees_corrupt_list),
		TEST(test_ioasid_defect_10_set_is_put_in_every_context),
		TEST(test_ioasid_defect_10_check_sees_both_orders),
		TEST(test_ioasid_defect_12_attach_overwrites_without_unbind),
		TEST(test_ioasid_defect_12_detach_without_unbind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
