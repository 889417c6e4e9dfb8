/* SPDX-License-Identifier: MIT */
/*
 * Whose a host PASID and a requester id are, as events tell it. The host's rooms and silicon know guests
 * only by these numbers.
 *
 * Threads: one.
 */
#ifndef CLI_OWNERS_H
#define CLI_OWNERS_H

#include "vsva/trace.h"

struct owners;

/* Who an event is about. */
struct owner {
	uint32_t vm;    /* 0: none, or not known */
	gpasid_t guest; /* VSVA_PASID_INVALID: none, or not known */
	hpasid_t host;  /* likewise */
};

/* NULL: no memory. */
struct owners *owners_create(void);
void owners_destroy(struct owners *owners);

/* Without memory something stays unknown. */
void owners_set_pasid(struct owners *owners, hpasid_t host, uint32_t vm, gpasid_t guest);
void owners_set_device(struct owners *owners, rid_t rid, uint32_t vm);

/* Learns from the event, in order, and says whose it is. */
struct owner owners_observe(struct owners *owners, const struct vsva_event *event);

#endif
