/* SPDX-License-Identifier: MIT */
#include "bench/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/random.h"

#define HUGE (UINT64_C(2) << 20)

static size_t rounded(size_t len)
{
	return (len + HUGE - 1) & ~(size_t)(HUGE - 1);
}

void *bench_memory_alloc_plain(size_t len)
{
	size_t want = rounded(len), head;
	unsigned char *memory = mmap(NULL, want + HUGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	head = rounded((uintptr_t)memory) - (uintptr_t)memory;
	if (head)
		munmap(memory, head);
	if (HUGE - head)
		munmap(memory + head + want, HUGE - head);
	return memory + head;
}

void *bench_memory_alloc(size_t len)
{
	void *memory = bench_memory_alloc_plain(len);

	if (memory)
		madvise(memory, rounded(len), MADV_HUGEPAGE);
	return memory;
}

void bench_memory_free(void *memory, size_t len)
{
	if (memory)
		munmap(memory, rounded(len));
}

uint32_t *bench_shuffled(uint32_t count)
{
	uint32_t *numbers = malloc(count * sizeof(*numbers));
	struct rng rng;

	if (!numbers)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		numbers[i] = i;
	rng_seed(&rng, 1);
	for (uint32_t i = count - 1; count && i > 0; i--) {
		uint32_t j = (uint32_t)rng_below(&rng, i + 1), other = numbers[j];

		numbers[j] = numbers[i];
		numbers[i] = other;
	}
	return numbers;
}
