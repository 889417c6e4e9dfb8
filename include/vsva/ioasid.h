/* SPDX-License-Identifier: MIT */
/*
 * IOASIDs: the host's PASID numbers, their owners and everybody who must hear of them. One space
 * per machine, 1 … 0xFFFFF; each owner (a VM, the host's native processes) has one set with a quota
 * and allocates, finds and frees inside it.
 *
 * An id lives through four states; vsva_ioasid_edges() is the table of what may follow what:
 *
 *   FREE ──alloc──▶ IDLE ──first bind──▶ ACTIVE
 *    ▲               │ ▲──last unbind──────┘│
 *    │              free                   free
 *    │               ▼                      ▼
 *    └──last put── FREE_PENDING ◀───────────┘
 *
 * References. An allocated id has one reference, its allocation's, which free gives up; every
 * binding holds one, and whoever else keeps the number somewhere (a work queue that has it
 * programmed, a table that CPUs use) takes one with get and returns it with put when nothing of the
 * number is left there. The last put makes the number free (it is *reclaimed*). A free-pending id is
 * no longer found, and gives no new reference.
 *
 * Free always succeeds, never blocks, and works in two phases. At once: every subscriber's event
 * function hears FREE, in the order of priorities. Then, on the set's own work queue, in batches and
 * in the same order: every subscriber's reclaim function, which may wait; after the last one the
 * allocation's reference is dropped. If nobody has a reclaim function it is dropped at once: an id
 * with no other reference is reclaimed when free returns.
 *
 * Threads: every function may be called from any thread. Look-ups (find, find_gpasid, gpasid_of) are
 * lock-free. Functions marked "atomic" never block for longer than a short lock and may be called
 * from a notifier's thread phase, from an interrupt-like context and with any lock of a lower rank
 * held; the others may wait. Inside an event function only look-ups, iterations and put may be
 * called, and get of the event's own id; every other function that can fail returns -EDEADLK there,
 * and one that cannot does nothing and says so in the log. The same holds inside the functions of a
 * custom allocator and of an iteration, where get and put may not be called either.
 *
 *   | may run at once | alloc | free           | get/put | bind/unbind | look-up | (un)register |
 *   | alloc           | yes   | yes            | yes     | yes         | yes     | yes          |
 *   | free (same id)  |       | yes, one event | yes     | yes         | yes     | yes          |
 *   | set_free        | no    | no             | yes     | yes         | yes     | yes          |
 *
 * set_free ends the handle of the set: of other threads' calls only those may still run that do not
 * take it (set NULL), or take it only to compare (get, find). Bindings keep what they need.
 *
 * Follows the IOASID sets of the 2020 design, with its defects mended (docs/lifecycle.md).
 */
#ifndef VSVA_IOASID_H
#define VSVA_IOASID_H

#include "vsva/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_ioasid_space;
struct vsva_ioasid_set;

/* States */

enum vsva_ioasid_state {
	VSVA_IOASID_FREE,
	VSVA_IOASID_IDLE,         /* allocated, bound nowhere */
	VSVA_IOASID_ACTIVE,       /* bound on at least one device */
	VSVA_IOASID_FREE_PENDING, /* freed by its owner, somebody still holds a reference */
	VSVA_IOASID_STATE_COUNT,
};

enum vsva_ioasid_event_kind {
	VSVA_IOASID_EVENT_NONE, /* a transition that nobody is told of: reclaimed */
	VSVA_IOASID_EVENT_ALLOC,
	VSVA_IOASID_EVENT_BIND,   /* on the first device */
	VSVA_IOASID_EVENT_UNBIND, /* from the last device, before it is torn down there */
	VSVA_IOASID_EVENT_FREE,
	VSVA_IOASID_EVENT_COUNT,
};

