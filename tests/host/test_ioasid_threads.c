// SPDX-License-Identifier: MIT
/*
 * Everybody at once: threads that allocate, bind, free, find, count references and destroy whole
 * sets, each also with the ids of the others. A subscriber checks the life of each id: ALLOC, BIND
 * and UNBIND in turn, FREE once, the second phase once, and only then ALLOC again.
 */
#include "ioasid_world.h"

#include <errno.h>
#include <pthread.h>

#include "base/random.h"

#define THREADS 4u
#define STEPS   4000u
#define SLOTS   32u
#define QUOTA   60u

/* Where the life of an id is, as the events tell it. */
enum phase { UNUSED, ALLOCATED, BOUND, FREED };

struct stress {
	struct ioasid_world *world;
	uint32_t slots[SLOTS];            /* atomic: ids that somebody has just allocated */
	uint8_t phases[IOASID_LAST + 1];  /* written by events, which exclude each other */
	uint32_t owed[IOASID_LAST + 1];   /* atomic: second phases */
	uint64_t allocs, frees, reclaims; /* atomic */
};

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* The checker */

static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	static const enum phase after[] = {[VSVA_IOASID_EVENT_ALLOC] = ALLOCATED,
					   [VSVA_IOASID_EVENT_BIND] = BOUND,
					   [VSVA_IOASID_EVENT_UNBIND] = ALLOCATED,
					   [VSVA_IOASID_EVENT_FREE] = FREED};
	struct stress *stress = arg;
	uint8_t *phase = &stress->phases[event->id.v];

	switch (event->kind) {
	case VSVA_IOASID_EVENT_ALLOC:
		CHECK(*phase == UNUSED || *phase == FREED);
		CHECK(!__atomic_load_n(&stress->owed[event->id.v], __ATOMIC_ACQUIRE));
		count(&stress->allocs);
		break;
	case VSVA_IOASID_EVENT_BIND:
		CHECK(*phase == ALLOCATED);
		break;
	case VSVA_IOASID_EVENT_UNBIND:
		CHECK(*phase == BOUND);
		break;
	default:
		CHECK(*phase == ALLOCATED || *phase == BOUND);
		CHECK(!__atomic_fetch_add(&stress->owed[event->id.v], 1, __ATOMIC_ACQ_REL));
		count(&stress->frees);
		break;
	}
	*phase = (uint8_t)after[event->kind];
}

static void on_reclaim(void *arg, const struct vsva_ioasid_event *events, size_t n)
{
	struct stress *stress = arg;

	for (size_t i = 0; i < n; i++) {
		struct vsva_ioasid_space *space = stress->world->space;

		CHECK(vsva_ioasid_state_of(space, events[i].id, NULL) == VSVA_IOASID_FREE_PENDING);
		CHECK(vsva_ioasid_get(space, NULL, events[i].id) == -ENOENT);
		CHECK(__atomic_fetch_sub(&stress->owed[events[i].id.v], 1, __ATOMIC_ACQ_REL) == 1);
		count(&stress->reclaims);
	}
}

static const struct vsva_ioasid_subscriber checker = {on_event, on_reclaim};

/* The threads */

struct actor {
	struct stress *stress;
	struct vsva_ioasid_set *own; /* comes and goes */
	uint64_t seed;
	struct rng rng;
	pthread_t thread;
	int token;
};

static uint32_t draw(struct actor *actor, uint32_t below)
{
	return (uint32_t)rng_below(&actor->rng, below);
}

/* One that was allocated lately, by anybody; it may be gone, or another's. */
static hpasid_t some_id(struct actor *actor)
{
	return hpasid(__atomic_load_n(&actor->stress->slots[draw(actor, SLOTS)], __ATOMIC_RELAXED));
}

static struct vsva_ioasid_set *some_set(struct actor *actor)
{
	struct vsva_ioasid_set *sets[] = {actor->stress->world->a, actor->stress->world->b,
					  actor->own};

	return sets[draw(actor, 3)];
}

