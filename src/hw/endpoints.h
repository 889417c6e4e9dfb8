/* SPDX-License-Identifier: MIT */
/*
 * Which endpoint is behind a RID. What is delivered is delivered inside an RCU read section, so
 * that detaching waits for it.
 */
#ifndef HW_ENDPOINTS_H
#define HW_ENDPOINTS_H

#include "hw/device/endpoint.h"

/* 0; -ETIMEDOUT: nobody there, or it does not answer; another error: it answered wrongly. */
int endpoints_invalidate(struct unit *unit, rid_t rid, const struct ats_invalidation *invalidation);
/* Nobody there: dropped. Not with a lock of the unit held. */
void endpoints_respond(struct unit *unit, rid_t rid, uint32_t pasid, uint16_t prgi, unsigned code);
/* NULL: nobody there. Inside an RCU read section. */
const struct endpoint *endpoints_find(const struct unit *unit, rid_t rid);
/* For unit_destroy. */
void endpoints_fini(struct unit *unit);

#endif
