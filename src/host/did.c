// SPDX-License-Identifier: MIT
#include "host/did.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"

#define WORD_BITS 64u

static size_t word_count(const struct did_pool *pool)
{
	return (pool->end + WORD_BITS - 1) / WORD_BITS;
}

int did_pool_init(struct did_pool *pool, unsigned bits)
{
	CHECK(bits >= 4 && bits <= 16);
	pool->end = 1u << bits;
	pool->taken = base_calloc(word_count(pool), sizeof(*pool->taken));
	pool->doubt = base_calloc(word_count(pool), sizeof(*pool->doubt));
	pool->flush = base_calloc(word_count(pool), sizeof(*pool->flush));
	lock_init(&pool->lock, LOCK_RANK_LEAF, "domain ids");
	if (!pool->taken || !pool->doubt || !pool->flush)
		return -ENOMEM;
	pool->taken[0] = 1;
	if (pool->end < WORD_BITS)
		pool->taken[0] |= UINT64_MAX << pool->end;
	return 0;
}

void did_pool_fini(struct did_pool *pool)
{
	if (!pool->end)
		return;
	base_free(pool->taken);
	base_free(pool->doubt);
	base_free(pool->flush);
	lock_destroy(&pool->lock);
	pool->end = 0;
}

static uint64_t bit_of(did_t did_)
{
	return UINT64_C(1) << (did_.v % WORD_BITS);
}

int did_alloc(struct did_pool *pool, did_t *out)
{
	size_t word = 0;
	int err = -ENOSPC;

	if (fail_nth_now())
		return -ENOSPC;
	lock_take(&pool->lock);
	while (word < word_count(pool) && pool->taken[word] == UINT64_MAX)
		word++;
	if (word < word_count(pool)) {
		unsigned bit = (unsigned)__builtin_ctzll(~pool->taken[word]);

		*out = did((uint16_t)(word * WORD_BITS + bit));
		pool->taken[word] |= bit_of(*out);
		err = 0;
	}
	lock_drop(&pool->lock);
	return err;
}

void did_free(struct did_pool *pool, did_t did_)
{
	lock_take(&pool->lock);
	CHECK(did_.v && (pool->taken[did_.v / WORD_BITS] & bit_of(did_)));
	pool->taken[did_.v / WORD_BITS] &= ~bit_of(did_);
	lock_drop(&pool->lock);
}

void did_doubt(struct did_pool *pool, did_t did_)
{
	lock_take(&pool->lock);
	pool->doubt[did_.v / WORD_BITS] |= bit_of(did_);
	lock_drop(&pool->lock);
}

void did_doubt_begin_flush(struct did_pool *pool)
{
	lock_take(&pool->lock);
	for (size_t word = 0; word < word_count(pool); word++) {
		pool->flush[word] = pool->doubt[word];
		pool->doubt[word] = 0;
	}
	lock_drop(&pool->lock);
}

void did_doubt_end_flush(struct did_pool *pool, bool worked)
{
	lock_take(&pool->lock);
	for (size_t word = 0; word < word_count(pool); word++) {
		if (worked)
			pool->taken[word] &= ~pool->flush[word];
		else
			pool->doubt[word] |= pool->flush[word];
		pool->flush[word] = 0;
	}
	lock_drop(&pool->lock);
}
