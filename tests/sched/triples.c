// SPDX-License-Identifier: MIT
#include "triples.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ACTORS 6u

struct triple {
	char name[96];
	const struct triples_world *world;
	const struct explore_actor *actors[3];
};

static const struct triples_suite *suite;
static struct explore_plan plan;
static bool is_coarse, is_of_first;
static const char *only; /* how a case's name begins; NULL: all */

static struct explore_case case_of(const struct triple *triple)
{
	struct explore_case test = triple->world->base;

	test.name = triple->name;
	test.is_coarse = is_coarse;
	for (unsigned i = 0; i < 3; i++)
		test.actors[i] = *triple->actors[i];
	return test;
}

static void test_triple(void **state)
{
	struct explore_case test = case_of(*state);

	explore_expect_good(&test, &plan);
}

/* Triples */

static unsigned actors_of(const struct triples_world *world)
{
	return is_of_first && world->actor_count > FIRST_ACTORS ? FIRST_ACTORS : world->actor_count;
}

static unsigned triples_of(const struct triples_world *world)
{
	unsigned n = actors_of(world);

	return n * (n - 1) * (n - 2) / 6;
}

static struct triple triple_of(const struct triples_world *world, unsigned a, unsigned b,
			       unsigned c)
{
	const struct explore_actor *actors = world->actors;
	struct triple triple = {.world = world, .actors = {&actors[a], &actors[b], &actors[c]}};

	snprintf(triple.name, sizeof(triple.name), "%s%s+%s+%s", world->prefix, actors[a].name,
		 actors[b].name, actors[c].name);
	return triple;
}

static bool is_wanted(const char *name)
{
	return !only || strncmp(name, only, strlen(only)) == 0;
}

static unsigned add_triples(const struct triples_world *world, struct triple *triples,
			    unsigned count)
{
	unsigned actor_count = actors_of(world);

	for (unsigned a = 0; a < actor_count; a++)
		for (unsigned b = a + 1; b < actor_count; b++)
			for (unsigned c = b + 1; c < actor_count; c++) {
				triples[count] = triple_of(world, a, b, c);
				count += is_wanted(triples[count].name);
			}
	return count;
}

/* Plants */

/* Memory that is used too late ends every run in the same way only where a sanitizer watches it. */
static bool ends_alike(const struct triples_plant *planted)
{
#ifdef __SANITIZE_ADDRESS__
	(void)planted;
	return true;
#else
	return planted->verdict != EXPLORE_CRASHED;
#endif
}

static const struct explore_actor *actor_named(const struct triples_world *world, const char *name)
{
	for (unsigned i = 0; i < world->actor_count; i++)
		if (strcmp(world->actors[i].name, name) == 0)
			return &world->actors[i];
	return NULL;
}

static bool find_actors(const struct triples_world *world, const struct triples_plant *planted,
			struct triple *triple)
{
	bool has_all = true;

	triple->world = world;
	for (unsigned i = 0; i < 3; i++) {
		triple->actors[i] = actor_named(world, planted->actors[i]);
		has_all &= triple->actors[i] != NULL;
	}
	return has_all;
}

static void test_plant(void **state)
{
	const struct triples_plant *planted = *state;
	struct triple triple = {.name = "planted"};
	struct explore_case test;
	unsigned world = 0;

	if (!ends_alike(planted))
		skip();
	while (world < suite->world_count && !find_actors(&suite->worlds[world], planted, &triple))
		world++;
	assert_true(world < suite->world_count);
	test = case_of(&triple);
	test.outcome = NULL;
	test.sabotage = planted->sabotage;
	suite->set_plant(planted->plant);
	explore_expect_found(&test, &suite->plant_plan, planted->verdict);
	suite->set_plant(0);
}

static struct CMUnitTest case_of_plant(const struct triples_plant *planted)
{
	return (struct CMUnitTest){.name = planted->name,
				   .test_func = test_plant,
				   .initial_state = (void *)(uintptr_t)planted};
}

/* The program */

static void read_arguments(int argc, char **argv)
{
	plan = (struct explore_plan){.preemptions = (unsigned)atoi(argv[1]),
				     .schedules_max = strtoull(argv[2], NULL, 0)};
	for (int i = 3; i < argc; i++)
		if (strcmp(argv[i], "six") == 0)
			is_of_first = true;
		else if (strcmp(argv[i], "coarse") == 0)
			is_coarse = true;
		else if (strncmp(argv[i], "random=", 7) == 0)
			plan.random_schedules = strtoull(argv[i] + 7, NULL, 0);
		else
			only = argv[i];
}

static unsigned make_cases(struct triple *triples, struct CMUnitTest *cases)
{
	unsigned count = 0;

	for (unsigned i = 0; i < suite->world_count; i++)
		count = add_triples(&suite->worlds[i], triples, count);
	for (unsigned i = 0; i < count; i++)
		cases[i] = (struct CMUnitTest){.name = triples[i].name,
					       .test_func = test_triple,
					       .initial_state = &triples[i]};
	for (unsigned i = 0; i < suite->plant_count; i++)
		if (is_wanted(suite->plants[i].name))
			cases[count++] = case_of_plant(&suite->plants[i]);
	return count;
}

int triples_main(const struct triples_suite *of, int argc, char **argv)
{
	unsigned room = 1, count;
	struct triple *triples;
	struct CMUnitTest *cases;
	int result;

	suite = of;
	plan = suite->plan;
	if (argc > 2)
		read_arguments(argc, argv);
	for (unsigned i = 0; i < suite->world_count; i++)
		room += triples_of(&suite->worlds[i]);
	triples = calloc(room, sizeof(*triples));
	cases = calloc(room + suite->plant_count, sizeof(*cases));
	if (!triples || !cases)
		return 1;
	count = make_cases(triples, cases);
	result = _cmocka_run_group_tests("triples", cases, count, NULL, NULL);
	free(triples);
	free(cases);
	return result;
}
