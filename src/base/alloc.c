/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <string.h>

static size_t bytes_in_use, blocks_in_use; /* atomic */

/* What the allocator set aside, not what was asked for: this is what an object costs. */
static void *account(void *memory)
{
	if (!memory)
		return NULL;
	__atomic_fetch_add(&bytes_in_use, malloc_usable_size(memory), __ATOMIC_RELAXED);
	__atomic_fetch_add(&blocks_in_use, 1, __ATOMIC_RELAXED);
	return memory;
}

/* glibc's calloc (before 2.41) passes its own thread's cache by, which for what is small costs far more
 * than clearing it. What is large may be new from the kernel, and zero. */
#define SMALL 512u

static void *small_alloc(size_t len)
{
	void *memory = malloc(len ? len : 1);

	return memory ? memset(memory, 0, len) : NULL;
}

void *(base_calloc)(size_t count, size_t len)
{
	size_t total;

	if (fail_nth_now() || __builtin_mul_overflow(count, len, &total))
		return NULL;
	return account(total <= SMALL ? small_alloc(total) : calloc(1, total));
}

void *(base_zalloc)(size_t len)
{
	return (base_calloc)(1, len);
}

#define HUGE_PAGE (UINT64_C(2) << 20)

void *(base_zalloc_aligned)(size_t align, size_t len)
{
	void *memory;

	if (len >= HUGE_PAGE && align < HUGE_PAGE)
		align = HUGE_PAGE;
	if (fail_nth_now() || posix_memalign(&memory, align, len ? len : 1))
		return NULL;
	/* What is found by a hash is found on any of its pages: the fewer they are, the better. */
	if (len >= HUGE_PAGE)
		madvise(memory, len, MADV_HUGEPAGE);
	memset(memory, 0, len);
	return account(memory);
}

char *(base_strdup)(const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy = (base_zalloc)(len);

	return copy ? memcpy(copy, text, len) : NULL;
}

void base_free(void *memory)
{
	if (!memory)
		return;
	__atomic_fetch_sub(&bytes_in_use, malloc_usable_size(memory), __ATOMIC_RELAXED);
	__atomic_fetch_sub(&blocks_in_use, 1, __ATOMIC_RELAXED);
	free(memory);
}

void *(base_reserve)(size_t len)
{
	void *memory = FAIL_CALL(MAP_FAILED, ENOMEM,
				 mmap(NULL, len, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	return memory == MAP_FAILED ? NULL : memory;
}

void base_unreserve(void *memory, size_t len)
{
	if (memory)
		munmap(memory, len);
}

size_t base_bytes_in_use(void)
{
	return __atomic_load_n(&bytes_in_use, __ATOMIC_RELAXED);
}

size_t base_blocks_in_use(void)
{
	return __atomic_load_n(&blocks_in_use, __ATOMIC_RELAXED);
}
