// SPDX-License-Identifier: MIT
/* Free in its two phases: who keeps a number, who waits for it, and when a set goes. */
#include "ioasid_world.h"

#include <errno.h>
#include <pthread.h>

#include "base/atomic.h"
#include "vsva/limits.h"

static void expect_number_is_kept(struct ioasid_world *world, hpasid_t id)
{
	hpasid_t out;

	assert_int_equal(vsva_ioasid_alloc(world->b, id.v, id.v, NULL, &out), -ENOSPC);
}

static void expect_number_is_free(struct ioasid_world *world, hpasid_t id)
{
	hpasid_t out;

	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_FREE);
	assert_int_equal(vsva_ioasid_alloc(world->b, id.v, id.v, NULL, &out), 0);
	assert_int_equal(vsva_ioasid_free_sync(world->b, id), 0);
}

/* Memory */

/* Who looks at a set that an id was found in may still have its record. */
static void test_ioasid_set_outlives_its_readers(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);
	size_t before;

	rcu_barrier();
	before = base_bytes_in_use();
	rcu_read_lock();
	assert_ptr_equal(vsva_ioasid_set_of(world->space, id), world->a);
	vsva_ioasid_set_free(world->a);
	ioasid_run(world);
	usleep(2000);
	assert_ptr_equal(vsva_ioasid_set_token(world->a), &world->token_a);
	rcu_read_unlock();
	rcu_barrier();
	assert_true(base_bytes_in_use() < before);
	world->a = NULL;
}

/* What is kept of an id is counted while it is out, and no longer. */
static void test_ioasid_space_bytes(void **state)
{
	struct ioasid_world *world = *state;
	size_t none = ioasid_space_bytes(world->space), one;
	hpasid_t id = ioasid_new(world->a);

	one = ioasid_space_bytes(world->space);
	assert_true(one > none);
	ioasid_new(world->b);
	assert_int_equal(ioasid_space_bytes(world->space) - none, 2 * (one - none));
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	assert_int_equal(ioasid_space_bytes(world->space), one);
}

/* Two phases */

static void test_ioasid_free_without_second_phase_is_done_at_once(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;
	hpasid_t id;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_events);
	id = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	expect_number_is_free(world, id);
	assert_false(worker_pool_step(world->pool));
	unwatch(&w);
}

static void test_ioasid_free_has_two_phases(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;
	hpasid_t id;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_both);
	id = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	expect_diary(&world->diary, "w alloc 1; w free 1; ");
	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_FREE_PENDING);
	assert_int_equal(ioasid_references(world, id), 1);
	expect_number_is_kept(world, id);
	ioasid_run(world);
	expect_diary(&world->diary, "w reclaim 1; ");
	unwatch(&w);
	expect_number_is_free(world, id);
}

static void test_ioasid_free_twice_is_told_once(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;
	hpasid_t id;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_both);
	id = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_get(world->space, world->a, id), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(vsva_ioasid_free(world->a, id), 0);
		ioasid_run(world);
	}
	expect_diary(&world->diary, "w alloc 1; w free 1; w reclaim 1; ");
	vsva_ioasid_put(world->space, id);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	expect_diary(&world->diary, "");
	unwatch(&w);
}

/* The last of many, in whatever order they are returned. */
static void test_ioasid_references_keep_the_number(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);

	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, id, gpasid(7)), 0);
	for (unsigned i = 0; i < 3; i++) {
		hpasid_t found;

		assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
		assert_int_equal(vsva_ioasid_get_gpasid(world->a, gpasid(7), &found), 0);
		assert_int_equal(found.v, id.v);
	}
	assert_int_equal(ioasid_references(world, id), 7);
	vsva_ioasid_put(world->space, id);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	for (unsigned left = 5; left > 0; left--) {
		assert_int_equal(ioasid_references(world, id), left);
		expect_number_is_kept(world, id);
		vsva_ioasid_put(world->space, id);
	}
	assert_int_equal(ioasid_references(world, id), 0);
	expect_number_is_free(world, id);
}

