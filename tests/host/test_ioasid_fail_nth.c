// SPDX-License-Identifier: MIT
/* Every step that can fail, of every operation that has one, fails once and from then on: an error,
 * nothing is changed, nobody is told, and the same call works afterwards. */
#include "ioasid_world.h"

#include <errno.h>
#include <string.h>

struct operation {
	const char *name;
	int (*run)(struct ioasid_world *world);
	void (*undo)(struct ioasid_world *world);
	unsigned steps; /* at least */
};

/* Numbers and guest PASIDs that no index has memory for yet. */
static uint32_t fresh;
static struct vsva_ioasid_set *made_set;
static struct vsva_ioasid_set *empty_set; /* never had an id */
static struct vsva_ioasid_notifier *made_notifier;
static struct ioasid_binding made_binding;
static hpasid_t target;

static int run_space_create(struct ioasid_world *world)
{
	struct vsva_ioasid_space *space = ioasid_space_create(8, world->pool, NULL);

	ioasid_space_destroy(space);
	return space ? 0 : -ENOMEM;
}

static void undo_nothing(struct ioasid_world *world)
{
	(void)world;
}

static int run_set_alloc(struct ioasid_world *world)
{
	return vsva_ioasid_set_alloc(world->space, &made_set, 10, &made_set);
}

static void undo_set_alloc(struct ioasid_world *world)
{
	(void)world;
	vsva_ioasid_set_free(made_set);
}

static int run_adjust(struct ioasid_world *world)
{
	return vsva_ioasid_set_adjust(world->a, IOASID_QUOTA + 1);
}

static void undo_adjust(struct ioasid_world *world)
{
	assert_int_equal(vsva_ioasid_set_adjust(world->a, IOASID_QUOTA), 0);
}

static void make_empty_set(struct ioasid_world *world)
{
	assert_int_equal(vsva_ioasid_set_alloc(world->space, &empty_set, 10, &empty_set), 0);
}

static int run_alloc(struct ioasid_world *world)
{
	hpasid_t id = {3};
	int err = vsva_ioasid_alloc(empty_set, fresh, IOASID_LAST, NULL, &id);

	(void)world;

	assert_int_equal(id.v, err ? VSVA_PASID_INVALID : fresh);
	return err;
}

static void undo_alloc(struct ioasid_world *world)
{
	vsva_ioasid_set_free(empty_set);
	ioasid_run(world);
	make_empty_set(world);
}

static int run_attach(struct ioasid_world *world)
{
	return vsva_ioasid_attach_gpasid(world->a, target, gpasid(fresh));
}

static void undo_attach(struct ioasid_world *world)
{
	assert_int_equal(vsva_ioasid_detach_gpasid(world->a, target), 0);
}

static int run_bind(struct ioasid_world *world)
{
	made_binding = (struct ioasid_binding){.id = target, .guest = {fresh + 0x40000}};
	return ioasid_bind(world->a, &made_binding, 0);
}

static void undo_bind(struct ioasid_world *world)
{
	ioasid_unbind(world->a, &made_binding);
}

static int run_register(struct ioasid_world *world)
{
	return vsva_ioasid_notifier_register(world->space, &made_set, VSVA_IOASID_PRIORITY_CPU,
					     &watcher_events, NULL, &made_notifier);
}

static void undo_register(struct ioasid_world *world)
{
	(void)world;
	assert_int_equal(vsva_ioasid_notifier_unregister(made_notifier), 0);
}

static uint32_t give_min(void *arg, uint32_t min, uint32_t max)
{
	(void)arg;
	(void)max;
	return min;
}

static void take_back(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
}

static const struct vsva_ioasid_allocator_ops ops = {give_min, take_back};

/* The first of all: no ids are out. */
static int run_register_allocator(struct ioasid_world *world)
{
	return vsva_ioasid_register_allocator(world->space, &ops, NULL);
}

static void undo_register_allocator(struct ioasid_world *world)
{
	assert_int_equal(vsva_ioasid_unregister_allocator(world->space, &ops, NULL), 0);
}

static const struct operation operations[] = {
	{"space_create", run_space_create, undo_nothing, 4},
	{"register_allocator", run_register_allocator, undo_register_allocator, 1},
	{"set_alloc", run_set_alloc, undo_set_alloc, 3},
	{"set_adjust", run_adjust, undo_adjust, 1},
	{"alloc", run_alloc, undo_alloc, 2},
	{"attach_gpasid", run_attach, undo_attach, 1},
	{"bind", run_bind, undo_bind, 1},
	{"notifier_register", run_register, undo_register, 1},
};

