/* SPDX-License-Identifier: MIT */
/*
 * The witness's side of a comparison: its copy of the memory, and a tape of what it read and
 * changed there for one request. The tape is how a difference is told, and how the driver knows
 * which tables a request depends on.
 */
#ifndef WITNESS_TAPE_H
#define WITNESS_TAPE_H

#include "refwalk/gen.h"

#define TAPE_MAX 512

struct tape_read {
	uint64_t hpa;
	unsigned qwords;
	uint64_t value[8];
};

struct tape {
	struct gen_copy copy;
	unsigned count; /* further reads are not kept */
	struct tape_read reads[TAPE_MAX];
	unsigned swap_count;
	uint64_t swaps[TAPE_MAX]; /* addresses of entries that were changed */
};

/* The tables that a request came through, as its entries say. */
struct tape_space {
	uint16_t rid;
	uint32_t pasid; /* of the request or RID_PASID; 0 in legacy mode */
	bool found; /* the rest is valid: a context entry in legacy mode, a PASID entry, present */
	uint16_t did;
	unsigned pgtt, aw, fspm;
	bool ssade, eafe;
	uint64_t second_root, first_root;
};

/* One request, on a new tape. */
struct refwalk_result tape_translate(struct tape *tape, const struct refwalk_request *request);
struct tape_space tape_space(const struct tape *tape, const struct refwalk_request *request);

#endif
