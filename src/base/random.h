/* SPDX-License-Identifier: MIT */
/* Randomness: a small seeded generator (xoshiro256**), so that every run can be repeated. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct rng {
	uint64_t state[4];
};

void rng_seed(struct rng *rng, uint64_t seed);
uint64_t rng_u64(struct rng *rng);
/* 0 … bound-1; bound > 0 */
uint64_t rng_below(struct rng *rng, uint64_t bound);

#endif
