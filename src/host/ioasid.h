/* SPDX-License-Identifier: MIT */
/* The space of host PASIDs, and what a binding leaves in it. The rest is vsva/ioasid.h. */
#ifndef HOST_IOASID_H
#define HOST_IOASID_H

#include "base/trace.h"
#include "vsva/ioasid.h"

/* Ids 1 … 2^bits - 1. NULL: no memory. trace may be NULL. */
struct vsva_ioasid_space *ioasid_space_create(unsigned bits, const struct trace *trace);
/* All sets must have been freed (checked). NULL is ignored. */
void ioasid_space_destroy(struct vsva_ioasid_space *space);

/* A binding of one device to an id: the private pointer of a bound id is the first of a list of
 * these. */
struct ioasid_binding {
	hpasid_t id;
	gpasid_t guest;
	struct ioasid_binding *next; /* the same id on another device; lock of the space */
};

/*
 * Adds the binding to its id, with flags (VSVA_IOASID_*), and gives the id its guest PASID if it
 * has none. 0; -ENOENT; -EACCES another set's; -EEXIST the guest PASID is another id's; -EBUSY the
 * id has another guest PASID, or a private pointer that no binding left there; -ENOMEM.
 */
int ioasid_bind(struct vsva_ioasid_set *set, struct ioasid_binding *binding, uint32_t flags);
/* The last one takes the flags with it, and the guest PASID if a bind gave it. The binding may be
 * freed after a grace period. */
void ioasid_unbind(struct vsva_ioasid_set *set, struct ioasid_binding *binding);

#endif
