// SPDX-License-Identifier: MIT
/*
 * Every three of what may happen to a VM with a mediated device at once, interleaved, while another VM
 * uses the same accelerator. For its arguments see triples.h.
 */
#include "mediated_actors.h"
#include "mediated_world.h"
#include "triples.h"

#define ACTORS_OF_BOTH 10u

static const struct explore_actor actors[] = {
	{"bind", mediated_does_bind},   {"unbind", mediated_does_unbind},
	{"free", mediated_does_free},   {"work", mediated_does_work},
	{"drain", mediated_does_drain}, {"close", mediated_does_close},
	{"cycle", mediated_does_cycle}, {"reset", mediated_does_reset},
	{"die", mediated_does_die},     {"pull", mediated_does_pull},
	{"stop", mediated_does_stop}, /* only for who has a shared queue */
};

/* It only waits for a deadline, which no schedule comes near. */
static const char *const background[] = {"host-expiry", "host-fault", NULL};

#define BASE                                                                                       \
	.check = mediated_world_check, .teardown = mediated_world_teardown,                        \
	.background = background, .points = EXPLORE_POINTS_SILICON,                                \
	.locate = mediated_world_locate

static const struct triples_world worlds[] = {
	{.prefix = "dedicated:",
	 .actors = actors,
	 .actor_count = ACTORS_OF_BOTH,
	 .base = {BASE, .setup = mediated_world_setup_dedicated}},
	{.prefix = "shared:",
	 .actors = actors,
	 .actor_count = ARRAY_LEN(actors),
	 .base = {BASE, .setup = mediated_world_setup_shared}},
};

static void set_plant(unsigned plant)
{
	mediated_world_plant = (enum accelerator_plant)plant;
}

static const struct triples_plant plants[] = {
	{"a drain that drains nothing is found",
	 {"free", "work", "stop"},
	 .plant = ACCELERATOR_PLANT_NO_DRAIN,
	 .verdict = EXPLORE_FAILED},
	{"a queue that is not reset is found",
	 {"work", "cycle", "reset"},
	 .plant = ACCELERATOR_PLANT_KEEP_QUEUE,
	 .verdict = EXPLORE_FAILED},
	{"a kick that is lost is found",
	 {"work", "drain", "cycle"},
	 .sabotage.no_kick = "accelerator drains",
	 .verdict = EXPLORE_FAILED},
	{"a grace period left out is found",
	 {"free", "work", "stop"},
	 .sabotage.skip_grace_periods = true,
	 .verdict = EXPLORE_FAILED},
	{"a mediated device without lock is found",
	 {"free", "work", "cycle"},
	 .sabotage.no_lock = "mediated device",
	 .verdict = EXPLORE_FAILED},
	{"a command register without lock is found",
	 {"work", "cycle", "reset"},
	 .sabotage.no_lock = "shared accelerator",
	 .verdict = EXPLORE_STUCK},
};

int main(int argc, char **argv)
{
	static const struct triples_suite suite = {
		.worlds = worlds,
		.world_count = ARRAY_LEN(worlds),
		.plants = plants,
		.plant_count = ARRAY_LEN(plants),
		.set_plant = set_plant,
		.plan = {.schedules_max = 1, .random_schedules = 6},
		.plant_plan = {.preemptions = 1, .schedules_max = 50, .random_schedules = 3000},
	};

	return triples_main(&suite, argc, argv);
}
