// SPDX-License-Identifier: MIT
/* Explorations as cases of cmocka. */
#include "explore.h"

#include <inttypes.h>
#include <string.h>

static void write_replay(const struct explore_case *test, const struct explore_result *result,
			 char *out, size_t len)
{
	snprintf(out, len, "%s@%" PRIu64 ":%s#%" PRIx64, test->name, test->seed, result->schedule,
		 result->fingerprint);
}

static void print_result(const struct explore_case *test, const char *how,
			 const struct explore_result *result)
{
	print_message("# %s, %s: %" PRIu64 " schedules%s (%" PRIu64 " ended in known states), "
		      "up to %" PRIu64 " decisions, %u rounds, %.1f s\n",
		      test->name, how, result->schedules, result->is_complete ? ", complete" : "",
		      result->known, result->decisions, result->rounds, result->seconds);
}

/* Each line of it as a comment of TAP. Not by cmocka, which cuts long lines. */
static void print_comment(const char *title, const char *text)
{
	printf("# %s", title);
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n')
			printf("# ");
	}
	putchar('\n');
}

static void print_finding(const struct explore_case *test, const struct explore_result *result)
{
	char replay[EXPLORE_SCHEDULE_LEN + 128];

	write_replay(test, result, replay, sizeof(replay));
	print_comment("found: ", result->text);
	printf("# VSVA_SCHEDULE='%s'\n", replay);
}

/* true: the environment asks for the replay of a schedule, so nothing else is done. */
static bool replay_is_wanted(const struct explore_case *test)
{
	const char *schedule = getenv("VSVA_SCHEDULE");
	struct explore_result result;
	char prefix[256];

	if (!schedule)
		return false;
	snprintf(prefix, sizeof(prefix), "%s@%" PRIu64 ":", test->name, test->seed);
	if (strncmp(schedule, prefix, strlen(prefix)) != 0)
		return true;
	explore_replay(test, schedule, true, &result);
	print_result(test, "replay", &result);
	if (result.verdict != EXPLORE_GOOD)
		fail_msg("%s", result.text);
	return true;
}

static void look_for(const struct explore_case *original, const struct explore_plan *plan,
		     struct explore_result *result)
{
	uint64_t outcomes[EXPLORE_OUTCOMES_MAX];
	struct explore_case with_outcomes = *original, *test = &with_outcomes;
	char how[64];

	if (test->outcome) {
		test->outcomes = outcomes;
		test->outcome_count = explore_in_order(original, outcomes, result);
		if (result->verdict != EXPLORE_GOOD)
			return;
	}
	explore_all(test, plan->preemptions, plan->schedules_max, result);
	snprintf(how, sizeof(how), "at most %u preemptions", result->preemptions);
	print_result(test, how, result);
	if (result->verdict != EXPLORE_GOOD || !plan->random_schedules)
		return;
	explore_random(test, 1, plan->random_schedules, 3, result);
	print_result(test, "random priorities", result);
}

void explore_expect_good(const struct explore_case *test, const struct explore_plan *plan)
{
	struct explore_result result;

	if (replay_is_wanted(test))
		return;
	look_for(test, plan, &result);
	if (result.verdict == EXPLORE_GOOD)
		return;
	print_finding(test, &result);
	fail_msg("%s: %s", test->name, result.text);
}

void explore_expect_found(const struct explore_case *test, const struct explore_plan *plan,
			  enum explore_verdict verdict)
{
	char replay[EXPLORE_SCHEDULE_LEN + 128];
	struct explore_result result, again;

	if (replay_is_wanted(test))
		return;
	explore_is_quiet = true;
	look_for(test, plan, &result);
	print_finding(test, &result);
	write_replay(test, &result, replay, sizeof(replay));
	explore_replay(test, replay, false, &again);
	explore_is_quiet = false;
	assert_int_equal(result.verdict, verdict);
	assert_int_equal(again.verdict, verdict);
	assert_string_equal(again.schedule, result.schedule);
	assert_int_equal(again.fingerprint, result.fingerprint);
}