/* A reference that nobody has: the allocation's is not for put, neither before the free nor while
 * the second phase is owed. */
static void test_ioasid_put_without_reference_is_refused(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;
	hpasid_t id;

	hush_log();
	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	id = ioasid_new(world->a);
	vsva_ioasid_put(world->space, id);
	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_IDLE);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	vsva_ioasid_put(world->space, id);
	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_FREE_PENDING);
	ioasid_run(world);
	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_FREE);
	vsva_ioasid_put(world->space, id);
	vsva_ioasid_put(world->space, hpasid(0));
	vsva_ioasid_put(world->space, hpasid(VSVA_PASID_INVALID));
	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_FREE);
	assert_true(hushed_lines() > 0);
	unwatch(&w);
}

static void test_ioasid_guest_pasid_is_free_at_once(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t old = ioasid_new(world->a), new = ioasid_new(world->a), found;

	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, old, gpasid(7)), 0);
	assert_int_equal(vsva_ioasid_get(world->space, world->a, old), 0);
	assert_int_equal(vsva_ioasid_free(world->a, old), 0);
	assert_int_equal(vsva_ioasid_find_gpasid(world->a, gpasid(7), &found), -ENOENT);
	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, new, gpasid(7)), 0);
	vsva_ioasid_put(world->space, old);
	assert_int_equal(vsva_ioasid_find_gpasid(world->a, gpasid(7), &found), 0);
	assert_int_equal(found.v, new.v);
}

/* What the second phase hears of the guest PASID, also if the binding that gave it has gone. */
static void keep_guest(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	assert_int_equal(count, 1);
	*(gpasid_t *)arg = events[0].guest;
}

static void test_ioasid_second_phase_knows_the_guest_pasid(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.reclaim = keep_guest};
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);
	struct ioasid_binding binding = {.id = id, .guest = {9}};
	struct vsva_ioasid_notifier *notifier;
	gpasid_t guest = {0};

	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL, VSVA_IOASID_PRIORITY_CPU,
						       &subscriber, &guest, &notifier),
			 0);
	assert_int_equal(ioasid_bind(world->a, &binding, 0), 0);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	ioasid_unbind(world->a, &binding);
	ioasid_run(world);
	assert_int_equal(guest.v, 9);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
}

/* Batches */

#define MANY (VSVA_LIMIT_RECLAIM_BATCH * 3 + 100)

struct batches {
	size_t count, sizes[16];
	uint32_t next_id;
};

static void take_batch(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct batches *batches = arg;

	assert_true(batches->count < 16);
	batches->sizes[batches->count++] = count;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(events[i].id.v, batches->next_id++);
}

static void test_ioasid_second_phase_is_done_in_batches(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.reclaim = take_batch};
	struct ioasid_world *world = *state;
	struct batches batches = {.next_id = 1};
	struct vsva_ioasid_notifier *notifier;

	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL, VSVA_IOASID_PRIORITY_CPU,
						       &subscriber, &batches, &notifier),
			 0);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(ioasid_new(world->a).v, i + 1);
	vsva_ioasid_free_all(world->a);
	assert_int_equal(vsva_ioasid_set_count(world->a), MANY);
	assert_int_equal(batches.count, 0);
	assert_true(worker_pool_step(world->pool));
	assert_int_equal(vsva_ioasid_set_count(world->a), MANY - VSVA_LIMIT_RECLAIM_BATCH);
	ioasid_run(world);
	assert_int_equal(batches.count, 4);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(batches.sizes[i], VSVA_LIMIT_RECLAIM_BATCH);
	assert_int_equal(batches.sizes[3], 100);
	assert_int_equal(vsva_ioasid_set_count(world->a), 0);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
}

static void test_ioasid_free_all_is_of_one_set(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t other = ioasid_new(world->b);

	for (unsigned i = 0; i < 10; i++)
		ioasid_new(world->a);
	vsva_ioasid_free_all(world->a);
	assert_int_equal(vsva_ioasid_set_count(world->a), 0);
	assert_int_equal(ioasid_state(world, other), VSVA_IOASID_IDLE);
	ioasid_new(world->a);
}

