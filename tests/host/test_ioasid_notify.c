// SPDX-License-Identifier: MIT
/* Who is told of what, in which order, and what may be done there. */
#include "ioasid_world.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/atomic.h"

/* Order */

static void test_ioasid_notify_order_is_priority_then_age(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher watchers[8];
	hpasid_t id;

	/* everybody's and the set's, registered from last to first */
	for (unsigned i = 0; i < 4; i++) {
		static const char *const of_all[] = {"C", "D", "I", "L"};
		static const char *const of_set[] = {"c", "d", "i", "l"};
		enum vsva_ioasid_priority priority = VSVA_IOASID_PRIORITY_LAST - i;
		bool is_set_first = i % 2;

		watch(world, &watchers[2 * i], is_set_first ? of_set[priority] : of_all[priority],
		      is_set_first ? &world->token_a : NULL, priority, &watcher_both);
		watch(world, &watchers[2 * i + 1],
		      is_set_first ? of_all[priority] : of_set[priority],
		      is_set_first ? NULL : &world->token_a, priority, &watcher_both);
	}
	id = ioasid_new(world->a);
	expect_diary(&world->diary, "c alloc 1; C alloc 1; D alloc 1; d alloc 1; "
				    "i alloc 1; I alloc 1; L alloc 1; l alloc 1; ");
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	expect_diary(&world->diary, "c free 1; C free 1; D free 1; d free 1; "
				    "i free 1; I free 1; L free 1; l free 1; ");
	ioasid_run(world);
	expect_diary(&world->diary, "c reclaim 1; C reclaim 1; D reclaim 1; d reclaim 1; "
				    "i reclaim 1; I reclaim 1; L reclaim 1; l reclaim 1; ");
	id = ioasid_new(world->b);
	expect_diary(&world->diary, "C alloc 1; D alloc 1; I alloc 1; L alloc 1; ");
	assert_int_equal(vsva_ioasid_free_sync(world->b, id), 0);
	for (unsigned i = 0; i < 8; i++)
		unwatch(&watchers[i]);
}

static void test_ioasid_notify_equal_ones_in_order_of_registration(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher watchers[3];

	watch(world, &watchers[0], "1", NULL, VSVA_IOASID_PRIORITY_CPU, &watcher_events);
	watch(world, &watchers[1], "2", &world->token_a, VSVA_IOASID_PRIORITY_CPU, &watcher_events);
	watch(world, &watchers[2], "3", NULL, VSVA_IOASID_PRIORITY_CPU, &watcher_events);
	ioasid_new(world->a);
	expect_diary(&world->diary, "1 alloc 1; 2 alloc 1; 3 alloc 1; ");
	unwatch(&watchers[0]);
	watch(world, &watchers[0], "1", NULL, VSVA_IOASID_PRIORITY_CPU, &watcher_events);
	ioasid_new(world->a);
	expect_diary(&world->diary, "2 alloc 2; 3 alloc 2; 1 alloc 2; ");
	for (unsigned i = 0; i < 3; i++)
		unwatch(&watchers[i]);
}

/* Transitions */

/* BIND with the first binding, UNBIND with the last one, whatever happens between. */
static void test_ioasid_notify_first_bind_and_last_unbind(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);
	struct ioasid_binding bindings[3];
	struct watcher w;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_events);
	for (unsigned i = 0; i < 3; i++) {
		bindings[i] = (struct ioasid_binding){.id = id, .guest = {5}};
		assert_int_equal(ioasid_reserve(world->a, &bindings[i]), 0);
	}
	expect_diary(&world->diary, "");
	assert_int_equal(ioasid_activate(world->a, &bindings[1], 0), 0);
	expect_diary(&world->diary, "w bind 1; ");
	assert_int_equal(ioasid_activate(world->a, &bindings[0], 0), 0);
	ioasid_deactivate(world->a, &bindings[1]);
	ioasid_release(world->a, &bindings[1]);
	assert_int_equal(ioasid_activate(world->a, &bindings[2], 0), 0);
	ioasid_deactivate(world->a, &bindings[0]);
	expect_diary(&world->diary, "");
	ioasid_deactivate(world->a, &bindings[2]);
	expect_diary(&world->diary, "w unbind 1; ");
	ioasid_deactivate(world->a, &bindings[2]);
	assert_int_equal(ioasid_activate(world->a, &bindings[0], 0), 0);
	expect_diary(&world->diary, "w bind 1; ");
	ioasid_unbind(world->a, &bindings[0]);
	ioasid_unbind(world->a, &bindings[2]);
	expect_diary(&world->diary, "w unbind 1; ");
	unwatch(&w);
}