/* What must be as before. */
struct snapshot {
	uint32_t available, quota, count_a, count_b, references, flags;
	enum vsva_ioasid_state state;
	bool has_guest;
};

static void take_snapshot(struct ioasid_world *world, struct snapshot *out)
{
	gpasid_t guest;

	memset(out, 0, sizeof(*out));
	out->available = vsva_ioasid_space_available(world->space);
	out->quota = vsva_ioasid_set_quota(world->a);
	out->count_a = vsva_ioasid_set_count(world->a);
	out->count_b = vsva_ioasid_set_count(world->b);
	if (!target.v)
		return;
	out->state = vsva_ioasid_state_of(world->space, target, &out->references);
	out->has_guest = vsva_ioasid_gpasid_of(world->a, target, &guest) == 0;
	assert_int_equal(vsva_ioasid_get_flags(world->a, target, &out->flags), 0);
}

/* 0: it has no nth step. */
static bool fails_cleanly(struct ioasid_world *world, const struct operation *operation,
			  unsigned nth, int stuck)
{
	struct snapshot before, after;
	uint64_t hits;
	int err;

	fresh += 256;
	take_snapshot(world, &before);
	fail_nth_set(nth, stuck);
	err = operation->run(world);
	hits = fail_nth_hits();
	fail_nth_set(0, 0);
	if (hits < nth) {
		assert_int_equal(err, 0);
		operation->undo(world);
		world->diary = (struct diary){.len = 0};
		return false;
	}
	assert_true(err == -ENOMEM || err == -ENOSPC || err == -EAGAIN);
	take_snapshot(world, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	expect_diary(&world->diary, "");
	assert_int_equal(operation->run(world), 0);
	operation->undo(world);
	world->diary = (struct diary){.len = 0};
	return true;
}

static void fail_all_steps(struct ioasid_world *world, const struct operation *operation)
{
	for (int stuck = 0; stuck <= 1; stuck++) {
		unsigned nth = 1;

		while (fails_cleanly(world, operation, nth, stuck))
			nth++;
		if (nth - 1 < operation->steps)
			fail_msg("%s has %u steps", operation->name, nth - 1);
	}
}

static void test_ioasid_fail_nth_of_every_operation(void **state)
{
	struct ioasid_world *world = *state;
	struct watcher w;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_both);
	fresh = 256;
	for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
		fresh = 256;
		if (operations[i].run == run_alloc) {
			target = ioasid_new(world->a);
			make_empty_set(world);
		}
		world->diary = (struct diary){.len = 0};
		fail_all_steps(world, &operations[i]);
		ioasid_run(world);
		world->diary = (struct diary){.len = 0};
	}
	vsva_ioasid_set_free(empty_set);
	unwatch(&w);
}

/* The check of nothing being changed sees a change. */
static void test_ioasid_fail_nth_snapshot_sees_changes(void **state)
{
	struct ioasid_world *world = *state;
	struct snapshot before, after;
	struct ioasid_binding binding = {.guest = {5}};

	target = ioasid_new(world->a);
	binding.id = target;
	take_snapshot(world, &before);
	assert_int_equal(ioasid_bind(world->a, &binding, VSVA_IOASID_GUEST_MODE), 0);
	take_snapshot(world, &after);
	assert_memory_not_equal(&before, &after, sizeof(before));
	ioasid_unbind(world->a, &binding);
	take_snapshot(world, &after);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* Free takes no step that can fail. */
static void test_ioasid_fail_nth_free_never_fails(void **state)
{
	struct ioasid_world *world = *state;
	hpasid_t id = ioasid_new(world->a), other = ioasid_new(world->a);
	struct ioasid_binding binding = {.id = id, .guest = {5}};
	struct watcher w;

	watch(world, &w, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_both);
	assert_int_equal(ioasid_bind(world->a, &binding, 0), 0);
	fail_nth_set(1, 1);
	assert_int_equal(vsva_ioasid_get(world->space, NULL, id), 0);
	assert_int_equal(vsva_ioasid_free(world->a, id), 0);
	vsva_ioasid_put(world->space, id);
	ioasid_unbind(world->a, &binding);
	assert_int_equal(vsva_ioasid_free_sync(world->a, other), 0);
	vsva_ioasid_set_free(world->a);
	world->a = NULL;
	ioasid_run(world);
	assert_int_equal(fail_nth_hits(), 0);
	fail_nth_set(0, 0);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - IOASID_QUOTA);
	unwatch(&w);
}

static int setup(void **state)
{
	target = hpasid(0);
	return ioasid_setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, ioasid_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ioasid_fail_nth_of_every_operation),
		TEST(test_ioasid_fail_nth_snapshot_sees_changes),
		TEST(test_ioasid_fail_nth_free_never_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
