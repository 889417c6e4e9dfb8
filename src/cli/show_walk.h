/* SPDX-License-Identifier: MIT */
/* Walks on a view, for what shows them or an entry that they meet. */
#ifndef CLI_SHOW_WALK_H
#define CLI_SHOW_WALK_H

#include "cli/explain.h"
#include "cli/show.h"

/* SHOW_ANY is "without PASID". */
uint32_t show_walk_pasid(uint32_t pasid);
/* The host PASID of what was selected; VSVA_PASID_INVALID: none. */
uint32_t show_walk_host_pasid(struct show *show, const struct explain_place *place);
/* Through the guest's tables (vm) or (0) the host's. 0; -EIO. */
int show_walk_side(struct show *show, const struct explain_place *place, uint32_t vm,
		   uint32_t pasid, struct vsva_walk_result *walk);

#endif
