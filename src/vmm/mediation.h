/* SPDX-License-Identifier: MIT */
/*
 * Mediation: the registers of an assigned device in which PASIDs stand. The guest writes and reads
 * its own PASIDs; the physical register holds host PASIDs. Everything else passes straight through.
 *
 * A DSA's work queue is given its host PASID when the guest enables the queue, and the guest
 * PASID stays mentioned (keeps its host PASID) until the device says that the queue is disabled or
 * reset, bound or not: an access under a PASID that is not bound faults under the guest's number.
 * The permission of an interrupt is given its host PASID when the guest writes it.
 */
#ifndef VMM_MEDIATION_H
#define VMM_MEDIATION_H

#include <stdbool.h>
#include <stdint.h>

struct vsva_assigned;
struct pasid_mention;

#define MEDIATION_QUEUES  64u
#define MEDIATION_VECTORS 64u

struct mediation {
	uint32_t queue_offset; /* WQCFG in BAR 0; 0: not a DSA */
	uint32_t queue_size;   /* bytes of one WQCFG */
	uint32_t queue_count;
	struct pasid_mention *queues[MEDIATION_QUEUES]; /* PASID of an enabled queue, or NULL */
	uint64_t stopping;          /* queues that a command under way disables */
	bool stop_resets;           /* it also resets their configuration */
	uint32_t command;           /* DSA: CMD as the guest wrote it */
	uint32_t permission_offset; /* MSIXPERM in BAR 0 */
	uint32_t vector_count;
	uint32_t permission[MEDIATION_VECTORS]; /* first word of MSIXPERM as the guest wrote it */
	struct pasid_mention *permitted[MEDIATION_VECTORS]; /* PASID in it, or NULL */
	uint32_t engine_pasid;        /* test engine: PASID register as the guest wrote it */
	struct pasid_mention *engine; /* PASID that the last command used, or NULL */
};

/* mediation_vectors.c: whose descriptors may have which interrupt (DSA 9.2.26). */

bool mediation_is_permission(const struct mediation *m, uint64_t offset);
/* size 4 or 8 */
int mediation_permission_write(struct vsva_assigned *assigned, uint64_t offset, unsigned size,
			       uint64_t value);
/* What the guest sees of what the device has. */
uint64_t mediation_permission_view(const struct mediation *m, uint64_t offset, uint64_t value);
/* The registers have been reset. */
void mediation_permission_release(struct vsva_assigned *assigned);

/* All with assigned->config_lock held; offset and size are valid for the BAR or the device refuses
 * them. */
void mediation_init(struct vsva_assigned *assigned);
/* Drops every mention: the device has been reset. */
void mediation_release(struct vsva_assigned *assigned);
int mediation_read(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		   uint64_t *value);
int mediation_write(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		    uint64_t value);

#endif
