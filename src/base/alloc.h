/* SPDX-License-Identifier: MIT */
/*
 * Allocation. Every allocation of the library goes through here, so that a test can make the nth
 * one fail and count the bytes that an object costs.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory or NULL. */
void *base_zalloc(size_t len);
void *base_zalloc_aligned(size_t align, size_t len);
void *base_calloc(size_t count, size_t len);
char *base_strdup(const char *text);
void base_free(void *memory);

/*
 * Fail the nth: the nth fallible step from now (1 = the next) fails, and with stuck every later one
 * too. 0 switches it off. fail_nth_hits() says how many fallible steps were taken since the last
 * fail_nth_set(). Steps other than allocation (id exhaustion, memory access) ask fail_nth_now().
 * Per thread; costs one thread-local load where it is off.
 */
void fail_nth_set(uint64_t nth, int stuck);
uint64_t fail_nth_hits(void);
int fail_nth_now(void);

/* Bytes handed out and not yet freed, all threads. */
size_t base_bytes_in_use(void);
/* And in how many pieces: exact where the allocator's rounding is not. */
size_t base_blocks_in_use(void);

#endif
