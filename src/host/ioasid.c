// SPDX-License-Identifier: MIT
/* Ids: allocated, found, referenced, and given out again after the last reference. */
#include <errno.h>

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

int entry_look_live(const struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
		    hpasid_t id, struct entry_look *out)
{
	if (!entry_look(space, id, out) || !state_is_live(out->state))
		return -ENOENT;
	return set && out->set != set ? -EACCES : 0;
}

/* Allocation */

static void set_count(struct vsva_ioasid_set *set, uint32_t count)
{
	__atomic_store_n(&set->count, count, __ATOMIC_RELAXED);
}

static void entry_set_references(struct entry *entry, uint32_t references)
{
	__atomic_store_n(&entry->references, references, __ATOMIC_RELEASE);
}

static void entry_set_born(struct entry *entry, uint64_t born)
{
	SEAM_POINT(SEAM_POINTER, SEAM_WRITE, "ioasid entry", entry->id);
	__atomic_store_n(&entry->born, born, __ATOMIC_RELEASE);
}

/* lock. The number is the set's now. */
static void entry_begin(struct vsva_ioasid_set *set, uint32_t id, void *private_data)
{
	struct vsva_ioasid_space *space = set->space;
	struct entry *entry = &space->entries[id];

	entry->id = id;
	entry->bindings = NULL;
	entry->has_allocations_reference = true;
	__atomic_store_n(&entry->set, set, __ATOMIC_RELEASE);
	__atomic_store_n(&entry->private_data, private_data, __ATOMIC_RELEASE);
	__atomic_store_n(&entry->guest, VSVA_PASID_INVALID, __ATOMIC_RELEASE);
	entry_set_flags(entry, 0);
	entry_set_references(entry, 1);
	entry_set_born(entry, ++space->last_born);
	TRACE(space->trace, HOST, IOASID_ALLOC, .hpasid = hpasid(id));
	entry_set_state(entry, VSVA_IOASID_IDLE);
}

/* lock */
static int take_number(struct vsva_ioasid_set *set, uint32_t min, uint32_t max, uint32_t *out)
{
	int err;

	if (set->is_freed)
		return -ENOENT;
	if (set->count >= set->quota)
		return -EDQUOT;
	*out = allocator_take(set->space, min, max);
	if (!*out)
		return -ENOSPC;
	err = members_add(&set->members, *out);
	if (err)
		allocator_give(set->space, *out);
	return err;
}

/* max may be beyond what the unit's PASIDs reach: then the reachable part counts. */
static uint32_t clamp_max(const struct vsva_ioasid_space *space, uint32_t max)
{
	return max < space->id_end ? max : space->id_end - 1;
}

int vsva_ioasid_alloc(struct vsva_ioasid_set *set, uint32_t min, uint32_t max, void *private_data,
		      hpasid_t *out)
{
	struct vsva_ioasid_space *space = set->space;
	uint32_t id;
	int err;

	*out = hpasid(VSVA_PASID_INVALID);
	if (min < 1 || min > max || max > VSVA_PASID_MAX)
		return -EINVAL;
	err = space_enter(space);
	if (err)
		return err;
	err = take_number(set, min, clamp_max(space, max), &id);
	if (!err) {
		set_count(set, set->count + 1);
		entry_begin(set, id, private_data);
		*out = hpasid(id);
	}
	space_leave(space);
	return err;
}

/* References */

/* lock */
static void entry_reclaim(struct entry *entry)
{
	struct vsva_ioasid_set *set = entry->set;
	struct vsva_ioasid_space *space = set->space;
	uint32_t id = entry->id;

	CHECK(!entry->bindings);
	entry_set_state(entry, VSVA_IOASID_FREE);
	list_remove(&entry->link);
	entry_set_born(entry, 0);
	allocator_give(space, id);
	set_count(set, set->count - 1);
	set->pending--;
	waiters_tell(entry);
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
	struct entry_look look;
	int err = entry_look_live(space, set, id, &look);

	if (!err && private_data)
		*private_data = look.private_data;
	return err;
}

enum vsva_ioasid_state vsva_ioasid_state_of(struct vsva_ioasid_space *space, hpasid_t id,
					    uint32_t *references)
{
	struct entry_look look;

	if (!entry_look(space, id, &look))
		look.state = VSVA_IOASID_FREE;
	if (references)
		*references = look.state == VSVA_IOASID_FREE ? 0 : look.references;
	return look.state;
}

struct vsva_ioasid_set *vsva_ioasid_set_of(struct vsva_ioasid_space *space, hpasid_t id)
{
	struct entry_look look;

	return entry_look_live(space, NULL, id, &look) ? NULL : look.set;
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
	__atomic_store_n(&entry->flags, (uint16_t)flags, __ATOMIC_RELEASE);
}

int vsva_ioasid_get_flags(struct vsva_ioasid_set *set, hpasid_t id, uint32_t *flags)
{
	struct entry_look look;
	int err = entry_look_live(set->space, set, id, &look);

	if (!err)
		*flags = look.flags & ENTRY_PUBLIC_FLAGS;
	return err;
}