/* Waiting */

static void test_ioasid_free_sync_waits(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;
	hpasid_t id, pending;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	pending = ioasid_new(world->a);
	id = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_free(world->a, pending), 0);
	assert_int_equal(vsva_ioasid_free_sync(world->a, id), 0);
	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_FREE);
	assert_int_equal(vsva_ioasid_free_sync(world->a, pending), 0);
	assert_int_equal(vsva_ioasid_free_sync(world->a, hpasid(77)), 0);
	assert_int_equal(vsva_ioasid_free_sync(world->a, hpasid(0)), -EINVAL);
	assert_int_equal(vsva_ioasid_free_sync(world->a, hpasid(VSVA_PASID_MAX + 1)), -EINVAL);
	unwatch(&w);
}

/* Somebody keeps it: the wait ends, the number stays out of circulation, and comes back later. */
static void test_ioasid_free_sync_times_out(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);

	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	assert_int_equal(vsva_ioasid_free_sync(world->a, id), -ETIMEDOUT);
	assert_int_equal(vsva_ioasid_free_sync(world->a, id), -ETIMEDOUT);
	assert_int_equal(vsva_ioasid_free_all_sync(world->a), -ETIMEDOUT);
	expect_number_is_kept(world, id);
	vsva_ioasid_put(world->space, id);
	expect_number_is_free(world, id);
	assert_int_equal(vsva_ioasid_free_all_sync(world->a), 0);
}

static void test_ioasid_free_all_sync_waits_for_earlier_ones(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	assert_int_equal(vsva_ioasid_free(world->a, ioasid_new(world->a)), 0);
	for (unsigned i = 0; i < 3; i++)
		ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_free_all_sync(world->a), 0);
	assert_int_equal(vsva_ioasid_set_count(world->a), 0);
	unwatch(&w);
}

struct put_later {
	struct ioasid_world *world;
	hpasid_t id;
	bool is_put; /* atomic */
};

static void *put_it(void *arg)
{
	struct put_later *later = arg;

	while (ioasid_state(later->world, later->id) != VSVA_IOASID_FREE_PENDING)
		sched_yield();
	__atomic_store_n(&later->is_put, true, __ATOMIC_RELEASE);
	vsva_ioasid_put(later->world->space, later->id);
	return NULL;
}

static void test_ioasid_free_sync_waits_for_another_thread(void **state)
{
	struct ioasid_world *world = *state;

	for (unsigned i = 0; i < 200; i++) {
		struct put_later later = {.world = world, .id = ioasid_new(world->a)};
		pthread_t thread;

		assert_int_equal(vsva_ioasid_get(world->space, NULL, later.id), 0);
		assert_int_equal(pthread_create(&thread, NULL, put_it, &later), 0);
		if (i % 2)
			assert_int_equal(vsva_ioasid_free_sync(world->a, later.id), 0);
		else
			assert_int_equal(vsva_ioasid_free_all_sync(world->a), 0);
		assert_true(__atomic_load_n(&later.is_put, __ATOMIC_ACQUIRE));
		assert_int_equal(vsva_ioasid_set_count(world->a), 0);
		pthread_join(thread, NULL);
	}
}

/* Atomic contexts */

static void test_ioasid_free_from_atomic_context(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;
	hpasid_t id, found;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_both);
	atomic_enter();
	id = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, id, gpasid(3)), 0);
	assert_int_equal(vsva_ioasid_get_gpasid(world->a, gpasid(3), &found), 0);
	vsva_ioasid_put(world->space, id);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	vsva_ioasid_free_all(world->a);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, 500), 0);
	atomic_exit();
	ioasid_run(world);
	expect_diary(&world->diary, "w alloc 1; w free 1; w reclaim 1; ");
	unwatch(&w);
}

static void free_sync_in_atomic_context(void *arg)
{
	struct ioasid_world *world = arg;
	hpasid_t id = ioasid_new(world->a);

	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	atomic_enter();
	vsva_ioasid_free_sync(world->a, id);
}