/* One legal transition. */
struct vsva_ioasid_edge {
	enum vsva_ioasid_state from, to;
	enum vsva_ioasid_event_kind event;
	const char *by; /* who brings it about: "alloc", "first bind", … */
};
/* The whole table; the code obeys it and docs/lifecycle.md is checked against it. */
const struct vsva_ioasid_edge *vsva_ioasid_edges(size_t *count);
/* "free", "idle", "active", "free-pending"; "?" for no state. */
const char *vsva_ioasid_state_name(enum vsva_ioasid_state state);
/* "alloc", "bind", "unbind", "free", "none"; "?". */
const char *vsva_ioasid_event_name(enum vsva_ioasid_event_kind kind);

/* Private flags that a binding leaves on an id. */
#define VSVA_IOASID_GUEST_MODE  (1u << 0) /* bound to a guest's first stage */
#define VSVA_IOASID_GUEST_PASID (1u << 1) /* the guest's number was given (GPASID_VAL) */

/* Sets */

/*
 * Creates the set of owner token (any non-NULL pointer, compared by identity; not dereferenced)
 * with a quota taken from the space's capacity. Notifiers that were registered for the token before
 * belong to the set from now on.
 * 0; -EINVAL token NULL or quota 0; -EEXIST this token has a set (also one that was freed and has
 * ids pending); -ENOSPC the space has not so much capacity left; -ENOMEM; -EAGAIN no thread or no
 * memory for its work queue; -EDEADLK.
 */
int vsva_ioasid_set_alloc(struct vsva_ioasid_space *space, const void *token, uint32_t quota,
			  struct vsva_ioasid_set **out);
/* Frees all ids of the set (as free_all), and the set. The handle is dead when this returns. The set
 * itself, its token and its quota go at once if no id is pending, else with the last one that is
 * reclaimed. Waits for the work queue only if nothing is pending. */
void vsva_ioasid_set_free(struct vsva_ioasid_set *set);
/* Another quota. 0; -EINVAL 0; -EBUSY more ids are allocated (or pending) than that; -ENOSPC the
 * space has not so much; -EDEADLK. Atomic. */
int vsva_ioasid_set_adjust(struct vsva_ioasid_set *set, uint32_t quota);
/* Ids allocated or pending in the set now, and its quota. */
uint32_t vsva_ioasid_set_count(const struct vsva_ioasid_set *set);
uint32_t vsva_ioasid_set_quota(const struct vsva_ioasid_set *set);
const void *vsva_ioasid_set_token(const struct vsva_ioasid_set *set);
/* Ids that may still be given to sets. */
uint32_t vsva_ioasid_space_available(struct vsva_ioasid_space *space);
struct vsva_ioasid_space *vsva_ioasid_set_space(const struct vsva_ioasid_set *set);

/* Calls fn for every id of the set that is not free-pending, in ascending order, under the space's
 * lock: fn must not call back but for look-ups. */
void vsva_ioasid_set_for_each(struct vsva_ioasid_set *set, void (*fn)(void *arg, hpasid_t id),
			      void *arg);
/* The same for every set of the space that has not been freed. */
void vsva_ioasid_space_for_each(struct vsva_ioasid_space *space,
				void (*fn)(void *arg, const struct vsva_ioasid_set *set),
				void *arg);

/* Ids */

/*
 * Allocates an id in [min, max] (inclusive, host PASIDs, min ≥ 1) for the set.
 * 0; -EINVAL bad range; -EDQUOT the set's quota is used up, free-pending ids included; -ENOSPC none
 * free in the range, or the custom allocator refused; -ENOMEM; -EDEADLK. On failure *out is
 * VSVA_PASID_INVALID. Atomic.
 */
int vsva_ioasid_alloc(struct vsva_ioasid_set *set, uint32_t min, uint32_t max, void *private_data,
		      hpasid_t *out);
/*
 * Gives the id up: see the head of this file. May be repeated, and of an id that is not allocated
 * (any more) does nothing: 0. Its guest PASID is forgotten at once and may be attached to another.
 * 0; -EINVAL no PASID (0 is none); -EACCES another set's; -EDEADLK. Atomic.
 */
