// SPDX-License-Identifier: MIT
/* Ids: allocated, found, referenced, and given out again after the last reference. */
#include <errno.h>

#include "base/alloc.h"
#include "base/log.h"
#include "host/ioasid_impl.h"

int entry_find(const struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
	       hpasid_t id, struct entry **out)
{
	*out = entry_of(space, id);
	if (!*out || !entry_is_live(*out))
		return -ENOENT;
	return set && (*out)->set != set ? -EACCES : 0;
}

/* Allocation */

static void set_count(struct vsva_ioasid_set *set, uint32_t count)
{
	__atomic_store_n(&set->count, count, __ATOMIC_RELAXED);
}

/* lock */
static int entry_number(struct vsva_ioasid_space *space, struct entry *entry, uint32_t min,
			uint32_t max)
{
	int err;

	entry->id = allocator_take(space, min, max);
	if (!entry->id)
		return -ENOSPC;
	err = sparse_set(&space->entries, entry->id, entry);
	if (err)
		allocator_give(space, entry->id);
	return err;
}

/* lock */
static int entry_publish(struct vsva_ioasid_space *space, struct entry *entry, uint32_t min,
			 uint32_t max)
{
	struct vsva_ioasid_set *set = entry->set;
	int err;

	if (set->is_freed)
		return -ENOENT;
	if (set->count >= set->quota)
		return -EDQUOT;
	err = entry_number(space, entry, min, max);
	if (err)
		return err;
	set_count(set, set->count + 1);
	list_append(&set->live, &entry->link);
	TRACE(space->trace, HOST, IOASID_ALLOC, .hpasid = hpasid(entry->id));
	entry_set_state(entry, VSVA_IOASID_IDLE);
	return 0;
}

/* max may be beyond what the unit's PASIDs reach: then the reachable part counts. */
static uint32_t clamp_max(const struct vsva_ioasid_space *space, uint32_t max)
{
	return max < space->id_end ? max : space->id_end - 1;
}

static struct entry *entry_alloc(struct vsva_ioasid_set *set, void *private_data)
{
	struct entry *entry = base_zalloc(sizeof(*entry));

	if (!entry)
		return NULL;
	entry->set = set;
	entry->private_data = private_data;
	entry->guest = VSVA_PASID_INVALID;
	entry->references = 1;
	entry->has_allocations_reference = true;
	return entry;
}

int vsva_ioasid_alloc(struct vsva_ioasid_set *set, uint32_t min, uint32_t max, void *private_data,
		      hpasid_t *out)
{
	struct vsva_ioasid_space *space = set->space;
	struct entry *entry;
	int err;

	*out = hpasid(VSVA_PASID_INVALID);
	if (min < 1 || min > max || max > VSVA_PASID_MAX)
		return -EINVAL;
	if (callout_current())
		return -EDEADLK;
	entry = entry_alloc(set, private_data);
	if (!entry)
		return -ENOMEM;
	lock_take(&space->lock);
	err = entry_publish(space, entry, min, clamp_max(space, max));
	if (!err)
		*out = hpasid(entry->id);
	lock_drop(&space->lock);
	if (err)
		base_free(entry);
	return err;
}

/* References */

static void entry_set_references(struct entry *entry, uint32_t references)
{
	__atomic_store_n(&entry->references, references, __ATOMIC_RELAXED);
}

static void entry_free_memory(struct rcu_node *node)
{
	base_free(container_of(node, struct entry, rcu));
}

/* lock */
static void entry_reclaim(struct entry *entry)
{
	struct vsva_ioasid_set *set = entry->set;
	struct vsva_ioasid_space *space = set->space;
	uint32_t id = entry->id;

	CHECK(!entry->bindings);
	entry_set_state(entry, VSVA_IOASID_FREE);
	list_remove(&entry->link);
	sparse_replace(&space->entries, id, NULL);
	allocator_give(space, id);
	set_count(set, set->count - 1);
	set->pending--;
	waiters_tell(entry);
	rcu_call(&entry->rcu, entry_free_memory);
	set_lost_id(set);
	TRACE(space->trace, HOST, IOASID_RECLAIM, .hpasid = hpasid(id));
}

