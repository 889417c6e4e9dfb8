/* SPDX-License-Identifier: MIT */
/* Memory of the same kind for what is measured and what it is compared with: in huge pages where the
 * computer has them. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroes, aligned to 2 MiB. len is rounded up to that. NULL: no memory. */
void *bench_memory_alloc(size_t len);
void bench_memory_free(void *memory, size_t len);
/* The same without a word about huge pages, as a guest gets its memory here. */
void *bench_memory_alloc_plain(size_t len);

/* The numbers 0 to count - 1 in an order that is the same each time; NULL: no memory. free() */
uint32_t *bench_shuffled(uint32_t count);

#endif
