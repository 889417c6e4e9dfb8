/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include "base/check.h"

static uint64_t rotate_left(uint64_t value, unsigned count)
{
	return value << count | value >> (64 - count);
}

/* splitmix64: spreads a seed of few bits, 0 too, over the whole state. */
static uint64_t seed_next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void rng_seed(struct rng *rng, uint64_t seed)
{
	for (unsigned i = 0; i < ARRAY_LEN(rng->state); i++)
		rng->state[i] = seed_next(&seed);
}

uint64_t rng_u64(struct rng *rng)
{
	uint64_t *s = rng->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	uint64_t skip, value;

	CHECK(bound > 0);
	/* 2^64 mod bound values too many: without them every remainder is equally likely */
	skip = -bound % bound;
	do {
		value = rng_u64(rng);
	} while (value < skip);
	return value % bound;
}
