// SPDX-License-Identifier: MIT
/*
 * What came before what. Each thread carries a hash of its past: of its own operations, and of the
 * past of whoever wrote last to the objects that it read or wrote. Two runs in which dependent
 * operations came in the same order have the same hashes, whatever the order of the others was.
 */
#include "base/sched_impl.h"

#ifdef VSVA_SCHED

#include "base/check.h"

#define OBJECTS 8192u /* a power of two */

struct object {
	uint64_t run; /* in which it was used last; others do not count */
	uint64_t id;
	uint64_t written; /* past of its last write */
	uint64_t reads;   /* sum of the pasts of all reads since */
};

static struct object objects[OBJECTS];
static uint64_t run_number;

static uint64_t mix(uint64_t a, uint64_t b)
{
	a ^= b + UINT64_C(0x9e3779b97f4a7c15) + (a << 6) + (a >> 2);
	a *= UINT64_C(0xbf58476d1ce4e5b9);
	return a ^ a >> 31;
}

/* By content: the same literal of two files may be at two places. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash;
}

void sched_order_reset(void)
{
	run_number++;
}

static struct object *object_find(uint64_t id)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		struct object *object = &objects[(id + i) & (OBJECTS - 1)];

		if (object->run != run_number)
			*object = (struct object){.run = run_number, .id = id};
		if (object->id == id)
			return object;
	}
	check_failed("scheduler: too many objects", __FILE__, __LINE__);
}

void sched_order_started(struct sched_thread *child, const struct sched_thread *parent)
{
	child->past = mix(parent ? parent->past : 0, child->number);
	child->since = 0;
}

void sched_order_joined(struct sched_thread *thread, const struct sched_thread *ended)
{
	thread->past = mix(thread->past, ended->past);
	thread->since = 0;
}

struct sched_operation sched_order_describe(enum seam_access access, const char *name, uint64_t key)
{
	struct sched_operation operation = {.access = access, .name = name, .key = key};

	if (name)
		operation.object = mix(hash_name(name), key) | 1;
	return operation;
}

static void rcu_operation(struct sched_thread *thread, struct object *object,
			  enum seam_access access)
{
	thread->past = mix(thread->past, object->id);
	if (access == SEAM_WRITE)
		object->written = thread->past = mix(thread->past, object->written);
	thread->since = 0;
	sched_.fingerprint = mix(sched_.fingerprint, mix(object->id, thread->number * 2 + access));
}

void sched_order_operation(struct sched_thread *thread, const struct sched_operation *operation)
{
	struct object *object = object_find(operation->object);

	/* Which sections are waited for is in the signature; of those that are over nothing is left. */
	if (sched_rcu_is_operation(operation)) {
		rcu_operation(thread, object, operation->access);
		return;
	}
	thread->past = mix(mix(thread->past, object->id), object->written);
	if (operation->access == SEAM_WRITE) {
		thread->past = mix(thread->past, object->reads + 1);
		object->written = thread->past;
		object->reads = 0;
	} else {
		object->reads += thread->past;
	}
	thread->since = 0;
	sched_.fingerprint =
		mix(sched_.fingerprint, mix(object->id, thread->number * 2 + operation->access));
}

uint64_t sched_order_signature(void)
{
	uint64_t sum = mix(sched_.now_ns, 0);

	for (unsigned i = 0; i < sched_.thread_count; i++) {
		const struct sched_thread *thread = &sched_.threads[i];

		sum += mix(mix(thread->past, thread->since),
			   (uint64_t)thread->number << 8 | thread->state);
		if (thread->reading_since)
			sum += mix(sched_rcu_waiters(thread), thread->number + 1);
	}
	return sum;
}

uint64_t sched_fingerprint(void)
{
	return sched_.fingerprint;
}

#endif
