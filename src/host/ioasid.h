/* SPDX-License-Identifier: MIT */
/*
 * The space of host PASIDs, for the host's own rooms: whoever binds, and whoever keeps a set beyond
 * its owner. The rest is vsva/ioasid.h.
 */
#ifndef HOST_IOASID_H
#define HOST_IOASID_H

#include "base/trace.h"
#include "base/worker.h"
#include "vsva/ioasid.h"

/* Ids 1 … 2^bits - 1. pool (outlives the space) runs the work queues of the sets. NULL: no memory or
 * no thread. trace may be NULL. */
struct vsva_ioasid_space *ioasid_space_create(unsigned bits, struct worker_pool *pool,
					      const struct trace *trace);
/* All sets must have been freed, all notifiers and allocators be gone (checked). What is still
 * pending then is reclaimed, whoever has references. Waits. NULL is ignored. */
void ioasid_space_destroy(struct vsva_ioasid_space *space);

/* What is kept of the ids that are out, beside what base_bytes_in_use() counts. */
size_t ioasid_space_bytes(const struct vsva_ioasid_space *space);

/* Keeps the handle of a set valid after vsva_ioasid_set_free, until the drop: it has no ids then
 * that could be found, and alloc and set_adjust say -ENOENT. NULL is ignored. Atomic. */
void ioasid_set_hold(struct vsva_ioasid_set *set);
void ioasid_set_drop(struct vsva_ioasid_set *set);

/* A binding of an id to one device. The members belong to the IOASID from reserve to release, but
 * may be read. */
struct ioasid_binding {
	hpasid_t id;
	gpasid_t guest;              /* VSVA_PASID_INVALID: none, a native binding */
	struct ioasid_binding *next; /* the same id on another device; lock of the space */
	bool is_active;              /* lock of the space */
};

/*
 * A binding's life: reserve, activate when hardware may use it, deactivate before it is torn down,
 * release when nothing of it is left. All atomic. set: also one that was freed, as long as
 * the binding exists or it is held.
 *
 * reserve takes a reference and gives the id its guest PASID if it has none. 0; -ENOENT not
 * allocated, or free-pending; -EACCES another set's; -EEXIST the guest PASID is another id's; -EBUSY
 * the id has another guest PASID, or it has one and the binding none; -ENOMEM; -EDEADLK.
 */
int ioasid_reserve(struct vsva_ioasid_set *set, struct ioasid_binding *binding);
/* The first active one makes the id ACTIVE, with flags (VSVA_IOASID_*): event BIND. 0; -ENOENT freed
 * meanwhile: to be released; -EDEADLK. */
int ioasid_activate(struct vsva_ioasid_set *set, struct ioasid_binding *binding, uint32_t flags);
/* The last active one makes it IDLE: event UNBIND, but not of an id that is free-pending. Of one
 * that is not active nothing happens. */
void ioasid_deactivate(struct vsva_ioasid_set *set, struct ioasid_binding *binding);
/* The last one takes the flags with it, and the guest PASID if a binding gave it; and its reference
 * may be the id's last. The binding's memory is the caller's again. */
void ioasid_release(struct vsva_ioasid_set *set, struct ioasid_binding *binding);

/* Release without its end: the reference stays with the caller, who returns it with
 * vsva_ioasid_put. */
void ioasid_unlink(struct vsva_ioasid_set *set, struct ioasid_binding *binding);

/* Calls fn for each binding of an id, also of a free-pending one. fn is called under the lock of the
 * space, as an event function is; only from inside an event function (checked). */
void ioasid_for_each_binding(struct vsva_ioasid_space *space, hpasid_t id,
			     void (*fn)(void *arg, struct ioasid_binding *binding), void *arg);
/* fn for the first of the list, under the lock of the space, as an event function is. false: there
 * is none. Not inside an event function (checked). Atomic. */
bool ioasid_first_binding(struct vsva_ioasid_space *space, hpasid_t id,
			  void (*fn)(void *arg, struct ioasid_binding *binding), void *arg);

/* Is the calling thread inside an event function, or inside this one's reclaim function? Then it can
 * not be unregistered (-EDEADLK). NULL: no. */
bool ioasid_notifier_is_calling(const struct vsva_ioasid_notifier *notifier);

#endif
