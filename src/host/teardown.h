/* SPDX-License-Identifier: MIT */
/*
 * The one way down for a binding, whoever wants it: a guest that unbinds, a process that exits, a
 * device that is detached, an owner that freed the PASID before it unbound.
 */
#ifndef HOST_TEARDOWN_H
#define HOST_TEARDOWN_H

#include "host/child.h"

/*
 * Takes down bindings of one device, 1 … ENTRY_BATCH_MAX. In this order: nobody is asked any more
 * to answer their page requests, pending ones are answered "invalid"; subscribers of the PASIDs
 * hear UNBIND; the entries go, with one sequence of invalidations for all, and page requests are
 * drained; the references on the PASIDs are dropped. Never waits for a guest. The bindings are
 * gone.
 */
void bindings_teardown(struct domain_locked locked, struct vsva_dev *dev,
		       struct binding *const *bindings, unsigned count,
		       struct aftermath *aftermath);
/* The first half alone, for an address space that exits while it is bound: when it returns without
 * doubt there is no access by the binding, and its faults are not recorded. Page requests are not
 * drained, the entry is not used again, and the PASID is kept: a teardown will come. */
void binding_cut(struct domain_locked locked, struct binding *binding, struct aftermath *aftermath);
/* All bindings of the device but that of requests without PASID. */
void bindings_teardown_all(struct domain_locked locked, struct vsva_dev *dev,
			   struct aftermath *aftermath);
/* Those of certain PASIDs (at most ENTRY_BATCH_MAX) on all devices of the domain, whatever their
 * users. Takes the domain's lock. 0; -ETIMEDOUT. */
int domain_teardown_pasids(struct vsva_domain *domain, const hpasid_t *pasids, unsigned count);
/* Takes the entry for requests without PASID down, of whatever kind. */
void rid_block(struct domain_locked locked, struct vsva_dev *dev, struct aftermath *aftermath);

#endif