/* Freed while it is bound: FREE says it all, UNBIND does not come on top. */
static void test_ioasid_notify_no_unbind_after_free(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);
	struct ioasid_binding binding = {.id = id, .guest = {5}};
	struct watcher w;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_events);
	assert_int_equal(ioasid_bind(world->a, &binding, 0), 0);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	ioasid_unbind(world->a, &binding);
	expect_diary(&world->diary, "w bind 1; w free 1; ");
	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_FREE);
	unwatch(&w);
}

static void keep_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct vsva_ioasid_event *events = arg;

	events[event->kind] = *event;
}

static void test_ioasid_notify_event_says_all(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = keep_event};
	struct vsva_ioasid_event events[VSVA_IOASID_EVENT_COUNT];
	struct ioasid_world *world = *state;
	struct vsva_ioasid_notifier *notifier;
	struct ioasid_binding binding = {.guest = {5}};

	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL,
						       VSVA_IOASID_PRIORITY_IOMMU, &subscriber,
						       events, &notifier),
			 0);
	binding.id = ioasid_new(world->b);
	assert_int_equal(ioasid_bind(world->b, &binding, VSVA_IOASID_GUEST_MODE | 0xff00), 0);
	ioasid_unbind(world->b, &binding);
	assert_int_equal(vsva_ioasid_attach_gpasid(world->b, binding.id, gpasid(6)), 0);
	assert_int_equal(vsva_ioasid_free(world->b, binding.id), 0);
	for (unsigned kind = VSVA_IOASID_EVENT_ALLOC; kind < VSVA_IOASID_EVENT_COUNT; kind++) {
		assert_int_equal(events[kind].kind, kind);
		assert_ptr_equal(events[kind].set, world->b);
		assert_ptr_equal(events[kind].token, &world->token_b);
		assert_ptr_equal(vsva_ioasid_set_token(events[kind].set), &world->token_b);
		assert_int_equal(events[kind].id.v, binding.id.v);
	}
	assert_int_equal(events[VSVA_IOASID_EVENT_ALLOC].guest.v, VSVA_PASID_INVALID);
	assert_int_equal(events[VSVA_IOASID_EVENT_BIND].guest.v, 5);
	assert_int_equal(events[VSVA_IOASID_EVENT_BIND].flags, VSVA_IOASID_GUEST_MODE);
	assert_int_equal(events[VSVA_IOASID_EVENT_UNBIND].guest.v, 5);
	assert_int_equal(events[VSVA_IOASID_EVENT_FREE].guest.v, 6);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
}

/* Native bindings have no guest PASID. */
static void test_ioasid_notify_native_binding(void **state)
{
	struct ioasid_world *world = *state;
	struct ioasid_binding binding = {.guest = {VSVA_PASID_INVALID}};
	struct watcher w;
	gpasid_t guest;

	binding.id = ioasid_new(world->a);
	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_events);
	assert_int_equal(ioasid_bind(world->a, &binding, 0), 0);
	assert_int_equal(vsva_ioasid_gpasid_of(world->a, binding.id, &guest), -ENOENT);
	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, binding.id, gpasid(4)), -EBUSY);
	ioasid_unbind(world->a, &binding);
	expect_diary(&world->diary, "w bind 1; w unbind 1; ");
	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, binding.id, gpasid(4)), 0);
	unwatch(&w);
}

/* Inside an event function */

struct inside {
	struct ioasid_world *world;
	hpasid_t other;
	struct vsva_ioasid_notifier *notifier, *foreign;
	enum vsva_ioasid_event_kind only; /* act on this one */
	unsigned calls;
};

static void count_binding(void *arg, struct ioasid_binding *binding)
{
	assert_non_null(binding);
	++*(unsigned *)arg;
}

static void count_id(void *arg, hpasid_t id)
{
	assert_int_not_equal(id.v, 0);
	++*(unsigned *)arg;
}

static void count_set(void *arg, const struct vsva_ioasid_set *set)
{
	assert_non_null(set);
	++*(unsigned *)arg;
}

