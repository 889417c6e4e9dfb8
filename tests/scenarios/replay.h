/* SPDX-License-Identifier: MIT */
/*
 * A defect replayed: the real driver on the real unit goes through the story of the defect under
 * every cache policy, with and without ATS, with and without page requests, and the property that
 * the defect broke must hold. Then once more with the step left out, or done wrong, that protects
 * it: the property must be seen to break, or the test would not have found the defect.
 *
 *   story      runs the driver and says whether the property held
 *   saboteur   does to the driver's descriptors, between replay_arm() and replay_disarm(), what the
 *              defect did
 */
#ifndef TESTS_SCENARIOS_REPLAY_H
#define TESTS_SCENARIOS_REPLAY_H

#include "host/silicon.h"

#define REPLAY_VA UINT64_C(0x7f1234567000)

struct replay {
	struct silicon s;
	bool ats; /* accesses of the device go through its TLB */
	bool is_negative;
	void (*saboteur)(struct replay *replay, struct vtd_desc *desc);
	unsigned sabotaged; /* the saboteur's to count: what it changed */
	did_t did;          /* the story's, for the saboteur */
};

typedef bool replay_story(struct replay *replay);
typedef void replay_saboteur(struct replay *replay, struct vtd_desc *desc);

/* options NULL: defaults; policy and no_pri are chosen here. */
void replay_survives(replay_story *story, const struct silicon_options *options);
/* Without page requests, because a drain flushes too, and under the adversarial policy. saboteur
 * NULL: the story does it itself where is_negative says so. */
void replay_is_seen(replay_story *story, replay_saboteur *saboteur, bool ats,
		    const struct silicon_options *options);

void replay_arm(struct replay *replay);
void replay_disarm(struct replay *replay);
/* For saboteurs: the descriptor will do nothing. */
void replay_leave_out(struct replay *replay, struct vtd_desc *desc);

/* A first stage that maps REPLAY_VA to a page which holds the value. */
struct replay_space {
	uint64_t root, page;
};
struct replay_space replay_space(struct replay *replay, uint64_t value);
/* In guest memory. */
void replay_put(struct replay *replay, uint64_t page, uint64_t value);

/* Several times, so that whatever can be cached is. pasid VSVA_PASID_INVALID: none. */
bool replay_reads(struct replay *replay, uint32_t pasid, uint64_t addr, uint64_t value);
/* Neither reads nor writes. */
bool replay_reads_nothing(struct replay *replay, uint32_t pasid, uint64_t addr);

#endif
