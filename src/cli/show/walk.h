/* SPDX-License-Identifier: MIT */
/* Walks on a view, for what shows them or an entry that they meet. */
#ifndef CLI_SHOW_WALK_H
#define CLI_SHOW_WALK_H

#include "cli/explain/explain.h"
#include "cli/show/show.h"

/* 0: place is the caller's (explain_forget). Else the rows to be shown: none if there is no such device, NULL if
 * nothing can be read. Complained. */
int show_find(struct show *show, struct explain_place *place, struct json_object **rows);
/* SHOW_ANY is "without PASID". */
uint32_t show_walk_pasid(uint32_t pasid);
/* The host PASID of what was selected; VSVA_PASID_INVALID: none. */
uint32_t show_walk_host_pasid(struct show *show, const struct explain_place *place);
/* Through the guest's tables (vm) or (0) the host's. 0; -EIO. */
int show_walk_side(struct show *show, const struct explain_place *place, uint32_t vm,
		   uint32_t pasid, struct vsva_walk_result *walk);

#endif