static uint32_t refuse_number(void *arg, uint32_t min, uint32_t max)
{
	(void)arg;
	(void)min;
	(void)max;
	return VSVA_PASID_INVALID;
}

static void ignore_number(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
}

static void refuse_everything(struct inside *inside, const struct vsva_ioasid_event *event)
{
	static const struct vsva_ioasid_allocator_ops ops = {refuse_number, ignore_number};
	struct ioasid_binding binding = {.id = event->id, .guest = event->guest};
	struct ioasid_world *world = inside->world;
	struct vsva_ioasid_notifier *notifier;
	struct vsva_ioasid_set *set;
	int token = 0;
	hpasid_t out = {5};

	assert_int_equal(vsva_ioasid_set_alloc(world->space, &token, 1, &set), -EDEADLK);
	assert_int_equal(vsva_ioasid_set_adjust(world->a, 5), -EDEADLK);
	assert_int_equal(vsva_ioasid_alloc(world->a, 1, 9, NULL, &out), -EDEADLK);
	assert_int_equal(out.v, VSVA_PASID_INVALID);
	assert_int_equal(vsva_ioasid_free(world->a, event->id), -EDEADLK);
	assert_int_equal(vsva_ioasid_free_sync(world->a, event->id), -EDEADLK);
	assert_int_equal(vsva_ioasid_free_all_sync(world->a), -EDEADLK);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, inside->other), -EDEADLK);
	assert_int_equal(vsva_ioasid_get_gpasid(world->a, gpasid(99), &out), -EDEADLK);
	assert_int_equal(vsva_ioasid_set_data(world->a, event->id, NULL), -EDEADLK);
	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, event->id, gpasid(8)), -EDEADLK);
	assert_int_equal(vsva_ioasid_detach_gpasid(world->a, event->id), -EDEADLK);
	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL, VSVA_IOASID_PRIORITY_CPU,
						       &watcher_events, NULL, &notifier),
			 -EDEADLK);
	assert_int_equal(vsva_ioasid_notifier_unregister(inside->notifier), -EDEADLK);
	assert_int_equal(vsva_ioasid_notifier_unregister(inside->foreign), -EDEADLK);
	assert_int_equal(vsva_ioasid_register_allocator(world->space, &ops, NULL), -EDEADLK);
	assert_int_equal(ioasid_reserve(world->a, &binding), -EDEADLK);
	assert_int_equal(ioasid_activate(world->a, &binding, 0), -EDEADLK);
	assert_int_equal(vsva_ioasid_unregister_allocator(world->space, &ops, NULL), -EDEADLK);
	vsva_ioasid_free_all(world->a);
	vsva_ioasid_set_free(world->a);
}

static void act_in_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct inside *inside = arg;

	assert_true(atomic_is_inside());
	if (event->kind != inside->only)
		return;
	inside->calls++;
	refuse_everything(inside, event);
}

static void test_ioasid_notify_functions_refuse_inside_events(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = act_in_event};
	struct ioasid_world *world = *state;
	struct inside inside = {.world = world, .only = VSVA_IOASID_EVENT_NONE};
	struct watcher w;
	struct ioasid_binding binding = {.guest = {5}};

	hush_log();
	inside.other = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_attach_gpasid(world->a, inside.other, gpasid(99)), 0);
	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_events);
	inside.foreign = w.notifier;
	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL, VSVA_IOASID_PRIORITY_CPU,
						       &subscriber, &inside, &inside.notifier),
			 0);
	inside.only = VSVA_IOASID_EVENT_ALLOC;
	binding.id = ioasid_new(world->a);
	inside.only = VSVA_IOASID_EVENT_BIND;
	assert_int_equal(ioasid_bind(world->a, &binding, 0), 0);
	inside.only = VSVA_IOASID_EVENT_UNBIND;
	ioasid_unbind(world->a, &binding);
	inside.only = VSVA_IOASID_EVENT_FREE;
	assert_int_equal(vsva_ioasid_free(world->a, binding.id), 0);
	assert_int_equal(inside.calls, 4);
	expect_diary(&world->diary, "w alloc 2; w bind 2; w unbind 2; w free 2; ");
	assert_int_equal(vsva_ioasid_set_count(world->a), 1);
	assert_true(hushed_lines() >= 1);
	assert_int_equal(vsva_ioasid_notifier_unregister(inside.notifier), 0);
	unwatch(&w);
	assert_false(atomic_is_inside());
}