void entry_get(struct entry *entry)
{
	entry_set_references(entry, entry->references + 1);
}

void entry_put(struct entry *entry)
{
	entry_set_references(entry, entry->references - 1);
	if (!entry->references)
		entry_reclaim(entry);
}

/* An event function has the lock, and may take a reference to the id of its event only. */
static bool is_foreign_to_event(hpasid_t id)
{
	const struct callout *callout = callout_current();

	return callout && callout->id != id.v;
}

int vsva_ioasid_get(struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set, hpasid_t id)
{
	struct entry *entry;
	bool is_taken;
	int err;

	if (is_foreign_to_event(id))
		return -EDEADLK;
	is_taken = space_hold(space);
	err = entry_find(space, set, id, &entry);
	if (!err)
		entry_get(entry);
	space_let_go(space, is_taken);
	return err;
}

/* The allocation's own reference is not the caller's to return. */
static bool has_reference_to_put(const struct entry *entry)
{
	return entry && entry->references > entry->has_allocations_reference;
}

void vsva_ioasid_put(struct vsva_ioasid_space *space, hpasid_t id)
{
	const struct callout *callout = callout_current();
	struct entry *entry;
	bool is_taken;

	if (callout && !callout->id && callout_refuses("vsva_ioasid_put"))
		return;
	is_taken = space_hold(space);
	entry = entry_of(space, id);
	if (has_reference_to_put(entry))
		entry_put(entry);
	else
		LOG_LIMITED(LOG_ERROR, VSVA_CODE_PASID_REFERENCES,
			    "host: a reference to PASID %u is returned that nobody has", id.v);
	space_let_go(space, is_taken);
}

/* Look-ups */

int vsva_ioasid_find(struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
		     hpasid_t id, void **private_data)
{
	struct entry *entry;
	int err;

	rcu_read_lock();
	err = entry_find(space, set, id, &entry);
	if (!err && private_data)
		*private_data = rcu_load(entry->private_data);
	rcu_read_unlock();
	return err;
}

enum vsva_ioasid_state vsva_ioasid_state_of(struct vsva_ioasid_space *space, hpasid_t id,
					    uint32_t *references)
{
	enum vsva_ioasid_state state = VSVA_IOASID_FREE;
	const struct entry *entry;
	uint32_t count = 0;

	rcu_read_lock();
	entry = entry_of(space, id);
	if (entry) {
		count = __atomic_load_n(&entry->references, __ATOMIC_RELAXED);
		state = entry_state(entry);
	}
	rcu_read_unlock();
	if (references)
		*references = state == VSVA_IOASID_FREE ? 0 : count;
	return state;
}

struct vsva_ioasid_set *vsva_ioasid_set_of(struct vsva_ioasid_space *space, hpasid_t id)
{
	struct vsva_ioasid_set *set = NULL;
	struct entry *entry;

	rcu_read_lock();
	if (!entry_find(space, NULL, id, &entry))
		set = entry->set;
	rcu_read_unlock();
	return set;
}

/* Private data and flags */

int vsva_ioasid_set_data(struct vsva_ioasid_set *set, hpasid_t id, void *private_data)
{
	struct vsva_ioasid_space *space = set->space;
	struct entry *entry;
	int err = space_enter(space);

	if (err)
		return err;
	err = entry_find(space, set, id, &entry);
	if (!err)
		rcu_publish(entry->private_data, private_data);
	space_leave(space);
	return err;
}

void entry_set_flags(struct entry *entry, uint32_t flags)
{
	__atomic_store_n(&entry->flags, (uint16_t)flags, __ATOMIC_RELAXED);
}

int vsva_ioasid_get_flags(struct vsva_ioasid_set *set, hpasid_t id, uint32_t *flags)
{
	struct entry *entry;
	int err;

	rcu_read_lock();
	err = entry_find(set->space, set, id, &entry);
	if (!err)
		*flags = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED) & ENTRY_PUBLIC_FLAGS;
	rcu_read_unlock();
	return err;
}
