// SPDX-License-Identifier: MIT
/*
 * Every three of what may happen to a PASID at once, interleaved. Without arguments a part of the
 * schedules with at most two preemptions, and some by random priorities; PREEMPTIONS SCHEDULES
 * [six] [coarse] [NAME]: as many of each bound (0: all) of the triples whose name begins with NAME;
 * six: of the first six operations only; coarse: preemptions only in front of operations.
 */
#include "host_world.h"

#include <stdlib.h>
#include <string.h>

static const struct explore_actor actors[] = {
	{"bind", host_bind},   {"unbind", host_unbind}, {"free", host_free},
	{"ask", host_ask},     {"answer", host_answer}, {"close", host_close},
	{"unmap", host_unmap}, {"reset", host_reset},   {"remove", host_remove},
};

#define ACTORS  (sizeof(actors) / sizeof(actors[0]))
#define TRIPLES 84u /* of nine */

static_assert(ACTORS == 9, "TRIPLES goes with it");

struct triple {
	char name[64];
	unsigned a, b, c;
};

static struct triple triples[TRIPLES];
static struct explore_plan plan = {.preemptions = 2, .schedules_max = 12, .random_schedules = 8};
static bool is_coarse;
static unsigned actor_count = ACTORS;
static const char *only; /* how a triple's name begins; NULL: all */

static struct explore_case case_of(const struct triple *triple)
{
	return (struct explore_case){
		.name = triple->name,
		.setup = host_world_setup,
		.actors = {actors[triple->a], actors[triple->b], actors[triple->c]},
		.check = host_world_check,
		.teardown = host_world_teardown,
		.outcome = host_world_outcome,
		.background = host_world_background,
		.points = EXPLORE_POINTS_SILICON,
		.locate = host_world_locate,
		.is_coarse = is_coarse,
	};
}

static void test_triple(void **state)
{
	struct explore_case test = case_of(*state);

	explore_expect_good(&test, &plan);
}

/* Negative controls: what the hardware is kept from doing must be noticed. */

struct plant {
	enum host_plant plant;
	unsigned a, b, c;
	struct sched_sabotage sabotage;
	enum explore_verdict verdict;
};

static void test_plant(void **state)
{
	const struct plant *planted = *state;
	struct triple triple = {"planted", planted->a, planted->b, planted->c};
	struct explore_plan search = {.preemptions = 2, .schedules_max = 2000};
	struct explore_case test = case_of(&triple);

	test.outcome = NULL;
	test.sabotage = planted->sabotage;
	host_world_plant = planted->plant;
	explore_expect_found(&test, &search, planted->verdict);
	host_world_plant = HOST_PLANT_NOTHING;
}

static struct plant lost_answer = {HOST_PLANT_LOSE_ANSWER, 1, 3, 4, .verdict = EXPLORE_FAILED};
static struct plant answered_twice = {HOST_PLANT_ANSWER_TWICE, 1, 3, 4, .verdict = EXPLORE_FAILED};
static struct plant no_device_tlb_flush = {HOST_PLANT_NO_DEVICE_TLB_FLUSH, 1, 2, 3,
					   .verdict = EXPLORE_FAILED};
static struct plant no_grace_period = {
	.a = 1, .b = 3, .c = 4, .sabotage.skip_grace_periods = true, .verdict = EXPLORE_FAILED};
static struct plant no_domain_lock = {
	.a = 0, .b = 1, .c = 2, .sabotage.no_lock = "domain", .verdict = EXPLORE_CRASHED};
static struct plant no_ioasid_lock = {
	.a = 0, .b = 1, .c = 2, .sabotage.no_lock = "ioasid", .verdict = EXPLORE_CRASHED};
static struct plant no_prq_lock = {
	.a = 1, .b = 3, .c = 4, .sabotage.no_lock = "page requests", .verdict = EXPLORE_CRASHED};

static unsigned make_triples(struct CMUnitTest *tests)
{
	unsigned count = 0;

	for (unsigned a = 0; a < actor_count; a++)
		for (unsigned b = a + 1; b < actor_count; b++)
			for (unsigned c = b + 1; c < actor_count; c++) {
				struct triple *triple = &triples[count];

				*triple = (struct triple){.a = a, .b = b, .c = c};
				snprintf(triple->name, sizeof(triple->name), "%s+%s+%s",
					 actors[a].name, actors[b].name, actors[c].name);
				if (only && strncmp(triple->name, only, strlen(only)) != 0)
					continue;
				tests[count] = (struct CMUnitTest){.name = triple->name,
								   .test_func = test_triple,
								   .initial_state = triple};
				count++;
			}
	return count;
}

static unsigned add_plant(struct CMUnitTest *tests, unsigned count, const char *name,
			  struct plant *plant)
{
	tests[count] =
		(struct CMUnitTest){.name = name, .test_func = test_plant, .initial_state = plant};
	return count + 1;
}

static unsigned add_plants(struct CMUnitTest *tests, unsigned count)
{
	count = add_plant(tests, count, "a lost answer is found", &lost_answer);
	count = add_plant(tests, count, "an answer given twice is found", &answered_twice);
	count = add_plant(tests, count, "a device TLB that is not flushed is found",
			  &no_device_tlb_flush);
	count = add_plant(tests, count, "a grace period left out is found", &no_grace_period);
	count = add_plant(tests, count, "a domain without lock is found", &no_domain_lock);
	count = add_plant(tests, count, "an IOASID space without lock is found", &no_ioasid_lock);
	return add_plant(tests, count, "page requests without lock are found", &no_prq_lock);
}

static void read_arguments(int argc, char **argv)
{
	plan = (struct explore_plan){.preemptions = (unsigned)atoi(argv[1]),
				     .schedules_max = strtoull(argv[2], NULL, 0)};
	for (int i = 3; i < argc; i++)
		if (strcmp(argv[i], "six") == 0)
			actor_count = 6;
		else if (strcmp(argv[i], "coarse") == 0)
			is_coarse = true;
		else
			only = argv[i];
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[TRIPLES + 7];
	unsigned count;

	if (argc > 2)
		read_arguments(argc, argv);
	count = make_triples(tests);
	if (!only)
		count = add_plants(tests, count);
	return _cmocka_run_group_tests("triples", tests, count, NULL, NULL);
}