/* A subscriber that keeps the number while it is bound, and one that does until reclaim: what KVM
 * and a mediated device do. */
static void look_up_in_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct inside *inside = arg;
	struct ioasid_world *world = inside->world;
	bool is_live = event->kind != VSVA_IOASID_EVENT_FREE;
	int expected = is_live ? 0 : -ENOENT;
	unsigned bindings = 0, ids = 0, sets = 0;
	gpasid_t guest;
	hpasid_t found;

	inside->calls++;
	assert_int_equal(vsva_ioasid_find(world->space, event->set, event->id, NULL), expected);
	assert_ptr_equal(vsva_ioasid_set_of(world->space, event->id), is_live ? event->set : NULL);
	assert_true(vsva_ioasid_set_count(event->set) > 0);
	if (event->guest.v != VSVA_PASID_INVALID) {
		assert_int_equal(vsva_ioasid_find_gpasid(event->set, event->guest, &found),
				 expected);
		assert_int_equal(vsva_ioasid_gpasid_of(event->set, event->id, &guest), expected);
		assert_int_equal(vsva_ioasid_get_gpasid(event->set, event->guest, &found),
				 expected);
		if (is_live)
			vsva_ioasid_put(world->space, found);
	}
	ioasid_for_each_binding(world->space, event->id, count_binding, &bindings);
	assert_int_equal(bindings, event->kind != VSVA_IOASID_EVENT_ALLOC);
	vsva_ioasid_set_for_each(event->set, count_id, &ids);
	assert_int_equal(ids, is_live);
	vsva_ioasid_space_for_each(world->space, count_set, &sets);
	assert_int_equal(sets, 2);
	if (event->kind == VSVA_IOASID_EVENT_BIND)
		assert_int_equal(vsva_ioasid_get(world->space, event->set, event->id), 0);
	if (event->kind == VSVA_IOASID_EVENT_FREE) {
		assert_int_equal(vsva_ioasid_get(world->space, event->set, event->id), -ENOENT);
		vsva_ioasid_put(world->space, event->id);
	}
}

static void run_life(struct ioasid_world *world, uint32_t guest)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = look_up_in_event};
	struct inside inside = {.world = world};
	struct ioasid_binding binding = {.guest = {guest}};

	assert_int_equal(vsva_ioasid_notifier_register(world->space, &world->token_a,
						       VSVA_IOASID_PRIORITY_CPU, &subscriber,
						       &inside, &inside.notifier),
			 0);
	binding.id = ioasid_new(world->a);
	assert_int_equal(ioasid_bind(world->a, &binding, 0), 0);
	assert_int_equal(ioasid_references(world, binding.id), 3);
	assert_int_equal(vsva_ioasid_free(world->a, binding.id), 0);
	assert_int_equal(ioasid_references(world, binding.id), 1);
	ioasid_unbind(world->a, &binding);
	assert_int_equal(ioasid_state(world, binding.id), VSVA_IOASID_FREE);
	assert_int_equal(inside.calls, 3);
	assert_int_equal(vsva_ioasid_notifier_unregister(inside.notifier), 0);
}

static void test_ioasid_notify_look_ups_inside_events(void **state)
{
	run_life(*state, 5);
}

/* Looked for under the lock, which the event's thread has. */
static void test_ioasid_notify_look_ups_of_large_guest_pasids(void **state)
{
	run_life(*state, 0x12345678);
}

static void wait_in_event(void *arg, const struct vsva_ioasid_event *event)
{
	(void)arg;
	(void)event;
	rcu_synchronize();
}

static void alloc_for_waiter(void *arg)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = wait_in_event};
	struct ioasid_world *world = arg;
	struct vsva_ioasid_notifier *notifier;

	vsva_ioasid_notifier_register(world->space, NULL, VSVA_IOASID_PRIORITY_CPU, &subscriber,
				      NULL, &notifier);
	ioasid_new(world->a);
}

static void test_ioasid_notify_event_functions_do_not_wait(void **state)
{
	unit_expect_check(alloc_for_waiter, *state);
}

/* Registration */

