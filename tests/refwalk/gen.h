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
 * gen_mem_read() and gen_mem_cas64() take a struct gen_copy as ctx; both sides must go through
 * them (or honour page_flags), because some pages refuse reads or swaps.
 *
 * Words: a target is an address that the generator mapped, before mutations; a live slot is an
 * entry that some target's walk uses; a mutation changes a live slot.
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

struct gen_rng gen_rng_from(uint64_t seed);
struct refwalk_request gen_request(struct gen_rng *rng, const struct gen_world *world);

/* The unit of the world, with copy as its memory; copy must outlive the unit. */
struct refwalk_unit gen_unit(struct gen_copy *copy);

bool gen_mem_read(void *ctx, uint64_t hpa, void *buf, unsigned len);
bool gen_mem_cas64(void *ctx, uint64_t hpa, uint64_t *expected, uint64_t desired);

#endif
