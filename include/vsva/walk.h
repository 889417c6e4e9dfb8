/* SPDX-License-Identifier: MIT */
/*
 * What would the unit do with a request, and why: a walk through the tables that changes nothing and
 * writes down each step. It looks at memory only, never into a cache.
 *
 *   step     one thing that is read: RTADDR, an entry of a table
 *   cause    the first thing that stops the request, a code of vsva/codes.h
 *   space    what the root table's addresses are: host physical, or guest physical for the view of a
 *            guest's own unit
 *   inner    a second-stage step on behalf of a first-stage table, not of the page
 *
 * Threads: any, any number at once. Tables that change meanwhile give a walk that never was.
 */
#ifndef VSVA_WALK_H
#define VSVA_WALK_H

#include "vsva/codes.h"
#include "vsva/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 1 register, 4 tables, 5 first-stage entries each behind 5 of the second stage, 5 of the page */
#define VSVA_WALK_STEPS   48u
#define VSVA_WALK_UPDATES 48u

struct vsva_walk_unit {
	uint64_t cap, ecap;
	uint64_t rtaddr;  /* as the last SRTP latched it */
	bool translating; /* GSTS.TES */
	unsigned haw;     /* host address width in bits, 32 … 52 */
	void *arg;
	/* Reads len bytes (8, 16, 32 or 64, aligned to their length) of the space. false: no memory. */
	bool (*read)(void *arg, uint64_t address, void *buf, size_t len);
	/* Can the word be written? NULL: every one can. */
	bool (*can_write)(void *arg, uint64_t address);
};

enum vsva_walk_type {
	VSVA_WALK_UNTRANSLATED,
	VSVA_WALK_TRANSLATION, /* ATS */
	VSVA_WALK_PAGE_REQUEST /* PRI; read, write and the page do not matter */
};

/* What is known of the device and the PASID beside the tables. */
enum vsva_walk_known {
	VSVA_WALK_DEVICE_GONE = 1,
	VSVA_WALK_BUS_MASTER_OFF = 2,
	VSVA_WALK_PASID_OFF = 4, /* capabilities of the function that are not enabled */
	VSVA_WALK_ATS_OFF = 8,
	VSVA_WALK_PRI_OFF = 16,
	/* why a PASID entry may be absent */
	VSVA_WALK_FREE_PENDING = 32,
	VSVA_WALK_DYING = 64
};

struct vsva_walk_request {
	rid_t rid;
	uint32_t pasid; /* VSVA_PASID_INVALID: without */
	uint64_t address;
	enum vsva_walk_type type;
	bool read, write;         /* both: an atomic; a translation request implies read */
	bool execute, privileged; /* with PASID only */
	bool zero_length;         /* a read of no byte */
	bool last;                /* page request: last of its group */
	unsigned known;           /* enum vsva_walk_known, ored; 0: only the tables count */
};

enum vsva_walk_kind {
	VSVA_WALK_RTADDR,
	VSVA_WALK_LEGACY_ROOT,
	VSVA_WALK_ROOT,
	VSVA_WALK_LEGACY_CONTEXT,
	VSVA_WALK_CONTEXT,
	VSVA_WALK_PASID_DIR,
	VSVA_WALK_PASID_ENTRY,
	VSVA_WALK_FIRST_STAGE,
	VSVA_WALK_SECOND_STAGE
};

struct vsva_walk_step {
	enum vsva_walk_kind kind;
	uint8_t level; /* of a paging entry, 1 … 5; else 0 */
	bool inner;
	bool readable;  /* false: there is no memory; raw is 0 */
	uint64_t input; /* the address (of a paging entry) that is being translated */
	uint64_t at;    /* where the entry lies: of RTADDR the register's offset, of a nested first
			   * stage a guest physical address, else of the space */
	uint64_t at_host; /* of the space */
	uint8_t words;    /* of raw */
	uint64_t raw[8];
	enum vsva_code cause; /* of this step; VSVA_CODE_NONE: it goes on */
};

/* A, D or EA that the request would set. */
struct vsva_walk_update {
	uint64_t at; /* of the space */
	uint64_t bits;
};

enum vsva_walk_response {
	VSVA_WALK_SUCCESS,
	VSVA_WALK_UNSUPPORTED_REQUEST,
	VSVA_WALK_COMPLETER_ABORT,
	VSVA_WALK_NO_RIGHTS,   /* translation completion without any right */
	VSVA_WALK_SOME_RIGHTS, /* translation completion with fewer rights than were asked for */
	VSVA_WALK_INVALID_REQUEST, /* page group response */
	VSVA_WALK_NO_ANSWER,       /* page request that is dropped */
	VSVA_WALK_NOT_SENT         /* the device does not even send it */
};

struct vsva_walk_result {
	enum vsva_code cause;
	uint64_t detail; /* reserved bits that are set, of word detail_word of the entry; else 0 */
	uint8_t detail_word;
	uint8_t fault; /* fault reason, VT-d 7.1.3; 0: none */
	bool recorded; /* a fault record would result */
	bool fpd;      /* an entry on the way says that faults are not recorded */
	enum vsva_walk_response response;
	/* of a success and, as far as there are rights, of VSVA_WALK_SOME_RIGHTS; else 0 */
	uint64_t output;
	unsigned page_lg2;
	bool can_read, can_write, is_user;
	bool untranslated_only, interrupt;
	bool translated; /* false: passed through unchanged */
	unsigned
		pgtt; /* type of the PASID entry (of a legacy context entry, as if); 0: not reached */
	unsigned step_count, update_count;
	int stopped_at; /* index of the step whose cause it is; -1: none */
	struct vsva_walk_step steps[VSVA_WALK_STEPS];
	struct vsva_walk_update updates[VSVA_WALK_UPDATES];
};

/* Fills *out, all of it. */
void vsva_walk(const struct vsva_walk_unit *unit, const struct vsva_walk_request *request,
	       struct vsva_walk_result *out);

/* "context entry", "second-stage entry, level 3". Both terminate buf if len > 0 and return the length
 * of the whole text, as snprintf does. */
int vsva_walk_step_name(const struct vsva_walk_step *step, char *buf, size_t len);
/* "P=1 PGTT=nested(3) FSPTPTR=0x1000". */
int vsva_walk_step_meaning(const struct vsva_walk_step *step, char *buf, size_t len);
/* "SPT.2" of a fault reason; "" for 0. Constant. */
const char *vsva_walk_fault_name(uint8_t fault);

#ifdef __cplusplus
}
#endif
#endif
