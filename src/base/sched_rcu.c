// SPDX-License-Identifier: MIT
/*
 * RCU among threads of which one runs at a time: a grace period is over when no section is left
 * that was there when it began. Calls are carried out by a thread that goes on as soon as it can,
 * so that who uses an object for too long uses memory that has been freed.
 */
#include "base/sched_impl.h"

#ifdef VSVA_SCHED

#include <stdlib.h>

#include "base/check.h"
#include "base/rcu.h"

static const char rcu_name[] = "rcu";
static const char wait_name[] = "a grace period"; /* its end commutes with everything */

struct call {
	struct rcu_node *node;
	uint64_t period;
};

static uint64_t period;    /* the youngest section or grace period */
static struct call *calls; /* a ring would do; it is emptied often enough */
static size_t call_count, call_room;
static size_t calls_made, calls_carried_out, calls_wanted;
static struct sched_thread *reclaimer;
static bool is_ending;

static bool is_over(uint64_t since)
{
	if (sched_.config.sabotage.skip_grace_periods)
		return true;
	for (unsigned i = 0; i < sched_.thread_count; i++) {
		const struct sched_thread *thread = &sched_.threads[i];

		if (thread->reading_since && thread->reading_since < since)
			return false;
	}
	return true;
}

static bool grace_period_is_over(void *arg)
{
	return is_over(*(const uint64_t *)arg);
}

void sched_rcu_online(void)
{
	sched_self_->begins_section = true;
	sched_point_(SEAM_RCU, SEAM_READ, rcu_name, 0);
	sched_self_->begins_section = false;
	sched_self_->reading_since = ++period;
	sched_self_->section_since = sched_self_->points;
	sched_self_->seen_count = 0;
}

/* What was seen inside is used behind it: too late. */
void sched_rcu_offline(void)
{
	struct sched_thread *self = sched_self_;
	unsigned count = self->seen_count;

	/* for those who may have come to wait for the section's end */
	if (self->points != self->section_since)
		sched_point_(SEAM_RCU, SEAM_READ, rcu_name, 0);
	self->reading_since = 0;
	for (unsigned i = 0; i < count && sched_is_point_behind(SEAM_POINTER); i++)
		sched_reschedule(SEAM_READ, self->seen[i].name, self->seen[i].key);
}

void sched_rcu_quiescent(void)
{
	sched_rcu_offline();
	sched_rcu_online();
}

void sched_rcu_synchronize(void)
{
	uint64_t mine;

	sched_point_(SEAM_RCU, SEAM_WRITE, rcu_name, 0);
	mine = ++period;
	sched_wait(grace_period_is_over, &mine, SEAM_READ, wait_name);
}

/* Calls */

static void call_add(struct rcu_node *node)
{
	if (call_count == call_room) {
		call_room = call_room ? 2 * call_room : 64;
		calls = realloc(calls, call_room * sizeof(*calls));
		CHECK(calls);
	}
	calls[call_count++] = (struct call){node, ++period};
	calls_made++;
}

static bool is_wanted(void)
{
	return !sched_.config.is_lazy || is_ending || calls_wanted > calls_carried_out;
}

static void set_urgency(void)
{
	reclaimer->is_urgent = is_wanted();
	reclaimer->is_background = !reclaimer->is_urgent;
}

void sched_rcu_call(struct rcu_node *node)
{
	sched_point_(SEAM_RCU, SEAM_WRITE, rcu_name, 0);
	call_add(node);
	set_urgency();
	/* the caller may go on with what he has just given away: then it shall be gone */
	if (sched_is_point_behind(SEAM_POINTER))
		sched_reschedule(SEAM_READ, NULL, 0);
}

static bool are_carried_out(void *arg)
{
	return calls_carried_out >= *(const size_t *)arg;
}

void sched_rcu_barrier(void)
{
	size_t made = calls_made;

	sched_point_(SEAM_RCU, SEAM_WRITE, rcu_name, 0);
	if (calls_wanted < made)
		calls_wanted = made;
	set_urgency();
	sched_wait(are_carried_out, &made, SEAM_READ, wait_name);
}

static bool is_due(void *arg)
{
	(void)arg;
	return call_count ? is_over(calls[0].period) : is_ending;
}

static void carry_out(void)
{
	struct rcu_node *node = calls[0].node;

	call_count--;
	for (size_t i = 0; i < call_count; i++)
		calls[i] = calls[i + 1];
	node->func(node);
	calls_carried_out++;
	set_urgency();
}

static void *reclaim(void *arg)
{
	while (call_count || !is_ending) {
		sched_wait(is_due, arg, SEAM_READ, wait_name);
		if (call_count)
			carry_out();
	}
	return NULL;
}

bool sched_rcu_is_operation(const struct sched_operation *operation)
{
	return operation->name == rcu_name;
}

uint64_t sched_rcu_waiters(const struct sched_thread *reader)
{
	uint64_t waiters = 0, waiting_calls = 0;

	for (unsigned i = 0; i < sched_.thread_count; i++) {
		const struct sched_thread *thread = &sched_.threads[i];

		if (thread->state == SCHED_WAITS && thread->is_over == grace_period_is_over &&
		    *(const uint64_t *)thread->is_over_arg > reader->reading_since)
			waiters |= UINT64_C(1) << i;
	}
	for (size_t i = 0; i < call_count; i++)
		waiting_calls += calls[i].period > reader->reading_since;
	return waiters << 32 | waiting_calls;
}

void sched_rcu_begin(void)
{
	period = 0;
	call_count = calls_made = calls_carried_out = calls_wanted = 0;
	is_ending = false;
	reclaimer = sched_start("rcu", reclaim, NULL);
	set_urgency();
}

void sched_rcu_end(void)
{
	is_ending = true;
	set_urgency();
	sched_join(reclaimer);
}

#endif
