/* SPDX-License-Identifier: MIT */
/*
 * The short walk: of a request that misses nothing but the IOTLB. The PASID entry is cached and so is the
 * last table of both stages, so that two leaves are left to be read. The page of the first stage has 4 KiB.
 *
 * It makes the same checks as a whole walk (hw/walk.h). It changes nothing in memory and reports nothing:
 * whatever is not as it should be, an A or D bit to set or a fault, is left to the whole walk, which begins
 * from the request again.
 */
#ifndef HW_WALK_SHORT_H
#define HW_WALK_SHORT_H

#include "hw/cache_iotlb.h"
#include "hw/unit_state.h"

/* Of an ordinary request with PASID under policy LRU, for an address of which there is nothing in its place
 * in the IOTLB. Fills that. need: iotlb_ordinary_need(). The value word of the entry (hw/cache_iotlb.h), which
 * grants the request; 0: the whole walk is needed. Inside an RCU read section. */
uint64_t walk_short(struct unit *unit, const struct iotlb_place *place, uint64_t address,
		    uint64_t need);

#endif
