/* SPDX-License-Identifier: MIT */
/*
 * How the unit reads and changes tables: in naturally aligned words of 64 bits, each at once.
 * Tables of any content lead at most to an address where there is no memory, never out of it.
 * Inside an RCU read section.
 */
#ifndef HW_MEMORY_H
#define HW_MEMORY_H

#include "base/physmem.h"
#include "base/sched.h"

/* address: a multiple of 8. false: no memory there (an access error of the specification). Regions are of
 * whole pages: where a word begins it ends. */
static inline bool memory_read(const struct physmem *pm, uint64_t address, uint64_t *word)
{
	const struct physmem_region *region = physmem_find(pm, hpa(address));
	const uint64_t *p;

	if (!region)
		return false;
	p = (const uint64_t *)(const void *)(region->memory + (address - region->base));
	SEAM_MEMORY_READ(p);
	*word = __atomic_load_n(p, __ATOMIC_ACQUIRE);
	SEAM_MEMORY_SEEN(p);
	return true;
}

/* The region of the last read: tables lie near each other. */
struct memory_near {
	uint64_t base;
	uint64_t len;     /* 0: none yet */
	uintptr_t offset; /* from an address to where it is in this process */
};

static inline bool memory_approach(const struct physmem *pm, struct memory_near *near,
				   uint64_t address)
{
	const struct physmem_region *region = physmem_find(pm, hpa(address));

	if (!region)
		return false;
	*near = (struct memory_near){region->base, region->len,
				     (uintptr_t)region->memory - region->base};
	return true;
}

/* *at: what lies at an address that is a multiple of its size, which is a page at most. false: no memory. */
static inline bool memory_at_near(const struct physmem *pm, struct memory_near *near,
				  uint64_t address, const uint64_t **at)
{
	if (address - near->base >= near->len && !memory_approach(pm, near, address))
		return false;
	*at = (const uint64_t *)(near->offset + address);
	return true;
}

/* As memory_read(). */
static inline bool memory_read_near(const struct physmem *pm, struct memory_near *near,
				    uint64_t address, uint64_t *word)
{
	const uint64_t *p;

	if (!memory_at_near(pm, near, address, &p))
		return false;
	SEAM_MEMORY_READ(p);
	*word = __atomic_load_n(p, __ATOMIC_ACQUIRE);
	SEAM_MEMORY_SEEN(p);
	return true;
}

static inline bool memory_write(struct physmem *pm, uint64_t address, uint64_t word)
{
	uint64_t *p = physmem_ptr(pm, hpa(address), sizeof(*p), true);

	if (!p)
		return false;
	SEAM_MEMORY_WRITE(p);
	__atomic_store_n(p, word, __ATOMIC_RELEASE);
	return true;
}

enum memory_swap {
	MEMORY_SWAPPED,
	MEMORY_CHANGED, /* the word was not the expected one */
	MEMORY_ABSENT,  /* no memory that may be written */
};

static inline enum memory_swap memory_swap(struct physmem *pm, uint64_t address, uint64_t expected,
					   uint64_t desired)
{
	uint64_t *p = physmem_ptr(pm, hpa(address), sizeof(*p), true);

	if (!p)
		return MEMORY_ABSENT;
	SEAM_MEMORY_WRITE(p);
	if (__atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return MEMORY_SWAPPED;
	return MEMORY_CHANGED;
}

/*
 * Two words as one: software may change 16 bytes of a table at once and rely on hardware never
 * seeing half of it (VT-d 6.2.3.1). A writer that does nothing else can keep us from ever
 * seeing the same first word twice, hence the bound: what it gets then is its own doing.
 */
static inline void memory_load_pair(const uint64_t *p, uint64_t pair[2])
{
	uint64_t first;

	SEAM_MEMORY_READ(p);
	first = __atomic_load_n(&p[0], __ATOMIC_ACQUIRE);
	for (unsigned tries = 0; tries < 64; tries++) {
		pair[0] = first;
		pair[1] = __atomic_load_n(&p[1], __ATOMIC_ACQUIRE);
		first = __atomic_load_n(&p[0], __ATOMIC_ACQUIRE);
		if (__builtin_expect(first == pair[0], 1))
			break;
	}
	SEAM_MEMORY_SEEN(p);
}

static inline bool memory_read_pair_near(const struct physmem *pm, struct memory_near *near,
					 uint64_t address, uint64_t pair[2])
{
	const uint64_t *p;

	if (!memory_at_near(pm, near, address, &p))
		return false;
	memory_load_pair(p, pair);
	return true;
}

#endif
