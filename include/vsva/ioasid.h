/* SPDX-License-Identifier: MIT */
/*
 * IOASIDs: the host's PASID numbers. One space per machine, 1 … 0xFFFFF; each owner (a VM) has one
 * set with a quota, and allocates, finds and frees inside it. An id may know its guest PASID and
 * carries one pointer for whoever bound it.
 *
 * Threads: every function may be called from any thread. find, find_gpasid and guest-PASID look-ups
 * are lock-free for readers.
 */
#ifndef VSVA_IOASID_H
#define VSVA_IOASID_H

#include "vsva/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_ioasid_space;
struct vsva_ioasid_set;

/* Private pointer and flags that a binding leaves on an id. */
#define VSVA_IOASID_GUEST_MODE  (1u << 0) /* bound to a guest's first stage */
#define VSVA_IOASID_GUEST_PASID (1u << 1) /* the guest's number was given (GPASID_VAL) */

/*
 * Creates the set of owner token (any non-NULL pointer, compared by identity; not dereferenced)
 * with a quota taken from the space's capacity.
 * 0; -EINVAL token NULL or quota 0; -EEXIST this token has a set; -ENOSPC the space has not so
 * much capacity left; -ENOMEM.
 */
int vsva_ioasid_set_alloc(struct vsva_ioasid_space *space, const void *token, uint32_t quota,
			  struct vsva_ioasid_set **out);
/* Frees the set; its quota returns to the space. All ids of the set must have been freed:
 * otherwise -EBUSY and nothing is changed. */
int vsva_ioasid_set_free(struct vsva_ioasid_set *set);
/* Ids allocated in the set now, and its quota. */
uint32_t vsva_ioasid_set_count(const struct vsva_ioasid_set *set);
uint32_t vsva_ioasid_set_quota(const struct vsva_ioasid_set *set);
/* Ids that may still be given to sets. */
uint32_t vsva_ioasid_space_available(struct vsva_ioasid_space *space);

/*
 * Allocates an id in [min, max] (inclusive, host PASIDs, min ≥ 1) for the set.
 * 0; -EINVAL bad range; -EDQUOT the set's quota is used up; -ENOSPC none free in the range;
 * -ENOMEM. On failure *out is VSVA_PASID_INVALID.
 */
int vsva_ioasid_alloc(struct vsva_ioasid_set *set, uint32_t min, uint32_t max, void *private_data,
		      hpasid_t *out);
/* Returns the id to the space. -ENOENT: not allocated; -EACCES: another set's. Its
 * guest PASID is forgotten. An id that is bound must be unbound first: -EBUSY (private data set).
 * */
int vsva_ioasid_free(struct vsva_ioasid_set *set, hpasid_t id);
/* Finds an id. set NULL: any set. 0 and *private_data (may be NULL); -ENOENT; -EACCES: another
 * set's. */
int vsva_ioasid_find(struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
		     hpasid_t id, void **private_data);
/* The set of an id, or NULL. */
struct vsva_ioasid_set *vsva_ioasid_set_of(struct vsva_ioasid_space *space, hpasid_t id);
struct vsva_ioasid_space *vsva_ioasid_set_space(const struct vsva_ioasid_set *set);
/* Replaces the private pointer and the flags (VSVA_IOASID_*). -ENOENT; -EACCES; -EBUSY: the id is
 * bound, its pointer is the binding's. The old pointer may be freed after a grace period. */
int vsva_ioasid_set_data(struct vsva_ioasid_set *set, hpasid_t id, void *private_data,
			 uint32_t flags);
int vsva_ioasid_get_flags(struct vsva_ioasid_set *set, hpasid_t id, uint32_t *flags);

/* Gives the id its guest PASID, unique within the set. -EEXIST: that guest PASID is another id's;
 * -EBUSY: the id has one already; -EINVAL: VSVA_PASID_INVALID; -ENOENT; -EACCES; -ENOMEM. */
int vsva_ioasid_attach_gpasid(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t guest);
/* -ENOENT: it has none. */
int vsva_ioasid_detach_gpasid(struct vsva_ioasid_set *set, hpasid_t id);
/* Guest PASID to id and back. -ENOENT. */
int vsva_ioasid_find_gpasid(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out);
int vsva_ioasid_gpasid_of(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t *out);

/* Calls fn for every id of the set, under the set's lock: fn must not call back. */
void vsva_ioasid_set_for_each(struct vsva_ioasid_set *set, void (*fn)(void *arg, hpasid_t id),
			      void *arg);

#ifdef __cplusplus
}
#endif
#endif
