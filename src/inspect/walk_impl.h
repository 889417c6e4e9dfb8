/* SPDX-License-Identifier: MIT */
/*
 * The walk with reasons, in parts: registers and outcome (walk.c), tables (walk_tables.c), second stage
 * (walk_second.c), first stage and page (walk_first.c). A function returns false when the request is
 * stopped; walk_stop() has written down why.
 *
 * VT-d 3.4 to 3.9, 7.1.3, chapter 9.
 */
#ifndef INSPECT_WALK_IMPL_H
#define INSPECT_WALK_IMPL_H

#include "vsva/walk.h"
#include "vtd/faults.h"
#include "vtd/tables.h"

struct walk {
	const struct vsva_walk_unit *unit;
	const struct vsva_walk_request *request;
	struct vsva_walk_result *result;
	struct vtd_rules rules;
	bool scalable;
	bool is_ats, is_pri, wants_read, wants_write, privileged;
	bool silent; /* a walk that was written down before, now for an update */
	/* from the PASID entry or the legacy context entry */
	unsigned pgtt, first_levels, second_levels;
	unsigned input_bits; /* of the second stage */
	uint64_t first_root, second_root;
	bool ssade, eafe, wpe, snooped;
};

/* A leaf, or the rights and the output of both stages together. */
struct leaf {
	uint64_t output;
	unsigned size_lg2;
	bool read, write, user;
	uint64_t at, at_host, entry;
	/* the steps that took the right away; -1: none did */
	int no_read, no_write, no_user;
	bool is_absent; /* legacy: no right left on the way */
};

/* A reason under both names that the modes have for it. */
struct reason {
	enum vsva_code cause;
	enum vtd_fault scalable, legacy;
};
#define REASON(cause, scalable, legacy)                                                            \
	(struct reason)                                                                            \
	{                                                                                          \
		VSVA_CODE_##cause, VTD_FAULT_##scalable, VTD_FAULT_##legacy                        \
	}
#define SAME(cause, fault) REASON(cause, fault, fault)

bool walk_stop(struct walk *walk, struct reason reason);
/* The same, the fault of the step with this index. */
bool walk_stop_at(struct walk *walk, struct reason reason, int step);
/* The bits of word that are reserved; 0: it is not stopped. */
bool walk_stop_reserved(struct walk *walk, struct reason reason, uint64_t bits, unsigned word);

/* NULL: a silent walk. Else the step, its raw words read. */
struct vsva_walk_step *walk_step(struct walk *walk, const struct vsva_walk_step *step);
/* Reads the words of an entry and writes the step down. false: there is no memory. */
bool walk_read(struct walk *walk, struct vsva_walk_step step, uint64_t *words);
/* The index of the last step. */
int walk_last(const struct walk *walk);
/* false: the word cannot be written. */
bool walk_update(struct walk *walk, uint64_t at, uint64_t bits);

struct leaf walk_no_leaf(void);
/* Down the second stage to a leaf, which is neither judged nor marked. */
bool walk_second(struct walk *walk, uint64_t address, bool inner, struct leaf *leaf);
/* A, D of the second stage. */
bool walk_second_mark(struct walk *walk, const struct leaf *at, uint64_t bits);
/* A, D, EA of the first stage. */
bool walk_first_mark(struct walk *walk, const struct leaf *at, uint64_t bits);

static inline bool walk_has_pasid(const struct walk *walk)
{
	return walk->request->pasid != VSVA_PASID_INVALID;
}

static inline bool walk_is_interrupt_address(uint64_t address)
{
	return address >> 20 == 0xfee;
}

/* From the root table on. */
bool walk_legacy(struct walk *walk, uint64_t root);
bool walk_scalable(struct walk *walk, uint64_t root);
/* The page, once the tables have let the request pass. */
bool walk_page(struct walk *walk);

#endif
