/* SPDX-License-Identifier: MIT */
/*
 * What each invalidation removes from the caches: exactly that and no more, so that software which
 * relies on more is found out. VT-d 6.5.2.1 to 6.5.2.4, 6.5.2.12.
 *
 * When a function returns, no look-up that begins later finds what was removed. Accesses that are
 * under way end with the next grace period; waiting for it is the caller's.
 */
#ifndef HW_INVALIDATE_H
#define HW_INVALIDATE_H

#include "hw/tables.h"

/* rid_mask: which bits of the source id are compared (function mask). */
void invalidate_context_all(struct unit *unit);
void invalidate_context_domain(struct unit *unit, uint16_t did); /* scalable mode: all */
void invalidate_context_device(struct unit *unit, uint16_t did, rid_t rid, uint16_t rid_mask);

void invalidate_pasid_all(struct unit *unit);
void invalidate_pasid_domain(struct unit *unit, uint16_t did);
void invalidate_pasid_one(struct unit *unit, uint16_t did, uint32_t pasid);

/* 2^am pages around addr; leaf_only (IH): no other entry has changed */
struct page_range {
	uint64_t addr;
	unsigned am;
	bool leaf_only;
};
void invalidate_iotlb_all(struct unit *unit);
void invalidate_iotlb_domain(struct unit *unit, uint16_t did);
void invalidate_iotlb_pages(struct unit *unit, uint16_t did, const struct page_range *range);
void invalidate_pasid_iotlb(struct unit *unit, uint16_t did, uint32_t pasid);
void invalidate_pasid_iotlb_pages(struct unit *unit, uint16_t did, uint32_t pasid,
				  const struct page_range *range);

/* A hint: these PASIDs will be invalidated next, whole or a page of each. */
#define INVALIDATE_NEXT_MAX 16u
struct invalidate_next {
	uint16_t did;
	uint32_t pasid;
	bool is_page;
	uint64_t addr;
};
void invalidate_bring_near(struct unit *unit, const struct invalidate_next *next, unsigned count);

#endif
