// SPDX-License-Identifier: MIT
/* The bindings of an id: what makes it ACTIVE, and what keeps it when it is given up. */
#include <errno.h>

#include "host/ioasid_impl.h"

/* lock. The guest PASID of an id that has one must be the binding's. */
static int take_guest(struct entry *entry, gpasid_t guest)
{
	int err;

	if (entry->guest == guest.v)
		return 0;
	err = guest_give(entry, guest);
	if (!err)
		entry_set_flags(entry, entry->flags | ENTRY_GUEST_IS_BINDINGS);
	return err;
}

int ioasid_reserve(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	struct entry *entry;
	int err = space_enter(set->space);

	if (err)
		return err;
	err = entry_find(set->space, set, binding->id, &entry);
	if (!err)
		err = take_guest(entry, binding->guest);
	if (!err) {
		binding->is_active = false;
		binding->next = entry->bindings;
		entry->bindings = binding;
		entry_get(entry);
	}
	space_leave(set->space);
	return err;
}

/* lock. The binding's reference keeps it. */
static struct entry *entry_of_binding(const struct vsva_ioasid_set *set,
				      const struct ioasid_binding *binding)
{
	struct entry *entry = entry_of(set->space, binding->id);

	CHECK(entry && entry->set == set);
	return entry;
}

int ioasid_activate(struct vsva_ioasid_set *set, struct ioasid_binding *binding, uint32_t flags)
{
	struct entry *entry;
	int err = space_enter(set->space);

	if (err)
		return err;
	entry = entry_of_binding(set, binding);
	if (entry_is_live(entry)) {
		binding->is_active = true;
		entry_set_flags(entry, entry->flags | (flags & ENTRY_PUBLIC_FLAGS));
		if (entry_state(entry) == VSVA_IOASID_IDLE)
			entry_set_state(entry, VSVA_IOASID_ACTIVE);
	} else {
		err = -ENOENT;
	}
	space_leave(set->space);
	return err;
}

/* lock */
static bool has_active(const struct entry *entry)
{
	const struct ioasid_binding *binding = entry->bindings;

	while (binding && !binding->is_active)
		binding = binding->next;
	return binding != NULL;
}

void ioasid_deactivate(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	struct entry *entry;

	CHECK(!callout_current());
	lock_take(&set->space->lock);
	entry = entry_of_binding(set, binding);
	binding->is_active = false;
	if (entry_state(entry) == VSVA_IOASID_ACTIVE && !has_active(entry))
		entry_set_state(entry, VSVA_IOASID_IDLE);
	lock_drop(&set->space->lock);
}

/* lock. What was given up keeps its guest PASID, for the second phase. */
static void released_last(struct entry *entry)
{
	if ((entry->flags & ENTRY_GUEST_IS_BINDINGS) && entry_is_live(entry))
		guest_forget(entry);
	entry_set_flags(entry, 0);
}

/* lock */
static struct entry *unlink_binding(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	struct entry *entry = entry_of_binding(set, binding);
	struct ioasid_binding **link;

	CHECK(!binding->is_active);
	for (link = &entry->bindings; *link != binding; link = &(*link)->next)
		CHECK(*link);
	*link = binding->next;
	if (!entry->bindings)
		released_last(entry);
	return entry;
}

void ioasid_unlink(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	CHECK(!callout_current());
	lock_take(&set->space->lock);
	unlink_binding(set, binding);
	lock_drop(&set->space->lock);
}

void ioasid_release(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	CHECK(!callout_current());
	lock_take(&set->space->lock);
	entry_put(unlink_binding(set, binding));
	lock_drop(&set->space->lock);
}

/* Iteration */

void ioasid_for_each_binding(struct vsva_ioasid_space *space, hpasid_t id,
			     void (*fn)(void *arg, struct ioasid_binding *binding), void *arg)
{
	const struct callout *callout = callout_current();
	const struct entry *entry = entry_of(space, id);

	CHECK(callout && callout->space == space);
	for (struct ioasid_binding *at = entry ? entry->bindings : NULL; at; at = at->next)
		fn(arg, at);
}

bool ioasid_first_binding(struct vsva_ioasid_space *space, hpasid_t id,
			  void (*fn)(void *arg, struct ioasid_binding *binding), void *arg)
{
	struct ioasid_binding *first = NULL;
	const struct entry *entry;
	struct callout callout;

	CHECK(!callout_current());
	lock_take(&space->lock);
	entry = entry_of(space, id);
	if (entry)
		first = entry->bindings;
	if (first) {
		callout_begin(&callout, space, 0);
		fn(arg, first);
		callout_end(&callout);
	}
	lock_drop(&space->lock);
	return first != NULL;
}