static void test_ioasid_notify_register_refuses(void **state)
{
	struct ioasid_world *world = *state;
	struct vsva_ioasid_notifier *notifier, *other;
	int token = 0;

	assert_int_equal(
		vsva_ioasid_notifier_register(world->space, NULL, 0, NULL, world, &notifier),
		-EINVAL);
	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL,
						       VSVA_IOASID_PRIORITY_COUNT, &watcher_events,
						       world, &notifier),
			 -EINVAL);
	for (unsigned i = 0; i < 3; i++) {
		const void *tokens[] = {NULL, &world->token_a, &token};

		assert_int_equal(vsva_ioasid_notifier_register(world->space, tokens[i], 0,
							       &watcher_events, world, &notifier),
				 0);
		assert_int_equal(vsva_ioasid_notifier_register(world->space, tokens[i], 1,
							       &watcher_events, world, &other),
				 -EEXIST);
		assert_int_equal(vsva_ioasid_notifier_register(world->space, tokens[i], 1,
							       &watcher_events, &token, &other),
				 0);
		assert_int_equal(vsva_ioasid_notifier_unregister(other), 0);
		assert_int_equal(vsva_ioasid_notifier_register(world->space, tokens[i], 1,
							       &watcher_both, world, &other),
				 0);
		assert_int_equal(vsva_ioasid_notifier_unregister(other), 0);
		assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
	}
	assert_int_equal(vsva_ioasid_notifier_unregister(NULL), 0);
}

static void test_ioasid_notify_unregistered_is_not_told(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;
	hpasid_t id;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_both);
	id = ioasid_new(world->a);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	unwatch(&w);
	ioasid_run(world);
	expect_diary(&world->diary, "w alloc 1; w free 1; ");
	assert_int_equal(ioasid_state(world, id), VSVA_IOASID_FREE);
}

/* For owners that are still to come, two of them, in an order that has nothing to do with that of
 * the sets; and for the owner's next set. */
static void test_ioasid_notify_registered_before_the_set(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher watchers[4];
	struct vsva_ioasid_set *x, *y;
	int token_x = 0, token_y = 0;

	watch(world, &watchers[0], "x2", &token_x, VSVA_IOASID_PRIORITY_LAST, &watcher_events);
	watch(world, &watchers[1], "y", &token_y, VSVA_IOASID_PRIORITY_CPU, &watcher_events);
	watch(world, &watchers[2], "x1", &token_x, VSVA_IOASID_PRIORITY_CPU, &watcher_events);
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(vsva_ioasid_set_alloc(world->space, &token_y, 1, &y), 0);
		assert_int_equal(vsva_ioasid_set_alloc(world->space, &token_x, 1, &x), 0);
		ioasid_new(x);
		ioasid_new(y);
		expect_diary(&world->diary, "x1 alloc 1; x2 alloc 1; y alloc 2; ");
		vsva_ioasid_set_free(x);
		watch(world, &watchers[3], "x3", &token_x, VSVA_IOASID_PRIORITY_DEVICE,
		      &watcher_events);
		assert_int_equal(vsva_ioasid_set_alloc(world->space, &token_x, 1, &x), 0);
		ioasid_new(x);
		expect_diary(&world->diary, "x1 free 1; x2 free 1; "
					    "x1 alloc 1; x3 alloc 1; x2 alloc 1; ");
		unwatch(&watchers[3]);
		vsva_ioasid_set_free(x);
		vsva_ioasid_set_free(y);
		expect_diary(&world->diary, "x1 free 1; x2 free 1; y free 2; ");
	}
	unwatch(&watchers[0]);
	unwatch(&watchers[1]);
	unwatch(&watchers[2]);
}

/* A set that lives on as a zombie has its notifiers until its last id. */
static void test_ioasid_notify_of_zombie(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher early, late;

	watch(world, &early, "e", &world->token_a, VSVA_IOASID_PRIORITY_LAST, &watcher_both);
	ioasid_new(world->a);
	vsva_ioasid_set_free(world->a);
	world->a = NULL;
	watch(world, &late, "l", &world->token_a, VSVA_IOASID_PRIORITY_LAST, &watcher_both);
	ioasid_run(world);
	expect_diary(&world->diary, "e alloc 1; e free 1; e reclaim 1; l reclaim 1; ");
	unwatch(&early);
	unwatch(&late);
}

