// SPDX-License-Identifier: MIT
/* Sets: one for each owner, with a quota of the space's capacity. */
#include <errno.h>

#include "base/alloc.h"
#include "host/ioasid_impl.h"

/* Ids that are given up in one go, before others get the lock. */
#define FREE_BATCH 256u

static void set_available(struct vsva_ioasid_space *space, uint32_t available)
{
	__atomic_store_n(&space->available, available, __ATOMIC_RELAXED);
}

static void set_quota(struct vsva_ioasid_set *set, uint32_t quota)
{
	__atomic_store_n(&set->quota, quota, __ATOMIC_RELAXED);
}

/* Life */

/* lock */
static bool has_token(const struct vsva_ioasid_space *space, const void *token)
{
	for (struct list *at = space->sets.next; at != &space->sets; at = at->next)
		if (container_of(at, struct vsva_ioasid_set, in_space)->token == token)
			return true;
	return false;
}

/* lock */
static int set_add(struct vsva_ioasid_space *space, struct vsva_ioasid_set *set)
{
	if (has_token(space, set->token))
		return -EEXIST;
	if (set->quota > space->available || fail_nth_now())
		return -ENOSPC;
	set_available(space, space->available - set->quota);
	list_append(&space->sets, &set->in_space);
	notify_adopt(set);
	return 0;
}

static void free_memory(struct rcu_node *node)
{
	struct vsva_ioasid_set *set = container_of(node, struct vsva_ioasid_set, rcu);

	sparse_fini(&set->guests);
	members_fini(&set->members);
	base_free(set);
}

static int set_create(struct vsva_ioasid_space *space, const void *token, uint32_t quota,
		      struct vsva_ioasid_set **out)
{
	struct vsva_ioasid_set *set = base_zalloc(sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->space = space;
	set->token = token;
	set->quota = quota;
	set->holds = 1;
	list_init(&set->queue);
	list_init(&set->held);
	list_init(&set->notifiers);
	sparse_init(&set->guests);
	set->worker = worker_create(space->pool, "ioasid-set", reclaim_run, set);
	if (!set->worker) {
		base_free(set);
		return -EAGAIN;
	}
	*out = set;
	return 0;
}

int vsva_ioasid_set_alloc(struct vsva_ioasid_space *space, const void *token, uint32_t quota,
			  struct vsva_ioasid_set **out)
{
	struct vsva_ioasid_set *set;
	int err;

