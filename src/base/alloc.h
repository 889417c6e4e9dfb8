/* SPDX-License-Identifier: MIT */
/*
 * Allocation. Every allocation of the library goes through here, so that a test can make the nth
 * one fail and count the bytes that an object costs.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

/* Zeroed memory or NULL. */
void *base_zalloc(size_t len);
void *base_zalloc_aligned(size_t align, size_t len);
void *base_calloc(size_t count, size_t len);
char *base_strdup(const char *text);
void base_free(void *memory);

/* Zeroes, of which only the pages that are touched take memory, and that are not counted below; or NULL.
 * len: as it is given back. */
void *base_reserve(size_t len);
void base_unreserve(void *memory, size_t len);

/* Their calls are sites. */
#define base_zalloc(len)                FAIL_SITE(base_zalloc(len))
#define base_zalloc_aligned(align, len) FAIL_SITE(base_zalloc_aligned(align, len))
#define base_calloc(count, len)         FAIL_SITE(base_calloc(count, len))
#define base_strdup(text)               FAIL_SITE(base_strdup(text))
#define base_reserve(len)               FAIL_SITE(base_reserve(len))

/* Bytes handed out and not yet freed, all threads. */
size_t base_bytes_in_use(void);
/* And in how many pieces: exact where the allocator's rounding is not. */
size_t base_blocks_in_use(void);

#endif
