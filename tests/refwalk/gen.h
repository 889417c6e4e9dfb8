/* SPDX-License-Identifier: MIT */
/*
 * Random worlds for the reference walker: a flat memory with remapping structures of random shape,
 * mostly valid, and requests that mostly hit what is mapped. Everything follows from the seed.
 *
 * A compare driver works like this:
 *
 *	gen_world(&world, seed, bytes, len, GEN_DENSITY);
 *	memcpy(twin, bytes, len);
 *	a = (struct gen_copy){ &world, bytes };        behind the reference walker
 *	b = (struct gen_copy){ &world, twin };         behind the implementation
 *	for (…) {
 *		request = gen_request(&rng, &world);
 *		… translate on both sides, compare the results …
 *	}
 *	memcmp(bytes, twin, len);                      compares A, D and EA bits
 *
 * gen_world_again() puts other tables under the same unit; gen_mutate() changes them while it runs.
 *
 * gen_mem_read() and gen_mem_cas64() take a struct gen_copy as ctx; both sides must go through
 * them (or honour page_flags), because some pages refuse reads or swaps.
 *
 * Words: a target is an address that the generator mapped, before mutations; a live slot is an
 * entry that some target's walk uses; a mutation changes a live slot. As long as there are no
 * mutations, tags are shared as VT-d 6.2.3.1 allows it: the same domain id always means the same
 * second stage, the same PASID and domain id the same first stage.
 */
#ifndef GEN_H
#define GEN_H

#include "refwalk.h"

#include <stddef.h>

#define GEN_LEN_MIN   (1u << 20)
#define GEN_LEN_MAX   (4u << 20)
#define GEN_PAGES_MAX (GEN_LEN_MAX / 4096)
#define GEN_TARGETS   256
#define GEN_DENSITY   6 /* default of the largest number of mutations in a world */

enum { GEN_PAGE_READONLY = 1, GEN_PAGE_UNREADABLE = 2 };

struct gen_rng {
	uint64_t state;
};

struct gen_target {
	uint16_t rid;
	bool has_pasid;
	uint32_t pasid;
	uint64_t addr;
	unsigned lg2;
};

enum gen_kind { GEN_ROOT, GEN_CONTEXT, GEN_DIRECTORY, GEN_PASID, GEN_FIRST, GEN_SECOND };
#define GEN_KINDS 6
#define GEN_SLOTS 512

struct gen_slot {
	uint64_t hpa;
	/* paging entries: the first input address that the entry covers, its tree's top table */
	uint64_t addr;
	uint64_t root;
	unsigned level;
	uint16_t rid; /* all but the second stage: whose it is; some device's of the bus for a root
		       */
	uint32_t pasid; /* of the PASID entry or first stage (RID_PASID), one of the directory's */
};

struct gen_slots {
	unsigned count;
	struct gen_slot at[GEN_SLOTS];
};

struct gen_world {
	/* what the unit is told */
	uint64_t cap, ecap, rtaddr;
	unsigned haw;
	bool te;
	/* the memory: len bytes at host address base, elsewhere nothing answers */
	uint64_t base;
	size_t len;
	uint8_t page_flags[GEN_PAGES_MAX];
	/* what requests aim at */
	unsigned target_count;
	struct gen_target targets[GEN_TARGETS];
	/* what mutations aim at */
	bool scalable;  /* how the tables are built, whatever TTM says */
	uint64_t noise; /* host address of a page of random bits */
	struct gen_slots slots[GEN_KINDS];
};

/* What a mutation did to one entry. */
struct gen_change {
	enum gen_kind kind;
	const struct gen_slot *slot;
	unsigned qwords; /* of the entry */
	uint64_t before[8], after[8];
};

/* One copy of the world's memory. */
struct gen_copy {
	const struct gen_world *world;
	uint8_t *bytes;
};

/*
 * Build a world in bytes[len], len a multiple of 4 KiB from GEN_LEN_MIN to GEN_LEN_MAX. density is
 * the largest number of mutations; with 0 every target translates if permissions allow.
 */
void gen_world(struct gen_world *world, uint64_t seed, uint8_t *bytes, size_t len,
	       unsigned density);

/* The same unit with other tables, where the world's are: capabilities, base and len stay. */
void gen_world_again(struct gen_world *world, uint64_t seed, uint8_t *bytes, unsigned density);

/* Change one live slot in bytes. false: the lot fell on a kind of which there is none. */
bool gen_mutate(struct gen_rng *rng, const struct gen_world *world, uint8_t *bytes,
		struct gen_change *change);
/* A table address that is hardly one. */
uint64_t gen_nowhere(struct gen_rng *rng, const struct gen_world *world);

struct gen_rng gen_rng_from(uint64_t seed);
struct refwalk_request gen_request(struct gen_rng *rng, const struct gen_world *world);
/* Mostly at this target. */
struct refwalk_request gen_request_at(struct gen_rng *rng, const struct gen_target *target);

/* The unit of the world, with copy as its memory; copy must outlive the unit. */
struct refwalk_unit gen_unit(struct gen_copy *copy);

bool gen_mem_read(void *ctx, uint64_t hpa, void *buf, unsigned len);
bool gen_mem_cas64(void *ctx, uint64_t hpa, uint64_t *expected, uint64_t desired);

#endif
