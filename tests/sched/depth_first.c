// SPDX-License-Identifier: MIT
/* All schedules with few preemptions: what is chosen at a decision, what is known already, and what
 * comes next. */
#include "exploration.h"

#include <string.h>

#include "base/check.h"

/* Seams */

/* Nothing new comes of this schedule any more. */
static void note_known(void)
{
	if (it.is_known || it.test->revisits)
		return;
	it.is_known = true;
	it.result->known++;
}

/* Is the section that began with one of the decisions idle after all? */
static void watch_section(unsigned thread, const struct sched_operation *operation)
{
	unsigned section = it.sections[thread];

	if (!section || sched_thread_begins_section(thread))
		return;
	if (!sched_thread_is_reading(thread))
		it.sections[thread] = 0;
	else if (reduction_would_be_met(&it.reduction, thread, operation))
		it.frames[section - 1].is_idle_section = false;
}

void depth_first_operation(unsigned thread, const struct sched_operation *operation)
{
	if (reduction_sleeps(&it.reduction, thread))
		note_known();
	watch_section(thread, operation);
	reduction_operation(&it.reduction, thread, operation);
}

void depth_first_blocked(unsigned thread, const struct sched_operation *operation)
{
	reduction_blocked(&it.reduction, thread, operation);
}

/* Choosing */

/* Who sleeps belongs to the state: what it may do is explored elsewhere. */
static bool is_new(const struct sched_decision *decision)
{
	uint64_t key = decision->signature ^ (decision->can_go_on ? decision->threads[0] + 1 : 0) ^
		       (uint64_t)it.reduction.sleepers << 32;

	return visited_add(&it.visited, key, it.bound - it.preemptions);
}

/* The choices that lead somewhere new, as far as it is known. */
static uint32_t choices_allowed(const struct sched_decision *decision)
{
	uint32_t allowed = (uint32_t)((UINT64_C(1) << decision->count) - 1);

	if (decision->can_go_on && it.preemptions == it.bound)
		allowed = 1;
	if (it.test->revisits)
		return allowed;
	if (decision->can_go_on && !reduction_is_met(&it.reduction, decision->threads[0]))
		allowed = 1;
	for (unsigned i = 0; i < decision->count; i++)
		if (reduction_sleeps(&it.reduction, decision->threads[i]))
			allowed &= ~(1u << i);
	return (allowed & (allowed - 1)) && !is_new(decision) ? 0 : allowed;
}

static unsigned lowest(uint32_t set)
{
	return (unsigned)__builtin_ctz(set);
}

/* A decision behind the prefix: the first choice, and the others later. */
static unsigned choose_first(const struct sched_decision *decision)
{
	struct frame frame = {.can_go_on = decision->can_go_on, .count = decision->count};

	if (it.is_known)
		return 0;
	frame.allowed = choices_allowed(decision);
	if (!frame.allowed) {
		note_known();
		return 0;
	}
	memcpy(frame.threads, decision->threads, decision->count * sizeof(frame.threads[0]));
	if (it.decision >= FRAMES_MAX)
		exploration_stuck("more decisions than can be repeated");
	CHECK(it.decision == it.frame_count);
	frame.choice = lowest(frame.allowed);
	frame.is_idle_section =
		frame.can_go_on && !frame.choice && sched_thread_begins_section(frame.threads[0]);
	it.frames[it.frame_count++] = frame;
	return frame.choice;
}

/* What was chosen here before is done with, until somebody meets it. */
static void let_others_sleep(const struct frame *frame)
{
	if (it.test->revisits)
		return;
	for (unsigned i = 0; i < frame->choice; i++)
		if (i == 0 && frame->can_go_on)
			reduction_sleep(&it.reduction, frame->threads[0], NULL);
		else if (frame->segments[i])
			reduction_sleep(&it.reduction, frame->threads[i], frame->segments[i]);
}

static void record_segment(struct frame *frame)
{
	struct reduction_segment **segment = &frame->segments[frame->choice];
	bool goes_on = frame->can_go_on && frame->choice == 0;

	if (goes_on || *segment || !(frame->allowed & (frame->allowed - 1)))
		return;
	*segment = calloc(1, sizeof(**segment));
	CHECK(*segment);
	reduction_record(&it.reduction, frame->threads[frame->choice], *segment);
}

unsigned depth_first_choose(const struct sched_decision *decision)
{
	struct frame *frame = &it.frames[it.decision];
	unsigned choice = it.decision < it.prefix ? frame->choice : choose_first(decision);

	reduction_recorded(&it.reduction,
			   decision->can_go_on ? decision->threads[0] : SCHED_THREADS_MAX);
	if (it.is_known)
		return choice;
	CHECK(frame->count == decision->count &&
	      frame->threads[choice] == decision->threads[choice]);
	if (choice && decision->can_go_on)
		it.preemptions++;
	if (sched_thread_begins_section(decision->threads[choice]))
		it.sections[decision->threads[choice]] =
			frame->is_idle_section ? it.decision + 1 : 0;
	let_others_sleep(frame);
	record_segment(frame);
	return choice;
}

static void frame_pop(void)
{
	struct frame *frame = &it.frames[--it.frame_count];

	for (unsigned i = 0; i < frame->count; i++)
		free(frame->segments[i]);
}

/* The tree of schedules */

static unsigned preemptions_before(unsigned end)
{
	unsigned count = 0;

	for (unsigned i = 0; i < end; i++)
		count += it.frames[i].choice && it.frames[i].can_go_on;
	return count;
}

/* The next choice of a decision that the bound still has room for; 0: none. */
static uint32_t next_choice(const struct frame *frame, unsigned used)
{
	uint32_t later = frame->allowed & ~((2u << frame->choice) - 1);

	if (!later || (frame->can_go_on && (used >= it.bound)))
		return 0;
	return lowest(later);
}

/* The deepest decision that can still be made otherwise is. false: there is none. */
static bool backtrack(void)
{
	unsigned used = preemptions_before(it.frame_count);

	for (; it.frame_count > 0; frame_pop()) {
		struct frame *frame = &it.frames[it.frame_count - 1];
		uint32_t choice;

		used -= frame->choice && frame->can_go_on;
		choice = next_choice(frame, used);
		if (choice) {
			frame->choice = choice;
			it.prefix = it.frame_count;
			return true;
		}
	}
	return false;
}

/* false: schedules_max were run, and there are more. */
static bool run_tree(uint64_t schedules_max)
{
	it.prefix = 0;
	it.reduction.has_grown = false;
	visited_clear(&it.visited);
	do {
		if (it.result->schedules >= schedules_max)
			return false;
		exploration_run_one();
	} while (backtrack());
	return true;
}

/* Again, as long as runs show that what was left out may matter. */
static void run_bound(unsigned bound, uint64_t schedules_max)
{
	bool goes_on = true;

	it.bound = it.result->preemptions = bound;
	it.result->rounds = 0;
	it.result->is_complete = false;
	do {
		it.result->schedules = it.result->known = 0;
		it.result->rounds++;
		goes_on = run_tree(schedules_max ? schedules_max : UINT64_MAX);
	} while (goes_on && it.reduction.has_grown && !it.test->revisits);
	it.result->is_complete = goes_on;
}

void depth_first_run(const struct exploration_task *task)
{
	it.mode = DEPTH_FIRST;
	for (unsigned bound = 0; bound <= task->preemptions; bound++)
		run_bound(bound, task->schedules);
}
