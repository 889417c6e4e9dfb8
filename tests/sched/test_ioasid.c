// SPDX-License-Identifier: MIT
/* Ids change hands while others look at them without a lock, and while all of a set are freed. */
#include "explore.h"

#include "base/alloc.h"
#include "base/rcu.h"
#include "host/ioasid_impl.h"

#define BITS 10u

/* More than are given up without letting go of the lock. */
#define MANY 300u

/* What a look has to say of an id; as entry_look(), or worse. */
typedef bool look_fn(const struct vsva_ioasid_space *space, hpasid_t id, struct entry_look *out);
static look_fn *look_of_test;

struct world {
	size_t bytes_before;
	struct worker_pool *pool;
	struct vsva_ioasid_space *space;
	struct vsva_ioasid_set *sets[2];
	int tokens[2]; /* also the private data of their ids */
	hpasid_t id;   /* goes from one set to the other and back */
	hpasid_t made[2];
	bool is_late[2]; /* made when others were being freed already */
};

static hpasid_t alloc_from(struct world *w, unsigned set, uint32_t min)
{
	hpasid_t id;

	EXPLORE_CHECK(vsva_ioasid_alloc(w->sets[set], min, VSVA_PASID_MAX, &w->tokens[set], &id) ==
		      0);
	return id;
}

static struct world *world_create(void)
{
	struct world *w = calloc(1, sizeof(*w));

	EXPLORE_CHECK(w);
	w->bytes_before = base_bytes_in_use();
	w->pool = worker_pool_create(WORKERS_THREADS, 0);
	w->space = ioasid_space_create(BITS, w->pool, NULL);
	EXPLORE_CHECK(w->space);
	for (unsigned i = 0; i < 2; i++)
		EXPLORE_CHECK(vsva_ioasid_set_alloc(w->space, &w->tokens[i], 400, &w->sets[i]) ==
			      0);
	return w;
}

static void teardown(void *world)
{
	struct world *w = world;
	size_t bytes_before = w->bytes_before;

	for (unsigned i = 0; i < 2; i++)
		vsva_ioasid_set_free(w->sets[i]);
	worker_pool_run_idle(w->pool, 1000);
	ioasid_space_destroy(w->space);
	worker_pool_destroy(w->pool);
	rcu_barrier();
	if (base_bytes_in_use() != bytes_before)
		explore_fail("%ld bytes are left", (long)(base_bytes_in_use() - bytes_before));
	free(w);
}

/* Looks */

static void *setup_one(uint64_t seed)
{
	struct world *w = world_create();

	(void)seed;
	w->id = alloc_from(w, 0, 1);
	EXPLORE_CHECK(vsva_ioasid_attach_gpasid(w->sets[0], w->id, gpasid(7)) == 0);
	return w;
}

static void check_one(void *world)
{
	struct world *w = world;

	EXPLORE_CHECK(vsva_ioasid_set_of(w->space, w->id) == w->sets[0]);
}

/* The lowest number that is free is the one that was. */
static void change_hands(void *world)
{
	struct world *w = world;

	for (unsigned to = 1; to < 3; to++) {
		EXPLORE_CHECK(vsva_ioasid_free(w->sets[(to - 1) % 2], w->id) == 0);
		EXPLORE_CHECK(alloc_from(w, to % 2, 1).v == w->id.v);
		EXPLORE_CHECK(
			vsva_ioasid_attach_gpasid(w->sets[to % 2], w->id, gpasid(7 + to % 2)) == 0);
	}
}

static void look(void *world)
{
	struct world *w = world;
	struct entry_look seen;
	unsigned set;

	if (!look_of_test(w->space, w->id, &seen) || !state_is_live(seen.state))
		return;
	set = seen.set == w->sets[1];
	if (seen.private_data != &w->tokens[set])
		explore_fail("the set of one allocation, the private data of another");
	if (seen.guest.v != VSVA_PASID_INVALID && seen.guest.v != 7 + set)
		explore_fail("the set of one allocation, the guest PASID of another");
}

