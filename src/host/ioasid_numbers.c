// SPDX-License-Identifier: MIT
#include "host/ioasid_numbers.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

#define WORD_BITS (1u << NUMBERS_WORD_LG2)
#define LEVELS    3u
#define NONE      UINT32_MAX

static uint64_t *level_words(const struct numbers *numbers, unsigned level)
{
	uint64_t *const words[LEVELS] = {numbers->taken, numbers->full,
					 (uint64_t *)numbers->fuller};

	return words[level];
}

static uint32_t words_for(uint32_t bits)
{
	return (bits + WORD_BITS - 1) / WORD_BITS;
}

/* What is behind the end is taken, so that nobody looks for it there. */
static void take_rest(uint64_t *words, uint32_t used, uint32_t word_count)
{
	for (uint32_t bit = used; bit < word_count * WORD_BITS; bit++)
		words[bit / WORD_BITS] |= UINT64_C(1) << (bit % WORD_BITS);
}

int numbers_init(struct numbers *numbers, uint32_t end)
{
	uint32_t taken_words = words_for(end), full_words = words_for(taken_words);

	CHECK(end <= 1u << NUMBERS_LG2);
	*numbers = (struct numbers){.end = end};
	numbers->taken = base_calloc(taken_words, sizeof(uint64_t));
	numbers->full = base_calloc(full_words, sizeof(uint64_t));
	if (!numbers->taken || !numbers->full) {
		numbers_fini(numbers);
		return -ENOMEM;
	}
	take_rest(numbers->taken, end, taken_words);
	take_rest(numbers->full, taken_words, full_words);
	take_rest(numbers->fuller, full_words, ARRAY_LEN(numbers->fuller));
	return 0;
}

void numbers_fini(struct numbers *numbers)
{
	base_free(numbers->taken);
	base_free(numbers->full);
	numbers->taken = numbers->full = NULL;
}

static uint32_t level_bits(const struct numbers *numbers, unsigned level)
{
	uint32_t bits = numbers->end;

	while (level--)
		bits = words_for(bits);
	return bits;
}

/* The lowest clear bit of the level from `from` on, or NONE. A word that is not full any more has
 * one: so two words of each level are looked at, at most. */
static uint32_t find_clear(const struct numbers *numbers, unsigned level, uint32_t from)
{
	const uint64_t *words = level_words(numbers, level);
	uint32_t bits = level_bits(numbers, level), word = from / WORD_BITS;
	uint64_t clear;

	if (from >= bits)
		return NONE;
	clear = ~words[word] >> (from % WORD_BITS);
	if (clear)
		return from + (uint32_t)__builtin_ctzll(clear);
	for (word++; level == LEVELS - 1 && word < words_for(bits); word++)
		if (~words[word])
			break;
	if (level < LEVELS - 1)
		word = find_clear(numbers, level + 1, word);
	if (word >= words_for(bits))
		return NONE;
	return word * WORD_BITS + (uint32_t)__builtin_ctzll(~words[word]);
}

uint32_t numbers_find(const struct numbers *numbers, uint32_t min, uint32_t max)
{
	uint32_t number = find_clear(numbers, 0, min);

	return number <= max ? number : NONE;
}

uint32_t numbers_next(const struct numbers *numbers, uint32_t from)
{
	uint32_t word = from / WORD_BITS, words = words_for(numbers->end), number;
	uint64_t taken;

	if (from >= numbers->end)
		return NONE;
	taken = numbers->taken[word] & UINT64_MAX << (from % WORD_BITS);
	while (!taken && ++word < words)
		taken = numbers->taken[word];
	if (!taken)
		return NONE;
	number = word * WORD_BITS + (uint32_t)__builtin_ctzll(taken);
	return number < numbers->end ? number : NONE;
}

bool numbers_is_taken(const struct numbers *numbers, uint32_t number)
{
	return numbers->taken[number / WORD_BITS] >> (number % WORD_BITS) & 1;
}

void numbers_take(struct numbers *numbers, uint32_t number)
{
	for (unsigned level = 0; level < LEVELS; level++) {
		uint64_t *word = &level_words(numbers, level)[number / WORD_BITS];

		*word |= UINT64_C(1) << (number % WORD_BITS);
		if (~*word)
			break;
		number /= WORD_BITS;
	}
}

void numbers_give(struct numbers *numbers, uint32_t number)
{
	for (unsigned level = 0; level < LEVELS; level++) {
		level_words(numbers, level)[number / WORD_BITS] &=
			~(UINT64_C(1) << (number % WORD_BITS));
		number /= WORD_BITS;
	}
}
