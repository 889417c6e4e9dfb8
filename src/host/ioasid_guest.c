// SPDX-License-Identifier: MIT
/* Guest PASIDs: unique within a set, forgotten when the id is given up. */
#include <errno.h>

#include "host/ioasid_impl.h"

/* lock. A number that is no PASID (the host does not judge guest PASIDs) is not in the index. */
static struct entry *find_unindexed(const struct vsva_ioasid_set *set, gpasid_t guest)
{
	uint32_t id = members_next(&set->members, 0);

	while (id != MEMBERS_NONE && set->space->entries[id].guest != guest.v)
		id = members_next(&set->members, id + 1);
	return id == MEMBERS_NONE ? NULL : &set->space->entries[id];
}

static bool is_indexed(gpasid_t guest)
{
	return guest.v <= VSVA_PASID_MAX;
}

/* lock; or, if the number is indexed, none: then it may have been given up since. */
static struct entry *guest_find(const struct vsva_ioasid_set *set, gpasid_t guest)
{
	if (is_indexed(guest))
		return sparse_get(&set->guests, guest.v);
	return guest.v == VSVA_PASID_INVALID ? NULL : find_unindexed(set, guest);
}

int guest_give(struct entry *entry, gpasid_t guest)
{
	int err = 0;

	if (entry->guest != VSVA_PASID_INVALID)
		return -EBUSY;
	if (guest_find(entry->set, guest))
		return -EEXIST;
	if (is_indexed(guest))
		err = sparse_set(&entry->set->guests, guest.v, entry);
	if (!err)
		__atomic_store_n(&entry->guest, guest.v, __ATOMIC_RELEASE);
	return err;
}

void guest_unindex(const struct entry *entry)
{
	if (is_indexed(gpasid(entry->guest)))
		sparse_replace(&entry->set->guests, entry->guest, NULL);
}

void guest_forget(struct entry *entry)
{
	guest_unindex(entry);
	__atomic_store_n(&entry->guest, VSVA_PASID_INVALID, __ATOMIC_RELEASE);
}

int vsva_ioasid_attach_gpasid(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t guest)
{
	struct entry *entry;
	int err;

	if (guest.v == VSVA_PASID_INVALID)
		return -EINVAL;
	err = space_enter(set->space);
	if (err)
		return err;
	err = entry_find(set->space, set, id, &entry);
	if (!err)
		err = entry->bindings ? -EBUSY : guest_give(entry, guest);
	space_leave(set->space);
	return err;
}

/* lock. What is bound under it keeps it: whoever translates it has not been told otherwise. */
static int detach(struct entry *entry)
{
	if (entry->guest == VSVA_PASID_INVALID)
		return -ENOENT;
	if (entry->bindings)
		return -EBUSY;
	guest_forget(entry);
	return 0;
}

int vsva_ioasid_detach_gpasid(struct vsva_ioasid_set *set, hpasid_t id)
{
	struct entry *entry;
	int err = space_enter(set->space);

	if (err)
		return err;
	err = entry_find(set->space, set, id, &entry);
	if (!err)
		err = detach(entry);
	space_leave(set->space);
	return err;
}

/* Look-ups */

static int find_with_lock(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out)
{
	bool is_taken = space_hold(set->space);
	const struct entry *entry = guest_find(set, guest);

	if (entry)
		*out = hpasid(entry->id);
	space_let_go(set->space, is_taken);
	return entry ? 0 : -ENOENT;
}

int vsva_ioasid_find_gpasid(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out)
{
	const struct entry *entry;
	struct entry_look look;
	hpasid_t id;

	if (!is_indexed(guest))
		return find_with_lock(set, guest, out);
	entry = guest_find(set, guest);
	if (!entry)
		return -ENOENT;
	id = hpasid((uint32_t)(entry - set->space->entries));
	if (entry_look_live(set->space, set, id, &look) || look.guest.v != guest.v)
		return -ENOENT;
	*out = id;
	return 0;
}

int vsva_ioasid_gpasid_of(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t *out)
{
	struct entry_look look;
	int err = entry_look_live(set->space, set, id, &look);

	if (!err && look.guest.v == VSVA_PASID_INVALID)
		err = -ENOENT;
	if (!err)
		*out = look.guest;
	return err;
}

int vsva_ioasid_get_gpasid(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out)
{
	const struct callout *callout = callout_current();
	bool is_taken = space_hold(set->space);
	struct entry *entry = guest_find(set, guest);
	int err = entry ? 0 : -ENOENT;

	if (entry && callout && callout->id != entry->id)
		err = -EDEADLK;
	if (!err) {
		entry_get(entry);
		*out = hpasid(entry->id);
	}
	space_let_go(set->space, is_taken);
	return err;
}