/* By guest PASID it is found in the set that gave it that one, or not at all. */
static void look_by_guest(void *world)
{
	struct world *w = world;
	hpasid_t id;

	if (!vsva_ioasid_find_gpasid(w->sets[1], gpasid(8), &id))
		EXPLORE_CHECK(id.v == w->id.v);
	EXPLORE_CHECK(vsva_ioasid_find_gpasid(w->sets[1], gpasid(7), &id) == -ENOENT);
	EXPLORE_CHECK(vsva_ioasid_find_gpasid(w->sets[0], gpasid(8), &id) == -ENOENT);
}

static const struct explore_plan plan = {.preemptions = 2};

static struct explore_case looks(const char *name)
{
	return (struct explore_case){
		.name = name,
		.setup = setup_one,
		.actors = {{"change hands", change_hands},
			   {"look", look},
			   {"look by guest", look_by_guest}},
		.check = check_one,
		.teardown = teardown,
	};
}

static void test_look_is_of_one_allocation(void **state)
{
	struct explore_case test = looks("look");

	(void)state;
	look_of_test = entry_look;
	explore_expect_good(&test, &plan);
}

/* With a thread that comes between any two loads. */
static bool look_once(const struct vsva_ioasid_space *space, hpasid_t id, struct entry_look *out)
{
	const struct entry *entry = &space->entries[id.v];
	uint64_t born = entry->born;

	out->set = entry->set;
	SEAM_POINT(SEAM_POINTER, SEAM_READ, "ioasid entry", id.v);
	out->private_data = entry->private_data;
	out->guest = gpasid(entry->guest);
	out->state = entry_state(entry);
	return born;
}

static void test_control_look_without_second_look(void **state)
{
	struct explore_case test = looks("once");

	(void)state;
	look_of_test = look_once;
	explore_expect_found(&test, &plan, EXPLORE_FAILED);
}

/* The same loads, and the second look. */
static bool look_twice(const struct vsva_ioasid_space *space, hpasid_t id, struct entry_look *out)
{
	const struct entry *entry = &space->entries[id.v];
	uint64_t born = entry->born;

	return look_once(space, id, out) && entry->born == born;
}

static void test_second_look_sees_another_allocation(void **state)
{
	struct explore_case test = looks("twice");

	(void)state;
	look_of_test = look_twice;
	explore_expect_good(&test, &plan);
}

/* All of a set */

static void *setup_many(uint64_t seed)
{
	struct world *w = world_create();

	(void)seed;
	for (unsigned i = 0; i < MANY; i++)
		alloc_from(w, 0, 1);
	return w;
}

static void free_all(void *world)
{
	vsva_ioasid_free_all(((struct world *)world)->sets[0]);
}

/* Beyond the others, and so not met before they are; two numbers in any case. */
static void alloc_two(void *world)
{
	struct world *w = world;

	for (unsigned i = 0; i < 2; i++) {
		w->is_late[i] = vsva_ioasid_set_count(w->sets[0]) < MANY;
		w->made[i] = alloc_from(w, 0, MANY + 1 + 10 * i);
	}
}

/* Those that are left are of the other actor, and who came late is left. */
static void check_many(void *world)
{
	struct world *w = world;
	uint32_t left = 0;

	for (unsigned i = 0; i < 2; i++) {
		bool is_left = vsva_ioasid_set_of(w->space, w->made[i]) == w->sets[0];

		left += is_left;
		if (w->is_late[i] && !is_left)
			explore_fail("an id is freed that was allocated later");
	}
	if (vsva_ioasid_set_count(w->sets[0]) != left)
		explore_fail("%u ids are left of a set that was freed",
			     vsva_ioasid_set_count(w->sets[0]) - left);
}

static void test_all_are_freed_whoever_allocates_meanwhile(void **state)
{
	static const struct explore_plan one = {.preemptions = 1};
	struct explore_case test = {
		.name = "all",
		.setup = setup_many,
		.actors = {{"free all", free_all}, {"alloc", alloc_two}},
		.check = check_many,
		.teardown = teardown,
	};

	(void)state;
	explore_expect_good(&test, &one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look_is_of_one_allocation),
		cmocka_unit_test(test_control_look_without_second_look),
		cmocka_unit_test(test_second_look_sees_another_allocation),
		cmocka_unit_test(test_all_are_freed_whoever_allocates_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