int vsva_ioasid_free(struct vsva_ioasid_set *set, hpasid_t id);
/* And waits until it is reclaimed. Also -ETIMEDOUT after VSVA_LIMIT_RECLAIM_TIMEOUT_MS: somebody
 * keeps a reference; it stays free-pending and the number is not given out. From a reclaim function
 * of the same set, or below one on the stack: -EDEADLK, and nothing is changed. */
int vsva_ioasid_free_sync(struct vsva_ioasid_set *set, hpasid_t id);
/* All ids of the set. Atomic but for its length. */
void vsva_ioasid_free_all(struct vsva_ioasid_set *set);
/* And waits until none of the set is pending any more; also those that were so before, or become so
 * meanwhile. 0; -ETIMEDOUT; -EDEADLK as free_sync. */
int vsva_ioasid_free_all_sync(struct vsva_ioasid_set *set);

/* One reference more on an id. set NULL: any set. 0; -ENOENT not allocated, or free-pending; -EACCES
 * another set's; -EDEADLK. Atomic. */
int vsva_ioasid_get(struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
		    hpasid_t id);
/* The same by guest PASID, in one step with the look-up. -ENOENT; -EDEADLK. Atomic. */
int vsva_ioasid_get_gpasid(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out);
/* Returns one. Only for a reference that the caller has: the number cannot have changed hands. One
 * that nobody can have (the allocation's own is not for put) is not returned; the log says so.
 * Atomic. */
void vsva_ioasid_put(struct vsva_ioasid_space *space, hpasid_t id);

/* Finds an id that is not free-pending. set NULL: any set. 0 and *private_data (may be NULL);
 * -ENOENT; -EACCES: another set's. */
int vsva_ioasid_find(struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
		     hpasid_t id, void **private_data);
/* The state of a number, whoever has it, and its references (may be NULL). */
enum vsva_ioasid_state vsva_ioasid_state_of(struct vsva_ioasid_space *space, hpasid_t id,
					    uint32_t *references);
/* The set of an id that is not free-pending, or NULL. */
struct vsva_ioasid_set *vsva_ioasid_set_of(struct vsva_ioasid_space *space, hpasid_t id);
/* Replaces the private pointer. -ENOENT; -EACCES; -EDEADLK. The old pointer may be freed after a
 * grace period. Atomic. */
int vsva_ioasid_set_data(struct vsva_ioasid_set *set, hpasid_t id, void *private_data);
/* Flags (VSVA_IOASID_*) of what is bound. -ENOENT; -EACCES. */
int vsva_ioasid_get_flags(struct vsva_ioasid_set *set, hpasid_t id, uint32_t *flags);

/* Guest PASIDs */

/* Gives the id its guest PASID, any number but VSVA_PASID_INVALID, unique within the set. -EEXIST:
 * that guest PASID is another id's; -EBUSY: the id has one already, or is bound without; -EINVAL:
 * VSVA_PASID_INVALID; -ENOENT; -EACCES; -ENOMEM; -EDEADLK. Atomic. */
int vsva_ioasid_attach_gpasid(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t guest);
/* -ENOENT: it has none; -EBUSY: it is bound under it, and those who translate it have no event that
 * would tell them; -EACCES; -EDEADLK. Atomic. */
int vsva_ioasid_detach_gpasid(struct vsva_ioasid_set *set, hpasid_t id);
/* Guest PASID to id and back; never of a free-pending id. -ENOENT; gpasid_of: -EACCES. A guest PASID
 * above VSVA_PASID_MAX is looked for under the lock, id by id. */
int vsva_ioasid_find_gpasid(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out);
int vsva_ioasid_gpasid_of(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t *out);

/* Notifications */

/* The order in which subscribers are told: what makes DMA first, what translates it after, so that
 * the source has stopped before its translation goes. Equal ones in the order of registration. */
