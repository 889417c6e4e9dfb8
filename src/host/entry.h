/* SPDX-License-Identifier: MIT */
/* Entries of a function's PASID table: published, taken down, with the invalidations that belong to
 * it. */
#ifndef HOST_ENTRY_H
#define HOST_ENTRY_H

#include "host/function.h"

/* Entries that are taken down with one sequence of invalidations. */
#define ENTRY_BATCH_MAX 256u

struct entry_ref {
	uint32_t pasid;      /* in the unit's tables: 0 for requests without */
	did_t did;           /* that the entry says */
	bool is_first_stage; /* alone: what is cached of it has its PASID and nobody else's */
};

/* Publishes an entry. 0; -ETIMEDOUT: published all the same (where CM=1 or RWBF=1). */
int entry_publish(struct domain_locked locked, struct vsva_dev *dev, uint32_t pasid,
		  const struct vtd_pasid_entry *value);
/* Takes entries down: when it returns without doubt there is no access by them and no page request
 * of theirs. count 1 … ENTRY_BATCH_MAX. */
void entries_teardown(struct domain_locked locked, struct vsva_dev *dev,
		      const struct entry_ref *entries, unsigned count, struct aftermath *aftermath);
/* The first half: no access by them, but page requests of theirs may be under way, and what the
 * entries say besides P stays. */
void entries_cut(struct domain_locked locked, struct vsva_dev *dev, const struct entry_ref *entries,
		 unsigned count, struct aftermath *aftermath);
/* Faults of the PASID are not recorded from now on, until the entry is published anew. Nothing if
 * it has no table yet. Atomic. */
void entry_disable_faults(struct function *function, uint32_t pasid);

#endif
