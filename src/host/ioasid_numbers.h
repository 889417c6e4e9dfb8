/* SPDX-License-Identifier: MIT */
/*
 * Which of up to 2^20 numbers are taken: three levels of bit maps, so that the lowest free number
 * from anywhere on is found in a few steps, however full it is. The owner's lock protects it.
 */
#ifndef HOST_IOASID_NUMBERS_H
#define HOST_IOASID_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#define NUMBERS_WORD_LG2 6
#define NUMBERS_LG2      20

struct numbers {
	uint32_t end;
	uint64_t *taken;                                             /* a bit for each number */
	uint64_t *full;                                              /* for each word of taken */
	uint64_t fuller[1u << (NUMBERS_LG2 - 3 * NUMBERS_WORD_LG2)]; /* for each word of full */
};

/* 0 … end - 1, all free; end at most 2^20. 0; -ENOMEM. */
int numbers_init(struct numbers *numbers, uint32_t end);
void numbers_fini(struct numbers *numbers);
/* The lowest free one in [min, max]; UINT32_MAX: none. max is below the end. */
uint32_t numbers_find(const struct numbers *numbers, uint32_t min, uint32_t max);
/* The lowest taken one from `from` on; UINT32_MAX: none. */
uint32_t numbers_next(const struct numbers *numbers, uint32_t from);
bool numbers_is_taken(const struct numbers *numbers, uint32_t number);
void numbers_take(struct numbers *numbers, uint32_t number);
void numbers_give(struct numbers *numbers, uint32_t number);

#endif
