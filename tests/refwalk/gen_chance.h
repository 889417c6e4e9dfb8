/* SPDX-License-Identifier: MIT */
/* Chance and bits, for the generator and those who play with it. */
#ifndef GEN_CHANCE_H
#define GEN_CHANCE_H

#include "gen.h"

#define BIT(n)     (1ULL << (n))
#define PAGE       4096ULL
#define ADDR_FIELD 0x000ffffffffff000ULL

static inline uint64_t next(struct gen_rng *rng) /* splitmix64 */
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Fewer ones than zeroes, so that some entries look possible. */
static inline uint64_t sparse_bits(struct gen_rng *rng)
{
	uint64_t bits = next(rng);

	return bits & next(rng);
}

static inline uint64_t below(struct gen_rng *rng, uint64_t n)
{
	return n ? next(rng) % n : 0;
}

static inline bool percent(struct gen_rng *rng, unsigned pct)
{
	return below(rng, 100) < pct;
}

static inline uint64_t bit_if(struct gen_rng *rng, unsigned pct, unsigned bit)
{
	return percent(rng, pct) ? BIT(bit) : 0;
}

static inline uint64_t low_mask(unsigned bits)
{
	return bits >= 64 ? ~0ULL : BIT(bits) - 1;
}

#endif