static void do_alloc(struct actor *actor)
{
	hpasid_t id;
	int err = vsva_ioasid_alloc(some_set(actor), 1, VSVA_PASID_MAX, actor, &id);

	CHECK(err == 0 || err == -EDQUOT);
	if (!err)
		__atomic_store_n(&actor->stress->slots[draw(actor, SLOTS)], id.v, __ATOMIC_RELAXED);
}

static void do_free(struct actor *actor)
{
	struct vsva_ioasid_set *set = some_set(actor);
	hpasid_t id = some_id(actor);
	int err = draw(actor, 8) ? vsva_ioasid_free(set, id) : vsva_ioasid_free_sync(set, id);

	CHECK(err == 0 || err == -EACCES || err == -EINVAL);
}

/* While it is held the number is nobody else's. */
static void do_hold(struct actor *actor)
{
	struct vsva_ioasid_space *space = actor->stress->world->space;
	hpasid_t id = some_id(actor);
	uint32_t references;

	if (vsva_ioasid_get(space, NULL, id))
		return;
	for (unsigned i = 0; i < 4; i++) {
		CHECK(vsva_ioasid_state_of(space, id, &references) != VSVA_IOASID_FREE);
		CHECK(references > 0);
	}
	vsva_ioasid_put(space, id);
}

static void do_bind(struct actor *actor)
{
	struct vsva_ioasid_set *set = some_set(actor);
	struct ioasid_binding binding = {.id = some_id(actor), .guest = {0}};

	binding.guest.v = binding.id.v;
	if (ioasid_reserve(set, &binding))
		return;
	if (ioasid_activate(set, &binding, VSVA_IOASID_GUEST_MODE) == 0)
		CHECK(vsva_ioasid_state_of(actor->stress->world->space, binding.id, NULL) !=
		      VSVA_IOASID_IDLE);
	ioasid_deactivate(set, &binding);
	ioasid_release(set, &binding);
}

static void do_look_up(struct actor *actor)
{
	struct vsva_ioasid_space *space = actor->stress->world->space;
	struct vsva_ioasid_set *set = some_set(actor);
	hpasid_t id = some_id(actor), found;
	gpasid_t guest;
	void *data;

	vsva_ioasid_find(space, set, id, &data);
	vsva_ioasid_find_gpasid(set, gpasid(id.v), &found);
	vsva_ioasid_gpasid_of(set, id, &guest);
	vsva_ioasid_set_of(space, id);
	vsva_ioasid_set_data(set, id, actor);
	if (vsva_ioasid_get_gpasid(set, gpasid(id.v), &found) == 0)
		vsva_ioasid_put(space, found);
}

static void ignore_event(void *arg, const struct vsva_ioasid_event *event)
{
	CHECK(!*(bool *)arg);
	(void)event;
}

static void ignore_reclaim(void *arg, const struct vsva_ioasid_event *events, size_t n)
{
	CHECK(!*(bool *)arg);
	(void)events;
	(void)n;
}

/* After it was unregistered it is not called, or it would find its argument used up. */
static void do_watch(struct actor *actor)
{
	static const struct vsva_ioasid_subscriber subscriber = {ignore_event, ignore_reclaim};
	struct vsva_ioasid_notifier *notifier;
	bool is_over = false;

	CHECK(vsva_ioasid_notifier_register(actor->stress->world->space,
					    draw(actor, 2) ? NULL : &actor->token,
					    draw(actor, VSVA_IOASID_PRIORITY_COUNT), &subscriber,
					    &is_over, &notifier) == 0);
	do_alloc(actor);
	do_free(actor);
	CHECK(vsva_ioasid_notifier_unregister(notifier) == 0);
	is_over = true;
}

static void make_own(struct actor *actor)
{
	int err;

	do {
		err = vsva_ioasid_set_alloc(actor->stress->world->space, &actor->token, QUOTA,
					    &actor->own);
		CHECK(err == 0 || err == -EEXIST);
	} while (err);
}

static void do_set(struct actor *actor)
{
	switch (draw(actor, 4)) {
	case 0:
		vsva_ioasid_free_all(actor->own);
		break;
	case 1:
		CHECK(vsva_ioasid_free_all_sync(actor->own) == 0);
		break;
	default:
		vsva_ioasid_set_free(actor->own);
		make_own(actor);
		break;
	}
}