static void test_ioasid_waits_are_not_for_atomic_contexts(void **state)
{
	unit_expect_check(free_sync_in_atomic_context, *state);
}

/* Inside the second phase */

struct inside {
	struct ioasid_world *world;
	int own, own_all, other, alloc;
	enum vsva_ioasid_state seen;
	bool has_reference;
};

static void act_inside(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct inside *inside = arg;
	struct ioasid_world *world = inside->world;
	hpasid_t other, new;

	(void)count;
	if (events[0].set != world->a)
		return;
	inside->own = vsva_ioasid_free_sync(world->a, events[0].id);
	inside->own_all = vsva_ioasid_free_all_sync(world->a);
	other = ioasid_new(world->b);
	inside->other = vsva_ioasid_free_sync(world->b, other);
	inside->alloc = vsva_ioasid_alloc(world->a, 1, VSVA_PASID_MAX, NULL, &new);
	assert_int_not_equal(new.v, events[0].id.v);
	inside->seen = ioasid_state(world, events[0].id);
	assert_int_equal(vsva_ioasid_free(world->a, events[0].id), 0);
	if (inside->has_reference)
		vsva_ioasid_put(world->space, events[0].id);
}

static void see_inside(struct ioasid_world *world)
{
	static const struct vsva_ioasid_subscriber subscriber = {.reclaim = act_inside};
	struct inside inside = {.world = world, .has_reference = true};
	struct vsva_ioasid_notifier *notifier;
	hpasid_t id = ioasid_new(world->a);

	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL, VSVA_IOASID_PRIORITY_CPU,
						       &subscriber, &inside, &notifier),
			 0);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	assert_int_equal(vsva_ioasid_free_sync(world->a, id), 0);
	assert_int_equal(inside.own, -EDEADLK);
	assert_int_equal(inside.own_all, -EDEADLK);
	assert_int_equal(inside.other, 0);
	assert_int_equal(inside.alloc, 0);
	assert_int_equal(inside.seen, VSVA_IOASID_FREE_PENDING);
	assert_int_equal(vsva_ioasid_set_count(world->a), 1);
	inside.has_reference = false;
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
}

static void test_ioasid_second_phase_may_use_the_space(void **state)
{
	see_inside(*state);
}

/* Sets that die with ids pending */

static void test_ioasid_set_free_frees_its_ids(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);
	struct watcher w;

	watch(world, &w, "w", &world->token_a, VSVA_IOASID_PRIORITY_LAST, &watcher_events);
	vsva_ioasid_set_free(world->a);
	world->a = NULL;
	expect_diary(&world->diary, "w free 1; ");
	expect_number_is_free(world, id);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - IOASID_QUOTA);
	assert_int_equal(vsva_ioasid_set_alloc(world->space, &world->token_a, 1, &world->a), 0);
	unwatch(&w);
}

static void expect_set_is_there(struct ioasid_world *world)
{
	struct vsva_ioasid_set *set;

	assert_int_equal(vsva_ioasid_set_alloc(world->space, &world->token_a, 1, &set), -EEXIST);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - 2 * IOASID_QUOTA);
}

static void test_ioasid_set_goes_with_its_last_id(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t ids[3];
	struct watcher w;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	for (unsigned i = 0; i < 3; i++)
		ids[i] = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, ids[1]), 0);
	vsva_ioasid_set_free(world->a);
	world->a = NULL;
	assert_null(vsva_ioasid_set_of(world->space, ids[1]));
	expect_set_is_there(world);
	ioasid_run(world);
	expect_diary(&world->diary, "w reclaim 1 2 3; ");
	expect_number_is_free(world, ids[0]);
	expect_set_is_there(world);
	vsva_ioasid_put(world->space, ids[1]);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - IOASID_QUOTA);
	assert_int_equal(vsva_ioasid_set_alloc(world->space, &world->token_a, 1, &world->a), 0);
	ioasid_run(world);
	unwatch(&w);
}