/* Registration from within a second phase */

struct changer {
	struct ioasid_world *world;
	struct vsva_ioasid_notifier *self, *victim;
	struct watcher added;
	unsigned calls;
};

static void change(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct changer *changer = arg;

	(void)events;
	(void)count;
	if (changer->calls++)
		return;
	assert_int_equal(vsva_ioasid_notifier_unregister(changer->self), -EDEADLK);
	assert_int_equal(vsva_ioasid_notifier_unregister(changer->victim), 0);
	watch(changer->world, &changer->added, "n", NULL, VSVA_IOASID_PRIORITY_LAST,
	      &watcher_reclaim);
}

static void test_ioasid_notify_changes_inside_second_phase(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.reclaim = change};
	struct ioasid_world *world = *state;
	struct changer changer = {.world = world};
	struct watcher victim;

	watch(world, &victim, "v", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	changer.victim = victim.notifier;
	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL, VSVA_IOASID_PRIORITY_CPU,
						       &subscriber, &changer, &changer.self),
			 0);
	assert_int_equal(vsva_ioasid_free_sync(world->a, ioasid_new(world->a)), 0);
	assert_int_equal(vsva_ioasid_free_sync(world->a, ioasid_new(world->a)), 0);
	assert_int_equal(changer.calls, 2);
	expect_diary(&world->diary, "n reclaim 1; n reclaim 1; ");
	assert_int_equal(vsva_ioasid_notifier_unregister(changer.self), 0);
	unwatch(&changer.added);
}

/* Unregistration while a second phase runs */

struct slow {
	bool has_begun, may_end, has_ended; /* atomic */
};

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set_flag(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

static void reclaim_slowly(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct slow *slow = arg;

	(void)events;
	(void)count;
	set_flag(&slow->has_begun);
	while (!is_set(&slow->may_end))
		sched_yield();
	usleep(1000);
	set_flag(&slow->has_ended);
}

static void *let_it_end(void *arg)
{
	struct slow *slow = arg;

	while (!is_set(&slow->has_begun))
		sched_yield();
	usleep(1000);
	set_flag(&slow->may_end);
	return NULL;
}

static void test_ioasid_notify_unregister_waits_for_second_phase(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.reclaim = reclaim_slowly};
	struct ioasid_world *world = *state;

	for (unsigned i = 0; i < 20; i++) {
		struct slow slow = {false, false, false};
		struct vsva_ioasid_notifier *notifier;
		pthread_t thread;

		assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL,
							       VSVA_IOASID_PRIORITY_CPU,
							       &subscriber, &slow, &notifier),
				 0);
		assert_int_equal(vsva_ioasid_free(world->a, ioasid_new(world->a)), 0);
		assert_int_equal(pthread_create(&thread, NULL, let_it_end, &slow), 0);
		while (!is_set(&slow.has_begun))
			sched_yield();
		assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
		assert_true(is_set(&slow.has_ended));
		pthread_join(thread, NULL);
	}
}

/* One set's second phase that does not end does not hold up another's. */
static void test_ioasid_notify_slow_set_delays_no_other(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.reclaim = reclaim_slowly};
	struct ioasid_world *world = *state;
	struct slow slow = {false, false, false};
	struct vsva_ioasid_notifier *notifier;
	struct watcher w;

	watch(world, &w, "w", &world->token_b, VSVA_IOASID_PRIORITY_LAST, &watcher_reclaim);
	assert_int_equal(vsva_ioasid_notifier_register(world->space, &world->token_a,
						       VSVA_IOASID_PRIORITY_CPU, &subscriber, &slow,
						       &notifier),
			 0);
	assert_int_equal(vsva_ioasid_free(world->a, ioasid_new(world->a)), 0);
	while (!is_set(&slow.has_begun))
		sched_yield();
	assert_int_equal(vsva_ioasid_free_sync(world->b, ioasid_new(world->b)), 0);
	assert_false(is_set(&slow.has_ended));
	set_flag(&slow.may_end);
	assert_int_equal(vsva_ioasid_free_all_sync(world->a), 0);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
	unwatch(&w);
}

/* Bindings outside of events */

static void note_binding(void *arg, struct ioasid_binding *binding)
{
	assert_true(atomic_is_inside());
	*(struct ioasid_binding **)arg = binding;
}

