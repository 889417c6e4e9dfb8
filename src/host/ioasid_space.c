// SPDX-License-Identifier: MIT
/* The space itself: its life, its lock, and calls out of it. */
#include <errno.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/log.h"
#include "host/ioasid_impl.h"

static void init_lists(struct vsva_ioasid_space *space)
{
	list_init(&space->allocators);
	list_init(&space->sets);
	list_init(&space->retired);
	list_init(&space->notifiers);
	list_init(&space->homeless);
	list_init(&space->waiters);
}

static size_t entries_len(const struct vsva_ioasid_space *space)
{
	return space->id_end * sizeof(*space->entries);
}

static int make_parts(struct vsva_ioasid_space *space)
{
	int err = numbers_init(&space->numbers, space->id_end);

	if (err)
		return err;
	space->entries = base_reserve(entries_len(space));
	if (!space->entries)
		return -ENOMEM;
	space->reaper = worker_create(space->pool, "ioasid-reaper", reaper_run, space);
	return space->reaper ? 0 : -EAGAIN;
}

static void free_parts(struct vsva_ioasid_space *space)
{
	numbers_fini(&space->numbers);
	base_unreserve(space->entries, entries_len(space));
	lock_destroy(&space->lock);
	base_free(space);
}

struct vsva_ioasid_space *ioasid_space_create(unsigned bits, struct worker_pool *pool,
					      const struct trace *trace)
{
	struct vsva_ioasid_space *space = base_zalloc(sizeof(*space));

	CHECK(bits >= 1 && bits <= 20);
	if (!space)
		return NULL;
	space->id_end = 1u << bits;
	space->available = space->id_end - 1;
	space->pool = pool;
	space->trace = trace;
	init_lists(space);
	lock_init(&space->lock, LOCK_RANK_IOASID, "ioasid");
	if (make_parts(space)) {
		free_parts(space);
		return NULL;
	}
	return space;
}

/* Somebody has lost a reference: there is nobody left who could return it. */
static void reclaim_by_force(struct vsva_ioasid_set *set)
{
	while (!list_is_empty(&set->held)) {
		struct entry *entry = container_of(set->held.next, struct entry, link);

		log_line(LOG_ERROR, VSVA_CODE_PASID_REFERENCES,
			 "host: PASID %u is freed with %u references to it", entry->id,
			 entry->references);
		entry->bindings = NULL;
		__atomic_store_n(&entry->references, 1, __ATOMIC_RELEASE);
		entry_put(entry);
	}
}

/* One that was freed by its owner, and whose ids are still pending. Nobody is told any more. */
static void finish_zombie(struct vsva_ioasid_set *set)
{
	CHECK(set->is_zombie);
	worker_destroy(set->worker);
	set->worker = NULL;
	while (reclaim_run(set))
		;
	lock_take(&set->space->lock);
	reclaim_by_force(set);
	lock_drop(&set->space->lock);
}

/* Its worker may be about to retire it. */
static struct vsva_ioasid_set *first_set(struct vsva_ioasid_space *space)
{
	struct vsva_ioasid_set *set = NULL;

	lock_take(&space->lock);
	if (!list_is_empty(&space->sets))
		set = container_of(space->sets.next, struct vsva_ioasid_set, in_space);
	lock_drop(&space->lock);
	return set;
}

/* Then nobody but the caller reaps. */
static void stop_reaper(struct vsva_ioasid_space *space)
{
	struct worker *reaper;

	lock_take(&space->lock);
	reaper = space->reaper;
	space->reaper = NULL;
	lock_drop(&space->lock);
	worker_destroy(reaper);
}

void ioasid_space_destroy(struct vsva_ioasid_space *space)
{
	struct vsva_ioasid_set *set;

	if (!space)
		return;
	CHECK(list_is_empty(&space->notifiers) && list_is_empty(&space->allocators));
	stop_reaper(space);
	while ((set = first_set(space)))
		finish_zombie(set);
	while (reaper_run(space))
		;
	CHECK(list_is_empty(&space->homeless) && list_is_empty(&space->waiters));
	rcu_barrier();
	free_parts(space);
}

size_t ioasid_space_bytes(const struct vsva_ioasid_space *space)
{
	return __atomic_load_n(&space->out_count, __ATOMIC_RELAXED) * sizeof(*space->entries);
}

uint32_t vsva_ioasid_space_available(struct vsva_ioasid_space *space)
{
	return __atomic_load_n(&space->available, __ATOMIC_RELAXED);
}

/* The lock and calls out */

static _Thread_local const struct callout *innermost;

int space_enter(struct vsva_ioasid_space *space)
{
	if (innermost)
		return -EDEADLK;
	lock_take(&space->lock);
	return 0;
}

void space_leave(struct vsva_ioasid_space *space)
{
	lock_drop(&space->lock);
}

bool space_hold(struct vsva_ioasid_space *space)
{
	if (innermost && innermost->space == space)
		return false;
	lock_take(&space->lock);
	return true;
}

void space_let_go(struct vsva_ioasid_space *space, bool is_taken)
{
	if (is_taken)
		lock_drop(&space->lock);
}

void callout_begin(struct callout *callout, const struct vsva_ioasid_space *space, uint32_t id)
{
	*callout = (struct callout){.space = space, .id = id, .outer = innermost};
	innermost = callout;
	atomic_enter();
}

void callout_end(const struct callout *callout)
{
	CHECK(innermost == callout);
	innermost = callout->outer;
	atomic_exit();
}

const struct callout *callout_current(void)
{
	return innermost;
}

bool callout_refuses(const char *what)
{
	if (innermost)
		LOG_LIMITED(LOG_ERROR, VSVA_CODE_IN_EVENT,
			    "host: %s does nothing inside an event function", what);
	return innermost != NULL;
}