static void act(struct actor *actor)
{
	uint32_t what = draw(actor, 100);

	if (what < 30)
		do_alloc(actor);
	else if (what < 55)
		do_free(actor);
	else if (what < 70)
		do_hold(actor);
	else if (what < 85)
		do_bind(actor);
	else if (what < 95)
		do_look_up(actor);
	else if (what < 98)
		do_watch(actor);
	else
		do_set(actor);
}

static void *actor_main(void *arg)
{
	struct actor *actor = arg;

	rng_seed(&actor->rng, actor->seed);
	make_own(actor);
	for (unsigned step = 0; step < STEPS; step++)
		act(actor);
	vsva_ioasid_set_free(actor->own);
	return NULL;
}

static void run_actors(struct stress *stress)
{
	struct actor actors[THREADS] = {{.stress = NULL}};

	for (unsigned i = 0; i < THREADS; i++) {
		actors[i].stress = stress;
		actors[i].seed = 1 + i;
		assert_int_equal(pthread_create(&actors[i].thread, NULL, actor_main, &actors[i]),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(actors[i].thread, NULL);
}

static void test_ioasid_threads_everything_at_once(void **state)
{
	static struct stress stress;
	struct ioasid_world *world = *state;
	struct vsva_ioasid_notifier *notifier;

	stress = (struct stress){.world = world};
	assert_int_equal(vsva_ioasid_set_adjust(world->a, QUOTA), 0);
	assert_int_equal(vsva_ioasid_set_adjust(world->b, QUOTA), 0);
	assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL,
						       VSVA_IOASID_PRIORITY_DEVICE, &checker,
						       &stress, &notifier),
			 0);
	run_actors(&stress);
	assert_int_equal(vsva_ioasid_free_all_sync(world->a), 0);
	assert_int_equal(vsva_ioasid_free_all_sync(world->b), 0);
	worker_pool_run_idle(world->pool, 60000);
	assert_int_equal(vsva_ioasid_space_available(world->space), IOASID_LAST - 2 * QUOTA);
	assert_true(stress.allocs > THREADS * STEPS / 10);
	assert_int_equal(stress.allocs, stress.frees);
	assert_int_equal(stress.allocs, stress.reclaims);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
}

/* Many free the same id at once: one event. */

struct race {
	struct ioasid_world *world;
	hpasid_t id;
	unsigned started; /* atomic */
	uint64_t frees;   /* atomic */
};

static void count_free(void *arg, const struct vsva_ioasid_event *event)
{
	struct race *race = arg;

	if (event->kind == VSVA_IOASID_EVENT_FREE)
		count(&race->frees);
}

static void *free_it(void *arg)
{
	struct race *race = arg;

	__atomic_fetch_add(&race->started, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&race->started, __ATOMIC_ACQUIRE) < THREADS)
		;
	CHECK(vsva_ioasid_free(race->world->a, race->id) == 0);
	return NULL;
}

static void test_ioasid_threads_free_the_same_id(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = count_free};
	struct ioasid_world *world = *state;

	for (unsigned i = 0; i < 100; i++) {
		struct race race = {.world = world, .id = ioasid_new(world->a)};
		struct vsva_ioasid_notifier *notifier;
		pthread_t threads[THREADS];

		assert_int_equal(vsva_ioasid_notifier_register(world->space, NULL, 0, &subscriber,
							       &race, &notifier),
				 0);
		for (unsigned t = 0; t < THREADS; t++)
			assert_int_equal(pthread_create(&threads[t], NULL, free_it, &race), 0);
		for (unsigned t = 0; t < THREADS; t++)
			pthread_join(threads[t], NULL);
		assert_int_equal(race.frees, 1);
		assert_int_equal(vsva_ioasid_set_count(world->a), 0);
		assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ioasid_setup_threads, ioasid_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ioasid_threads_everything_at_once),
		TEST(test_ioasid_threads_free_the_same_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
