/* SPDX-License-Identifier: MIT */
/*
 * The other side of a comparison: the unit, with the memory of a generated world behind a physmem,
 * driven like hardware: registers, invalidation queue, page-request queue, fault records. What it
 * answers is told in the witness's words.
 */
#ifndef WITNESS_SUBJECT_H
#define WITNESS_SUBJECT_H

#include "hw/device/endpoint.h"
#include "hw/unit.h"
#include "refwalk/gen.h"
#include "vtd/descriptors.h"

struct subject {
	const struct gen_world *world;
	uint8_t *bytes; /* its copy of the memory: GEN_LEN_MIN, aligned to pages */
	struct physmem *pm;
	struct unit *unit;

	unsigned region_count;
	hpa_t regions[GEN_PAGES_MAX]; /* of the world, in pm */

	uint8_t *own;    /* queue, page-request queue, status word: pages of software's own */
	bool is_wide;    /* 32-byte descriptors */
	uint32_t tail;   /* byte offset */
	uint32_t status; /* what the next wait writes */
	uint64_t rtaddr; /* as latched */
	bool is_enabled; /* TE */

	uint64_t iotlb_hits, table_hits; /* of all units that were powered off */

	struct endpoint endpoint; /* whoever asks for a page */
	unsigned response_count, response_code;
};

struct answer {
	struct refwalk_result result;
	const char *complaint; /* what is wrong with a record or a queue beside it, or NULL */
};

void subject_init(struct subject *s);
void subject_fini(struct subject *s);

/* Power on, set up and translate in this world. */
void subject_power_on(struct subject *s, const struct gen_world *world,
		      enum unit_cache_policy policy, uint64_t seed);
void subject_power_off(struct subject *s);
/* Other tables (gen_world_again): the root pointer if it has changed, and the duties of 6.5.3. */
void subject_enter(struct subject *s, const struct gen_world *world);

void subject_translate(struct subject *s, const struct refwalk_request *request,
		       struct answer *answer);

/* false: TTM is one that makes every descriptor an error (IQEI 7). Nothing is cached, then. */
bool subject_takes_descriptors(const struct subject *s);
/* Submits a descriptor; it is complete after subject_wait(). */
void subject_queue(struct subject *s, const struct vtd_desc *desc);
void subject_wait(struct subject *s);
/* Context cache, PASID cache, IOTLB, all globally. */
void subject_invalidate_all(struct subject *s);

#endif