static void test_ioasid_first_binding(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a);
	struct ioasid_binding x = {.id = id, .guest = {5}}, y = x, *found = NULL;

	assert_false(ioasid_first_binding(world->space, id, note_binding, &found));
	assert_false(ioasid_first_binding(world->space, hpasid(77), note_binding, &found));
	assert_int_equal(ioasid_bind(world->a, &x, 0), 0);
	assert_int_equal(ioasid_reserve(world->a, &y), 0);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	for (unsigned left = 2; left > 0; left--) {
		assert_true(ioasid_first_binding(world->space, id, note_binding, &found));
		assert_true(found == &x || found == &y);
		ioasid_unbind(world->a, found);
	}
	assert_false(ioasid_first_binding(world->space, id, note_binding, &found));
}

static void iterate_outside(void *arg)
{
	struct ioasid_world *world = arg;
	unsigned count = 0;

	ioasid_for_each_binding(world->space, hpasid(1), count_binding, &count);
}

static void release_active(void *arg)
{
	struct ioasid_world *world = arg;
	struct ioasid_binding binding = {.id = ioasid_new(world->a), .guest = {5}};

	ioasid_bind(world->a, &binding, 0);
	ioasid_release(world->a, &binding);
}

static void test_ioasid_bindings_are_used_as_said(void **state)
{
	unit_expect_check(iterate_outside, *state);
	unit_expect_check(release_active, *state);
}

/* Iteration */

static void write_id(void *arg, hpasid_t id)
{
	diary_write(arg, "%u ", id.v);
}

static void write_quota(void *arg, const struct vsva_ioasid_set *set)
{
	diary_write(arg, "%u ", vsva_ioasid_set_quota(set));
}

static void test_ioasid_iteration(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t ids[4];

	for (unsigned i = 0; i < 4; i++) {
		ids[i] = ioasid_new(world->a);
		ioasid_new(world->b);
	}
	assert_int_equal(vsva_ioasid_get(world->space, NULL, ids[1]), 0);
	assert_int_equal(vsva_ioasid_free(world->a, ids[1]), 0);
	vsva_ioasid_set_for_each(world->a, write_id, &world->diary);
	expect_diary(&world->diary, "1 5 7 ");
	assert_int_equal(vsva_ioasid_set_adjust(world->b, 50), 0);
	vsva_ioasid_space_for_each(world->space, write_quota, &world->diary);
	expect_diary(&world->diary, "1000 50 ");
	vsva_ioasid_set_free(world->a);
	world->a = NULL;
	vsva_ioasid_space_for_each(world->space, write_quota, &world->diary);
	expect_diary(&world->diary, "50 ");
	vsva_ioasid_put(world->space, ids[1]);
}

#define TEST(name)    cmocka_unit_test_setup_teardown(name, ioasid_setup, ioasid_teardown)
#define THREADS(name) cmocka_unit_test_setup_teardown(name, ioasid_setup_threads, ioasid_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ioasid_notify_order_is_priority_then_age),
		TEST(test_ioasid_notify_equal_ones_in_order_of_registration),
		TEST(test_ioasid_notify_first_bind_and_last_unbind),
		TEST(test_ioasid_notify_no_unbind_after_free),
		TEST(test_ioasid_notify_event_says_all),
		TEST(test_ioasid_notify_native_binding),
		TEST(test_ioasid_notify_functions_refuse_inside_events),
		TEST(test_ioasid_notify_look_ups_inside_events),
		TEST(test_ioasid_notify_look_ups_of_large_guest_pasids),
		TEST(test_ioasid_notify_event_functions_do_not_wait),
		TEST(test_ioasid_notify_register_refuses),
		TEST(test_ioasid_notify_unregistered_is_not_told),
		TEST(test_ioasid_notify_registered_before_the_set),
		TEST(test_ioasid_notify_of_zombie),
		TEST(test_ioasid_notify_changes_inside_second_phase),
		THREADS(test_ioasid_notify_changes_inside_second_phase),
		THREADS(test_ioasid_notify_unregister_waits_for_second_phase),
		THREADS(test_ioasid_notify_slow_set_delays_no_other),
		TEST(test_ioasid_first_binding),
		TEST(test_ioasid_bindings_are_used_as_said),
		TEST(test_ioasid_iteration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
