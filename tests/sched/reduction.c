// SPDX-License-Identifier: MIT
#include "reduction.h"

#include <string.h>

#include "base/check.h"

/* Operations that a thread may take more in other schedules. */
#define SLACK 24u

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
	memset(reduction->recorded, 0, sizeof(reduction->recorded));
	reduction->sleepers = 0;
}

static bool meets(const struct sched_operation *a, const struct sched_operation *b)
{
	return a->object && a->object == b->object &&
	       (a->access == SEAM_WRITE || b->access == SEAM_WRITE);
}

static bool has(const uint64_t *set, unsigned index)
{
	return set[index / 64] >> (index % 64) & 1;
}

static bool meets_sleeper(const struct reduction *reduction, unsigned sleeper, unsigned index,
			  const struct sched_operation *operation)
{
	const struct reduction_segment *segment = reduction->asleep[sleeper];
	struct sched_operation next;

	if (!segment) {
		next = sched_thread_next(sleeper);
		return meets(&next, operation);
	}
	return has(segment->writes, index) ||
	       (operation->access == SEAM_WRITE && has(segment->reads, index));
}

static void wake_sleepers(struct reduction *reduction, unsigned thread, unsigned index,
			  const struct sched_operation *operation)
{
	for (unsigned i = 0; reduction->sleepers >> i; i++)
		if (i != thread && reduction_sleeps(reduction, i) &&
		    meets_sleeper(reduction, i, index, operation))
			reduction->sleepers &= ~(1u << i);
}

static void record(struct reduction_segment *segment, unsigned index, enum seam_access access)
{
	uint64_t *set = access == SEAM_WRITE ? segment->writes : segment->reads;

	set[index / 64] |= UINT64_C(1) << (index % 64);
}

/* Kept as what was not held, so that nothing seen is everything held. */
static void note_locks(struct reduction *reduction, struct reduction_object *object,
		       unsigned thread)
{
	uint64_t not_held = object->not_held[thread] | ~sched_thread_locks(thread);

	if (not_held == object->not_held[thread])
		return;
	object->not_held[thread] = not_held;
	reduction->has_grown = true;
}

void reduction_operation(struct reduction *reduction, unsigned thread,
			 const struct sched_operation *operation)
{
	struct reduction_object *object = find(reduction, operation->object);
	uint32_t *end = operation->access == SEAM_WRITE ? &object->write_end[thread]
							: &object->read_end[thread];
	unsigned index = (unsigned)(object - reduction->objects);
	uint32_t number = ++reduction->done[thread];

	/* what is_met_by() allows for need not be explored again */
	if (*end < number) {
		reduction->has_grown |= number > *end + SLACK;
		*end = number;
	}
	note_locks(reduction, object, thread);
	reduction->sleepers &= ~(1u << thread);
	wake_sleepers(reduction, thread, index, operation);
	if (reduction->recorded[thread])
		record(reduction->recorded[thread], index, operation->access);
}

void reduction_blocked(struct reduction *reduction, unsigned thread,
		       const struct sched_operation *operation)
{
	const struct reduction_object *object = find(reduction, operation->object);

	wake_sleepers(reduction, thread, (unsigned)(object - reduction->objects), operation);
}

static bool is_met_by(const struct reduction *reduction, const struct reduction_object *object,
		      enum seam_access access, uint64_t locks, unsigned thread)
{
	uint32_t done = reduction->done[thread];

	if (sched_thread_has_ended(thread) || (locks & ~object->not_held[thread]))
		return false;
	if (object->write_end[thread] && object->write_end[thread] + SLACK > done)
		return true;
	return access == SEAM_WRITE && object->read_end[thread] &&
	       object->read_end[thread] + SLACK > done;
}

bool reduction_would_be_met(struct reduction *reduction, unsigned thread,
			    const struct sched_operation *operation)
{
	uint64_t locks = sched_thread_locks(thread);
	struct reduction_object *object;

	if (!operation->object)
		return false;
	object = find(reduction, operation->object);
	for (unsigned i = 0; i < sched_thread_count(); i++)
		if (i != thread && is_met_by(reduction, object, operation->access, locks, i))
			return true;
	return false;
}

bool reduction_is_met(struct reduction *reduction, unsigned thread)
{
	struct sched_operation next = sched_thread_next(thread);

	return reduction_would_be_met(reduction, thread, &next);
}

void reduction_sleep(struct reduction *reduction, unsigned thread,
		     const struct reduction_segment *segment)
{
	reduction->sleepers |= 1u << thread;
	reduction->asleep[thread] = segment;
}

void reduction_record(struct reduction *reduction, unsigned thread,
		      struct reduction_segment *segment)
{
	reduction->recorded[thread] = segment;
}

void reduction_recorded(struct reduction *reduction, unsigned but)
{
	for (unsigned i = 0; i < SCHED_THREADS_MAX; i++)
		if (i != but)
			reduction->recorded[i] = NULL;
}
