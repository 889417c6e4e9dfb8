// SPDX-License-Identifier: MIT
#include "replay.h"

#define ATTEMPTS 4u

static void begin(struct replay *replay, const struct silicon_options *options,
		  enum unit_cache_policy policy, bool no_pri)
{
	struct silicon_options ours = options ? *options : (struct silicon_options){0};

	ours.policy = policy;
	ours.mode = WORKERS_MANUAL;
	ours.no_pri = no_pri;
	silicon_create_with(&replay->s, &ours);
}

void replay_survives(replay_story *story, const struct silicon_options *options)
{
	static const enum unit_cache_policy policies[] = {
		UNIT_CACHE_LRU, UNIT_CACHE_NEVER, UNIT_CACHE_RANDOM, UNIT_CACHE_ADVERSARIAL};

	for (unsigned i = 0; i < 16; i++) {
		struct replay replay = {.ats = i & 4};

		begin(&replay, options, policies[i & 3], i & 8);
		if (!story(&replay))
			fail_msg("it did not hold under policy %u%s%s", policies[i & 3],
				 replay.ats ? ", with ATS" : "",
				 i & 8 ? "" : ", with page requests");
		silicon_destroy(&replay.s);
	}
}

void replay_is_seen(replay_story *story, replay_saboteur *saboteur, bool ats,
		    const struct silicon_options *options)
{
	struct replay replay = {.ats = ats, .is_negative = true, .saboteur = saboteur};

	begin(&replay, options, UNIT_CACHE_ADVERSARIAL, true);
	assert_false(story(&replay));
	assert_true(!saboteur || replay.sabotaged > 0);
	replay_disarm(&replay);
	silicon_destroy(&replay.s);
}

static void sabotage(void *arg, struct vtd_desc *desc)
{
	struct replay *replay = arg;

	replay->saboteur(replay, desc);
}

void replay_arm(struct replay *replay)
{
	if (replay->saboteur)
		replay->s.tap = (struct silicon_tap){.desc = sabotage, .arg = replay};
}

void replay_disarm(struct replay *replay)
{
	replay->s.tap = (struct silicon_tap){0};
}

void replay_leave_out(struct replay *replay, struct vtd_desc *desc)
{
	silicon_drop(desc);
	replay->sabotaged++;
}

struct replay_space replay_space(struct replay *replay, uint64_t value)
{
	struct silicon *s = &replay->s;
	struct replay_space space = {silicon_first_stage(s), silicon_page(s)};

	silicon_map(s, space.root, REPLAY_VA, space.page, true);
	replay_put(replay, space.page, value);
	return space;
}

void replay_put(struct replay *replay, uint64_t page, uint64_t value)
{
	*(uint64_t *)(void *)(replay->s.memory + page) = value;
}

bool replay_reads(struct replay *replay, uint32_t pasid, uint64_t addr, uint64_t value)
{
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		uint64_t found = 0;

		if (silicon_read(&replay->s, pasid, addr, replay->ats, &found) != DMA_OK ||
		    found != value)
			return false;
	}
	return true;
}

bool replay_reads_nothing(struct replay *replay, uint32_t pasid, uint64_t addr)
{
	uint64_t found;

	for (unsigned i = 0; i < ATTEMPTS; i++)
		if (silicon_read(&replay->s, pasid, addr, replay->ats, &found) == DMA_OK ||
		    silicon_write(&replay->s, pasid, addr, replay->ats, 66) == DMA_OK)
			return false;
	silicon_run(&replay->s);
	return true;
}
