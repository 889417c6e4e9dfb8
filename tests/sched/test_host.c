// SPDX-License-Identifier: MIT
/* Every three of what may happen to a PASID at once, interleaved. For its arguments see triples.h. */
#include "host_world.h"
#include "triples.h"

static const struct explore_actor actors[] = {
	{"bind", host_bind},   {"unbind", host_unbind}, {"free", host_free},
	{"ask", host_ask},     {"answer", host_answer}, {"close", host_close},
	{"unmap", host_unmap}, {"reset", host_reset},   {"remove", host_remove},
};

static const struct triples_world world = {
	.prefix = "",
	.actors = actors,
	.actor_count = ARRAY_LEN(actors),
	.base = {.setup = host_world_setup,
		 .check = host_world_check,
		 .teardown = host_world_teardown,
		 .outcome = host_world_outcome,
		 .background = host_world_background,
		 .points = EXPLORE_POINTS_SILICON,
		 .locate = host_world_locate},
};

/* Negative controls: what the hardware is kept from doing must be noticed. */
static const struct triples_plant plants[] = {
	{"a lost answer is found",
	 {"unbind", "ask", "answer"},
	 .plant = HOST_PLANT_LOSE_ANSWER,
	 .verdict = EXPLORE_FAILED},
	{"an answer given twice is found",
	 {"unbind", "ask", "answer"},
	 .plant = HOST_PLANT_ANSWER_TWICE,
	 .verdict = EXPLORE_FAILED},
	{"a device TLB that is not flushed is found",
	 {"unbind", "free", "ask"},
	 .plant = HOST_PLANT_NO_DEVICE_TLB_FLUSH,
	 .verdict = EXPLORE_FAILED},
	{"a grace period left out is found",
	 {"unbind", "ask", "answer"},
	 .sabotage.skip_grace_periods = true,
	 .verdict = EXPLORE_FAILED},
	{"a domain without lock is found",
	 {"bind", "unbind", "free"},
	 .sabotage.no_lock = "domain",
	 .verdict = EXPLORE_CRASHED},
	{"an IOASID space without lock is found",
	 {"bind", "unbind", "free"},
	 .sabotage.no_lock = "ioasid",
	 .verdict = EXPLORE_CRASHED},
	{"page requests without lock are found",
	 {"unbind", "ask", "answer"},
	 .sabotage.no_lock = "page requests",
	 .verdict = EXPLORE_CRASHED},
};

static void set_plant(unsigned plant)
{
	host_world_plant = (enum host_plant)plant;
}

int main(int argc, char **argv)
{
	static const struct triples_suite suite = {
		.worlds = &world,
		.world_count = 1,
		.plants = plants,
		.plant_count = ARRAY_LEN(plants),
		.set_plant = set_plant,
		.plan = {.preemptions = 2, .schedules_max = 12, .random_schedules = 8},
		.plant_plan = {.preemptions = 2, .schedules_max = 2000},
	};

	return triples_main(&suite, argc, argv);
}