enum vsva_ioasid_priority {
	VSVA_IOASID_PRIORITY_CPU,    /* whoever lets CPUs submit: KVM's PASID translation */
	VSVA_IOASID_PRIORITY_DEVICE, /* whoever has it in a device: mediated devices */
	VSVA_IOASID_PRIORITY_IOMMU,  /* whoever translates: the IOMMU driver */
	VSVA_IOASID_PRIORITY_LAST,   /* whoever only counts */
	VSVA_IOASID_PRIORITY_COUNT,
};
/* "cpu", "device", "iommu", "last"; "?". */
const char *vsva_ioasid_priority_name(enum vsva_ioasid_priority priority);

struct vsva_ioasid_event {
	enum vsva_ioasid_event_kind kind;
	struct vsva_ioasid_set *set;
	const void *token; /* the set's */
	hpasid_t id;
	gpasid_t guest; /* VSVA_PASID_INVALID: none */
	uint32_t flags; /* VSVA_IOASID_*, with BIND */
};

struct vsva_ioasid_subscriber {
	/* One transition of one id. Called under a lock of the space, in the order of transitions:
	 * must not sleep, wait, or call anything here but look-ups, iterations, put, and get of
	 * this id. May be NULL. */
	void (*event)(void *arg, const struct vsva_ioasid_event *event);
	/* The second phase of FREE for up to VSVA_LIMIT_RECLAIM_BATCH ids of one set (kind, set,
	 * token, id and guest as with FREE), on the set's work queue: stops what is left of them,
	 * in bounded time, and drops references. Ids that were freed before the registration may
	 * be among them. May call everything but the sync functions of the same set. May be NULL.
	 */
	void (*reclaim)(void *arg, const struct vsva_ioasid_event *events, size_t count);
};

struct vsva_ioasid_notifier;

/*
 * Tells the subscriber (kept, not copied) of one owner's ids (token; the set need not exist yet, and
 * a later set of the token is told of too), or of all (NULL). Of what happened before nothing is
 * told. All notifiers must be gone before the space is.
 * 0; -EINVAL no subscriber or priority; -EEXIST the same subscriber, argument and token are
 * registered; -ENOMEM; -EDEADLK.
 */
int vsva_ioasid_notifier_register(struct vsva_ioasid_space *space, const void *token,
				  enum vsva_ioasid_priority priority,
				  const struct vsva_ioasid_subscriber *subscriber, void *arg,
				  struct vsva_ioasid_notifier **out);
/* When this returns 0 neither function is running or will be called; waits for a reclaim function
 * that is running. NULL: 0. -EDEADLK: called from one of them (or from an event function of anybody),
 * nothing is changed. */
int vsva_ioasid_notifier_unregister(struct vsva_ioasid_notifier *notifier);

/* Custom allocators */

/* Where numbers come from, instead of the space's own bitmap: a guest's virtual command, a platform
 * that has its own rules. Called under a lock of the space: must not sleep or call back. What it
 * gives out must be in the range and not be out already: otherwise it counts as refused. */
struct vsva_ioasid_allocator_ops {
	/* A number in [min, max], or VSVA_PASID_INVALID. */
	uint32_t (*alloc)(void *arg, uint32_t min, uint32_t max);
	void (*free)(void *arg, uint32_t id);
};
/*
 * The first one registered is in force; others wait in order of registration, but one with the same
 * functions as an earlier one shares its numbers and takes over from it. ops is kept, not copied.
 * The space's own limits (PASIDs of the unit, quotas) hold all the same.
 * 0; -EAGAIN it would be the first and the space's own allocator has ids out; -EEXIST the same
 * functions and argument are registered; -EINVAL a function is missing; -ENOMEM; -EDEADLK.
 */
int vsva_ioasid_register_allocator(struct vsva_ioasid_space *space,
				   const struct vsva_ioasid_allocator_ops *ops, void *arg);
/* -ENOENT; -EBUSY: it is the last with its functions and ids of it are out. The next one comes into
 * force, or the space's own. -EDEADLK. */
int vsva_ioasid_unregister_allocator(struct vsva_ioasid_space *space,
				     const struct vsva_ioasid_allocator_ops *ops, void *arg);

#ifdef __cplusplus
}
#endif
#endif
