// SPDX-License-Identifier: MIT
/*
 * Free in its two phases. The first is done when free returns; the second belongs to the set's
 * worker, which takes a batch of ids through it, and nobody else: the batch's ids keep their
 * allocation's reference meanwhile, so the set stays.
 */
#include <errno.h>

#include "base/log.h"
#include "host/ioasid_impl.h"
#include "vsva/limits.h"

/* lock. The allocation's reference. */
static void drop_allocation(struct entry *entry)
{
	list_remove(&entry->link);
	list_append(&entry->set->held, &entry->link);
	entry->has_allocations_reference = false;
	entry_put(entry);
}

/* If nobody has a second phase there is none. */
void entry_free(struct entry *entry)
{
	struct vsva_ioasid_set *set = entry->set;

	if (!entry_is_live(entry))
		return;
	guest_unindex(entry);
	members_remove(&set->members, entry->id);
	list_append(&set->queue, &entry->link);
	set->pending++;
	TRACE(set->space->trace, HOST, IOASID_FREE, .hpasid = hpasid(entry->id),
	      .gpasid = gpasid(entry->guest));
	entry_set_state(entry, VSVA_IOASID_FREE_PENDING);
	if (notify_has_reclaim(set))
		worker_kick(set->worker);
	else
		drop_allocation(entry);
}

/* The second phase */

static size_t batch_take(struct vsva_ioasid_set *set, struct vsva_ioasid_event *events)
{
	size_t count = 0;

	lock_take(&set->space->lock);
	while (count < VSVA_LIMIT_RECLAIM_BATCH && !list_is_empty(&set->queue)) {
		struct entry *entry = container_of(set->queue.next, struct entry, link);

		events[count++] = notify_describe(entry, VSVA_IOASID_EVENT_FREE);
		list_remove(&entry->link);
		list_append(&set->held, &entry->link);
	}
	lock_drop(&set->space->lock);
	return count;
}

/* The set is still there when this returns, because whoever destroys it waits for its worker. */
static bool batch_drop(struct vsva_ioasid_set *set, const struct vsva_ioasid_event *events,
		       size_t count)
{
	struct vsva_ioasid_space *space = set->space;
	bool more;

	lock_take(&space->lock);
	for (size_t i = 0; i < count; i++)
		drop_allocation(entry_of(space, events[i].id));
	more = !list_is_empty(&set->queue);
	lock_drop(&space->lock);
	return more;
}

bool reclaim_run(void *arg)
{
	struct vsva_ioasid_event events[VSVA_LIMIT_RECLAIM_BATCH];
	struct vsva_ioasid_set *set = arg;
	size_t count = batch_take(set, events);

	if (!count)
		return false;
	notify_reclaim(set, events, count);
	return batch_drop(set, events, count);
}

/* Free */

static bool is_pasid(hpasid_t id)
{
	return id.v >= 1 && id.v <= VSVA_PASID_MAX;
}

/* lock. NULL: not allocated, or of a set that was freed and is only held. */
static int find_own(const struct vsva_ioasid_set *set, hpasid_t id, struct entry **out)
{
	*out = entry_of(set->space, id);
	return *out && (*out)->set != set ? -EACCES : 0;
}

int vsva_ioasid_free(struct vsva_ioasid_set *set, hpasid_t id)
{
	struct vsva_ioasid_space *space = set->space;
	struct entry *entry;
	int err;

	if (!is_pasid(id))
		return -EINVAL;
	err = space_enter(space);
	if (err)
		return err;
	err = find_own(set, id, &entry);
	if (!err && entry)
		entry_free(entry);
	space_leave(space);
	return err;
}

/* Waiting */

/* On the stack of who waits; in the space's list until it is done. */
struct waiter {
	struct list link;
	const struct vsva_ioasid_set *set;
	const struct entry *entry; /* NULL: for all of the set */
	bool is_done;              /* atomic, writers: lock */
};

/* lock */
static void waiter_add(struct waiter *waiter, const struct vsva_ioasid_set *set,
		       const struct entry *entry)
{
	*waiter = (struct waiter){.set = set, .entry = entry};
	list_append(&set->space->waiters, &waiter->link);
}

static bool concerns(const struct waiter *waiter, const struct entry *entry)
{
	if (waiter->entry)
		return waiter->entry == entry;
	return waiter->set == entry->set && !entry->set->pending;
}

void waiters_tell(const struct entry *entry)
{
	struct vsva_ioasid_space *space = entry->set->space;
	struct list *next;

	for (struct list *at = space->waiters.next; at != &space->waiters; at = next) {
		struct waiter *waiter = container_of(at, struct waiter, link);

		next = at->next;
		if (!concerns(waiter, entry))
			continue;
		list_remove(&waiter->link);
		__atomic_store_n(&waiter->is_done, true, __ATOMIC_RELEASE);
		worker_pool_notify(space->pool);
	}
}

static bool is_done(void *arg)
{
	const struct waiter *waiter = arg;

	return __atomic_load_n(&waiter->is_done, __ATOMIC_ACQUIRE);
}

/* The set may be gone when it is done: only the space is looked at. */
static int wait_for(struct vsva_ioasid_space *space, struct waiter *waiter)
{
	if (is_done(waiter) ||
	    worker_pool_wait_until(space->pool, is_done, waiter, VSVA_LIMIT_RECLAIM_TIMEOUT_MS))
		return 0;
	lock_take(&space->lock);
	if (!waiter->is_done)
		list_remove(&waiter->link);
	lock_drop(&space->lock);
	return waiter->is_done ? 0 : -ETIMEDOUT;
}

int vsva_ioasid_free_sync(struct vsva_ioasid_set *set, hpasid_t id)
{
	struct vsva_ioasid_space *space = set->space;
	struct waiter waiter = {.is_done = true};
	struct entry *entry;
	int err;

	if (!is_pasid(id))
		return -EINVAL;
	err = notify_is_reclaiming(set) ? -EDEADLK : space_enter(space);
	if (err)
		return err;
	err = find_own(set, id, &entry);
	if (!err && entry) {
		waiter_add(&waiter, set, entry);
		entry_free(entry);
	}
	space_leave(space);
	return err ? err : wait_for(space, &waiter);
}

int vsva_ioasid_free_all_sync(struct vsva_ioasid_set *set)
{
	struct vsva_ioasid_space *space = set->space;
	struct waiter waiter = {.is_done = true};

	if (callout_current() || notify_is_reclaiming(set))
		return -EDEADLK;
	vsva_ioasid_free_all(set);
	lock_take(&space->lock);
	if (set->pending)
		waiter_add(&waiter, set, NULL);
	lock_drop(&space->lock);
	return wait_for(space, &waiter);
}