/* Also if the last reference goes on the set's own worker. */
static void test_ioasid_set_goes_on_its_own_worker(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;
	size_t bytes;

	rcu_barrier();
	bytes = base_bytes_in_use();
	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	for (unsigned i = 0; i < 500; i++) {
		void *token = &world->diary.text[i];
		struct vsva_ioasid_set *set;

		world->diary.len = 0;
		assert_int_equal(vsva_ioasid_set_alloc(world->space, token, 3, &set), 0);
		for (unsigned j = 0; j <= i % 3; j++)
			ioasid_new(set);
		vsva_ioasid_set_free(set);
		if (i % 5 == 0)
			ioasid_run(world);
		world->diary.len = 0;
	}
	ioasid_run(world);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - 2 * IOASID_QUOTA);
	unwatch(&w);
	rcu_barrier();
	assert_true(base_bytes_in_use() < bytes + 65536); /* index of ids, made once */
}

static void test_ioasid_set_that_is_held_answers(void **state)
{
	struct ioasid_world *world = *state;
	struct vsva_ioasid_set *set = world->a;
	hpasid_t id = ioasid_new(set), out;
	struct ioasid_binding binding = {.id = id, .guest = {9}};

	ioasid_set_hold(set);
	vsva_ioasid_set_free(set);
	world->a = NULL;
	assert_int_equal(vsva_ioasid_set_alloc(world->space, &world->token_a, 5, &world->a), 0);
	assert_int_equal(vsva_ioasid_alloc(set, 1, VSVA_PASID_MAX, NULL, &out), -ENOENT);
	assert_int_equal(vsva_ioasid_set_adjust(set, 5), -ENOENT);
	assert_int_equal(vsva_ioasid_free(set, id), 0);
	assert_int_equal(vsva_ioasid_free_all_sync(set), 0);
	assert_int_equal(ioasid_reserve(set, &binding), -ENOENT);
	assert_int_equal(vsva_ioasid_find_gpasid(set, gpasid(9), &out), -ENOENT);
	assert_int_equal(vsva_ioasid_set_count(set), 0);
	ioasid_set_drop(set);
	ioasid_set_drop(NULL);
}

/* A binding is taken down after the set was freed. */
static void test_ioasid_binding_outlives_the_set(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);
	struct ioasid_binding binding = {.id = id, .guest = {9}};
	struct vsva_ioasid_set *set = world->a;

	assert_int_equal(ioasid_bind(set, &binding, 0), 0);
	vsva_ioasid_set_free(set);
	world->a = NULL;
	expect_number_is_kept(world, id);
	assert_int_equal(ioasid_activate(set, &binding, 0), -ENOENT);
	ioasid_deactivate(set, &binding);
	ioasid_release(set, &binding);
	expect_number_is_free(world, id);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - IOASID_QUOTA);
}

/* What is pending when the space goes is reclaimed; a reference that was lost is told of. */
static void test_ioasid_space_ends_with_ids_pending(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;

	hush_log();
	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	for (unsigned i = 0; i < 300; i++)
		ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, hpasid(7)), 0);
	vsva_ioasid_set_free(world->a);
	vsva_ioasid_set_free(world->b);
	world->a = world->b = NULL;
	unwatch(&w);
	assert_int_equal(hushed_lines(), 0);
	ioasid_space_destroy(world->space);
	assert_int_equal(hushed_lines(), 1);
	world->space = NULL;
}

static void destroy_with_a_set(void *arg)
{
	struct ioasid_world *world = arg;

	vsva_ioasid_set_free(world->a);
	ioasid_space_destroy(world->space);
}

static void destroy_with_a_notifier(void *arg)
{
	struct ioasid_world *world = arg;
	static struct watcher w;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	vsva_ioasid_set_free(world->a);
	vsva_ioasid_set_free(world->b);
	ioasid_space_destroy(world->space);
}

static void test_ioasid_space_ends_last(void **state)
{
	unit_expect_check(destroy_with_a_set, *state);
	unit_expect_check(destroy_with_a_notifier, *state);
}

/* Quota */

