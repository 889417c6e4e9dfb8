/* SPDX-License-Identifier: MIT */
/*
 * A unit, inside. Only the files of this room include it.
 *
 *   lock order   queue_running (no lock: a flag that one runner holds) → prq_lock → caches.lock →
 *                registers_lock
 *   short way    what the IOTLB knows of an ordinary request is all that is to be known
 *   root         written under registers_lock, read at once by everybody
 *   endpoints    two levels by bus and devfn; written under registers_lock, read in RCU sections
 */
#ifndef HW_UNIT_STATE_H
#define HW_UNIT_STATE_H

#include "base/lock.h"
#include "hw/caches.h"
#include "hw/counters.h"
#include "hw/tables.h"
#include "hw/unit.h"
#include "vtd/regfile.h"

struct endpoint_bus; /* endpoints.c */

#define UNIT_TRANSLATED 256u

struct unit {
	struct unit_config config; /* never changes */
	struct vtd_rules rules;    /* never changes */
	struct vtd_masks masks;    /* made from them */
	bool short_way[2];         /* never changes: for requests with and without PASID */
	struct root root;          /* atomic */
	struct caches caches;

	struct lock registers_lock;
	struct vtd_regfile registers; /* registers_lock */

	bool queue_running; /* atomic: somebody executes descriptors */
	bool queue_wanted;  /* atomic: and somebody else has come for it */
	bool grace_needed; /* the runner's: something was invalidated since the last grace period */

	struct lock prq_lock; /* writing of page requests */

	struct lock endpoints_lock;
	struct endpoint_bus *buses[256]; /* rcu_publish, rcu_load */

	/* By a hash of the RID: the last one that may make translated requests, and the generation
	 * of the caches under which that was found; atomic. */
	uint64_t translated[UNIT_TRANSLATED];

	struct counters counters;
};

static inline struct root unit_root(const struct unit *unit)
{
	return (struct root){__atomic_load_n(&unit->root.word, __ATOMIC_ACQUIRE)};
}

#endif
