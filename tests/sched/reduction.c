// SPDX-License-Identifier: MIT
#include "reduction.h"

#include <string.h>

#include "base/check.h"

static struct reduction_object *find(struct reduction *reduction, uint64_t object)
{
	for (unsigned i = 0; i < REDUCTION_OBJECTS; i++) {
		struct reduction_object *at =
			&reduction->objects[(object + i) & (REDUCTION_OBJECTS - 1)];

		if (!at->object)
			at->object = object;
		if (at->object == object)
			return at;
	}
	check_failed("reduction: too many objects", __FILE__, __LINE__);
}

void reduction_begin_run(struct reduction *reduction)
{
	memset(reduction->done, 0, sizeof(reduction->done));
	reduction->sleepers = 0;
}

static bool meets(const struct sched_operation *a, const struct sched_operation *b)
{
	return a->object && a->object == b->object &&
	       (a->access == SEAM_WRITE || b->access == SEAM_WRITE);
}

static void wake_sleepers(struct reduction *reduction, unsigned thread,
			  const struct sched_operation *operation)
{
	for (unsigned i = 0; reduction->sleepers >> i; i++) {
		struct sched_operation next;

		if (i == thread || !reduction_sleeps(reduction, i))
			continue;
		next = sched_thread_next(i);
		if (meets(&next, operation))
			reduction->sleepers &= ~(1u << i);
	}
}

void reduction_operation(struct reduction *reduction, unsigned thread,
			 const struct sched_operation *operation)
{
	struct reduction_object *object = find(reduction, operation->object);
	uint32_t *end = operation->access == SEAM_WRITE ? &object->write_end[thread]
							: &object->read_end[thread];
	uint32_t number = ++reduction->done[thread];

	if (*end < number) {
		*end = number;
		reduction->has_grown = true;
	}
	reduction->sleepers &= ~(1u << thread);
	wake_sleepers(reduction, thread, operation);
}

static bool is_met_by(const struct reduction *reduction, const struct reduction_object *object,
		      enum seam_access access, unsigned thread)
{
	uint32_t done = reduction->done[thread];

	if (sched_thread_has_ended(thread))
		return false;
	return object->write_end[thread] > done ||
	       (access == SEAM_WRITE && object->read_end[thread] > done);
}

bool reduction_is_met(struct reduction *reduction, unsigned thread)
{
	struct sched_operation next = sched_thread_next(thread);
	struct reduction_object *object;

	if (!next.object)
		return false;
	object = find(reduction, next.object);
	for (unsigned i = 0; i < sched_thread_count(); i++)
		if (i != thread && is_met_by(reduction, object, next.access, i))
			return true;
	return false;
}

void reduction_preempted(struct reduction *reduction, unsigned thread)
{
	reduction->sleepers |= 1u << thread;
}