static void test_ioasid_quota_counts_pending_ids(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t a, b, out;

	assert_int_equal(vsva_ioasid_set_adjust(world->a, 2), 0);
	a = ioasid_new(world->a);
	b = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, a), 0);
	assert_int_equal(vsva_ioasid_free(world->a, a), 0);
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, VSVA_PASID_MAX, NULL, &out), -EDQUOT);
	vsva_ioasid_put(world->space, a);
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, VSVA_PASID_MAX, NULL, &out), 0);
	assert_int_equal(vsva_ioasid_free(world->a, b), 0);
}

static void test_ioasid_quota_is_adjusted(void **state)
{
	struct ioasid_world *world = *state;
	uint32_t rest = IOASID_LAST - 2 * IOASID_QUOTA;
	hpasid_t out;

	for (unsigned i = 0; i < 5; i++)
		ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, 0), -EINVAL);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, 4), -EBUSY);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, IOASID_QUOTA + rest + 1), -ENOSPC);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, UINT32_MAX), -ENOSPC);
	assert_int_equal(vsva_ioasid_set_quota(world->a), IOASID_QUOTA);
	assert_int_equal(vsva_ioasid_space_available(world->space), rest);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, IOASID_QUOTA + rest), 0);
	assert_int_equal(vsva_ioasid_space_available(world->space), 0);
	assert_int_equal(vsva_ioasid_set_adjust(world->b, IOASID_QUOTA + 1), -ENOSPC);
	assert_int_equal(vsva_ioasid_set_adjust(world->b, IOASID_QUOTA), 0);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, 5), 0);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - IOASID_QUOTA - 5);
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, VSVA_PASID_MAX, NULL, &out), -EDQUOT);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, 6), 0);
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, VSVA_PASID_MAX, NULL, &out), 0);
}

/* In a world of its own, which the test itself takes down. */
static int teardown_rest(void **state)
{
	struct ioasid_world *world = *state;

	worker_pool_destroy(world->pool);
	hush_log();
	free(world);
	return 0;
}

#define TEST(name)    cmocka_unit_test_setup_teardown(name, ioasid_setup, ioasid_teardown)
#define THREADS(name) cmocka_unit_test_setup_teardown(name, ioasid_setup_threads, ioasid_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ioasid_set_outlives_its_readers),
		TEST(test_ioasid_space_bytes),
		TEST(test_ioasid_free_without_second_phase_is_done_at_once),
		TEST(test_ioasid_free_has_two_phases),
		TEST(test_ioasid_free_twice_is_told_once),
		TEST(test_ioasid_references_keep_the_number),
		TEST(test_ioasid_put_without_reference_is_refused),
		TEST(test_ioasid_guest_pasid_is_free_at_once),
		TEST(test_ioasid_second_phase_knows_the_guest_pasid),
		TEST(test_ioasid_second_phase_is_done_in_batches),
		TEST(test_ioasid_free_all_is_of_one_set),
		TEST(test_ioasid_free_sync_waits),
		TEST(test_ioasid_free_sync_times_out),
		TEST(test_ioasid_free_all_sync_waits_for_earlier_ones),
		THREADS(test_ioasid_free_sync_waits),
		THREADS(test_ioasid_free_all_sync_waits_for_earlier_ones),
		THREADS(test_ioasid_free_sync_waits_for_another_thread),
		TEST(test_ioasid_free_from_atomic_context),
		TEST(test_ioasid_waits_are_not_for_atomic_contexts),
		TEST(test_ioasid_second_phase_may_use_the_space),
		THREADS(test_ioasid_second_phase_may_use_the_space),
		TEST(test_ioasid_set_free_frees_its_ids),
		TEST(test_ioasid_set_goes_with_its_last_id),
		TEST(test_ioasid_set_goes_on_its_own_worker),
		TEST(test_ioasid_set_that_is_held_answers),
		TEST(test_ioasid_binding_outlives_the_set),
		cmocka_unit_test_setup_teardown(test_ioasid_space_ends_with_ids_pending,
						ioasid_setup, teardown_rest),
		TEST(test_ioasid_space_ends_last),
		TEST(test_ioasid_quota_counts_pending_ids),
		TEST(test_ioasid_quota_is_adjusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