	if (!token || !quota)
		return -EINVAL;
	if (callout_current())
		return -EDEADLK;
	err = set_create(space, token, quota, &set);
	if (err)
		return err;
	lock_take(&space->lock);
	err = set_add(space, set);
	lock_drop(&space->lock);
	if (err)
		set_reap(set);
	else
		*out = set;
	return err;
}

void ioasid_set_hold(struct vsva_ioasid_set *set)
{
	if (set)
		__atomic_fetch_add(&set->holds, 1, __ATOMIC_RELAXED);
}

void ioasid_set_drop(struct vsva_ioasid_set *set)
{
	if (set && __atomic_sub_fetch(&set->holds, 1, __ATOMIC_ACQ_REL) == 0)
		rcu_call(&set->rcu, free_memory);
}

/* Death */

/* lock. Token and quota go back, or capacity would leak with every VM. */
static void set_retire(struct vsva_ioasid_set *set)
{
	struct vsva_ioasid_space *space = set->space;

	list_remove(&set->in_space);
	set_available(space, space->available + set->quota);
	notify_abandon(set);
}

/* lock. A zombie retires with its last id; its worker may be the calling thread. */
void set_lost_id(struct vsva_ioasid_set *set)
{
	struct vsva_ioasid_space *space = set->space;

	if (!set->is_zombie || set->count)
		return;
	set_retire(set);
	list_append(&space->retired, &set->in_space);
	worker_kick(space->reaper);
}

void set_reap(struct vsva_ioasid_set *set)
{
	worker_destroy(set->worker);
	ioasid_set_drop(set);
}

bool reaper_run(void *arg)
{
	struct vsva_ioasid_space *space = arg;
	struct vsva_ioasid_set *set = NULL;

	lock_take(&space->lock);
	if (!list_is_empty(&space->retired)) {
		set = container_of(space->retired.next, struct vsva_ioasid_set, in_space);
		list_remove(&set->in_space);
	}
	lock_drop(&space->lock);
	if (set)
		set_reap(set);
	return set != NULL;
}

/* lock, which is let go of now and then. Those that are live now, whatever others allocate
 * meanwhile. */
static void free_live(struct vsva_ioasid_set *set)
{
	struct vsva_ioasid_space *space = set->space;
	uint64_t last_born = space->last_born;
	uint32_t done = 0, id = 0;

	while ((id = members_next(&set->members, id)) != MEMBERS_NONE) {
		if (space->entries[id].born <= last_born)
			entry_free(&space->entries[id]);
		id++;
		if (++done % FREE_BATCH)
			continue;
		lock_drop(&space->lock);
		lock_take(&space->lock);
	}
}

void vsva_ioasid_free_all(struct vsva_ioasid_set *set)
{
	if (callout_refuses("vsva_ioasid_free_all"))
		return;
	lock_take(&set->space->lock);
	free_live(set);
	lock_drop(&set->space->lock);
}

/* lock. True: there is nothing to wait for. */
static bool set_end(struct vsva_ioasid_set *set)
{
	set->is_zombie = set->count != 0;
	if (!set->is_zombie)
		set_retire(set);
	return !set->is_zombie;
}

void vsva_ioasid_set_free(struct vsva_ioasid_set *set)
{
	struct vsva_ioasid_space *space = set->space;
	bool is_retired;

	if (callout_refuses("vsva_ioasid_set_free"))
		return;
	lock_take(&space->lock);
	set->is_freed = true;
	free_live(set);
	is_retired = set_end(set);
	lock_drop(&space->lock);
	if (is_retired)
		set_reap(set);
}

/* Quota */

/* lock */
static int adjust(struct vsva_ioasid_set *set, uint32_t quota)
{
	struct vsva_ioasid_space *space = set->space;
	uint32_t pool = space->available + set->quota;

	if (set->is_freed)
		return -ENOENT;
	if (quota < set->count)
		return -EBUSY;
	if (quota > pool || fail_nth_now())
		return -ENOSPC;
	set_available(space, pool - quota);
	set_quota(set, quota);
	return 0;
}

int vsva_ioasid_set_adjust(struct vsva_ioasid_set *set, uint32_t quota)
{
	int err;

	if (!quota)
		return -EINVAL;
	err = space_enter(set->space);
	if (err)
		return err;
	err = adjust(set, quota);
	space_leave(set->space);
	return err;
}

/* Questions */

uint32_t vsva_ioasid_set_count(const struct vsva_ioasid_set *set)
{
	return __atomic_load_n(&set->count, __ATOMIC_RELAXED);
}

uint32_t vsva_ioasid_set_quota(const struct vsva_ioasid_set *set)
{
	return __atomic_load_n(&set->quota, __ATOMIC_RELAXED);
}

const void *vsva_ioasid_set_token(const struct vsva_ioasid_set *set)
{
	return set->token;
}

struct vsva_ioasid_space *vsva_ioasid_set_space(const struct vsva_ioasid_set *set)
{
	return set->space;
}

/* Iteration */

void vsva_ioasid_set_for_each(struct vsva_ioasid_set *set, void (*fn)(void *arg, hpasid_t id),
			      void *arg)
{
	struct vsva_ioasid_space *space = set->space;
	bool is_taken = space_hold(space);
	struct callout callout;

	callout_begin(&callout, space, 0);
	for (uint32_t id = 0; (id = members_next(&set->members, id)) != MEMBERS_NONE; id++)
		fn(arg, hpasid(id));
	callout_end(&callout);
	space_let_go(space, is_taken);
}

void vsva_ioasid_space_for_each(struct vsva_ioasid_space *space,
				void (*fn)(void *arg, const struct vsva_ioasid_set *set), void *arg)
{
	bool is_taken = space_hold(space);
	struct callout callout;

	callout_begin(&callout, space, 0);
	for (struct list *at = space->sets.next; at != &space->sets; at = at->next) {
		const struct vsva_ioasid_set *set =
			container_of(at, struct vsva_ioasid_set, in_space);

		if (!set->is_freed)
			fn(arg, set);
	}
	callout_end(&callout);
	space_let_go(space, is_taken);
}
