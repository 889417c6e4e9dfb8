/* SPDX-License-Identifier: MIT */
/*
 * The physical memory map: which host physical addresses are memory, and where that memory is in
 * this process. Guest RAM and the host's own page-table memory are regions of it.
 *
 * Addresses are dealt out in slots of 1 GiB, so a look-up is one table access whatever the number
 * of VMs. Slots 0 to 3 are never chosen: 0xFEE00000 to 0xFEEFFFFF are interrupts, not memory.
 *
 * Look-ups are lock-free and must be inside an RCU read section, which also bounds the life of the
 * pointer. A region may be backed by a file that somebody else can shrink; an access beyond the new
 * end raises SIGBUS. physmem_guard_install() makes the process survive that: the page is
 * replaced by zeroes, the region is marked poisoned and its owner is told by physmem_is_poisoned().
 */
#ifndef BASE_PHYSMEM_H
#define BASE_PHYSMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/fail.h"
#include "base/rcu.h"
#include "vsva/types.h"

#define PHYSMEM_HAW        46 /* host address width in bits: 64 Ki slots */
#define PHYSMEM_SLOT_LG2   30
#define PHYSMEM_SLOT_COUNT (1u << (PHYSMEM_HAW - PHYSMEM_SLOT_LG2))

/* What a look-up reads. A region never changes while it can be found, so that a reader cannot see
 * the pointer of one region with the length of another. */
struct physmem_region {
	uint64_t base; /* HPA */
	size_t len;
	unsigned char *memory;
	bool writable;
	struct physmem_region *next; /* in the same slot: only regions placed by physmem_add_at */
};

struct physmem {
	struct physmem_region **slots; /* PHYSMEM_SLOT_COUNT; each by rcu_publish and rcu_load */
};

/* NULL: no memory. */
struct physmem *physmem_create(void);
/* All regions must have been removed (checked), but for those of physmem_alloc_pages. */
void physmem_destroy(struct physmem *pm);

/*
 * Makes [memory, memory+len) visible at a host physical address that is chosen here.
 * memory and len: multiples of 4096. writable false: a look-up for writing fails.
 * 0; -EINVAL alignment or len 0; -ENOSPC no run of free slots; -ENOMEM.
 */
int physmem_add(struct physmem *pm, void *memory, size_t len, bool writable, hpa_t *base);
/* The same at an address that is like the given one modulo 1 GiB, so that large pages can map one
 * to the other. -EINVAL too if it is no multiple of 4096. */
int physmem_add_like(struct physmem *pm, void *memory, size_t len, bool writable, uint64_t like,
		     hpa_t *base);
/* The same at exactly this address, which may also lie below slot 4 and share a slot with others
 * placed so: the memory of a machine whose addresses somebody else chooses. An access may not cross
 * a multiple of 1 GiB. -EINVAL also beyond PHYSMEM_HAW; -EEXIST: something is there. */
int physmem_add_at(struct physmem *pm, hpa_t at, void *memory, size_t len, bool writable);
/* No new look-up finds the region when this returns; the caller waits a grace period
 * (rcu_synchronize) before it unmaps the memory. -ENOENT: no region begins at base. */
int physmem_remove(struct physmem *pm, hpa_t base);
/* Was a page of the region that begins at base lost (SIGBUS)? false too if there is none. */
bool physmem_is_poisoned(struct physmem *pm, hpa_t base);
/* SIGBUS handler for the regions of all maps of this process; chains to the previous handler for
 * other addresses. Idempotent, and takes its place again if somebody has replaced it. 0 or -errno
 * of sigaction. */
int physmem_guard_install(void);

/* The first region of the slot in which the address is, or NULL: only for the functions below. */
static inline const struct physmem_region *physmem_first_(const struct physmem *pm, hpa_t address)
{
	DEBUG_CHECK(rcu_is_reading());
	if (address.v >> PHYSMEM_HAW)
		return NULL;
	return rcu_load(pm->slots[address.v >> PHYSMEM_SLOT_LG2]);
}

/* The region in which the address is, or NULL. Inside an RCU read section. */
static inline const struct physmem_region *physmem_find(const struct physmem *pm, hpa_t address)
{
	const struct physmem_region *region = physmem_first_(pm, address);

	while (region && address.v - region->base >= region->len)
		region = rcu_load(region->next);
	return region;
}

/* Pointer to len bytes at address, all of them within one region, or NULL. write: must be
 * writable. Inside an RCU read section. */
static inline void *physmem_ptr(struct physmem *pm, hpa_t address, size_t len, bool write)
{
	const struct physmem_region *region = physmem_first_(pm, address);

	for (; region; region = rcu_load(region->next)) {
		uint64_t offset = address.v - region->base;

		if (offset >= region->len)
			continue;
		if (len > region->len - offset || (write && !region->writable))
			return NULL;
		return region->memory + offset;
	}
	return NULL;
}

/*
 * The same for who asks often, about addresses that mostly are in one region. slot: his own, zeroed before the
 * first time; several threads may share it. The CPU has read the region of the address before when it learns the
 * address, and what it read is the region that is there now, or another address' and not used.
 */
static inline void *physmem_ptr_near(struct physmem *pm, uint32_t *slot, hpa_t address, size_t len,
				     bool write)
{
	const struct physmem_region *region =
		rcu_load(pm->slots[__atomic_load_n(slot, __ATOMIC_RELAXED)]);

	DEBUG_CHECK(rcu_is_reading());
	if (__builtin_expect(region != NULL, 1)) {
		uint64_t offset = address.v - region->base;

		if (__builtin_expect(offset < region->len && len <= region->len - offset &&
					     (!write || region->writable),
				     1))
			return region->memory + offset;
	}
	if (!(address.v >> PHYSMEM_HAW))
		__atomic_store_n(slot, (uint32_t)(address.v >> PHYSMEM_SLOT_LG2), __ATOMIC_RELAXED);
	return physmem_ptr(pm, address, len, write);
}

/* Host's own zeroed pages (page tables, queues): 2^order contiguous pages, aligned to their size.
 * -ENOMEM. */
int physmem_alloc_pages(struct physmem *pm, unsigned order, hpa_t *base, void **memory);
/* Their calls are sites. */
#define physmem_create() FAIL_SITE(physmem_create())
#define physmem_add(pm, memory, len, writable, base)                                               \
	FAIL_SITE(physmem_add(pm, memory, len, writable, base))
#define physmem_add_like(pm, memory, len, writable, like, base)                                    \
	FAIL_SITE(physmem_add_like(pm, memory, len, writable, like, base))
#define physmem_add_at(pm, at, memory, len, writable)                                              \
	FAIL_SITE(physmem_add_at(pm, at, memory, len, writable))
#define physmem_alloc_pages(pm, order, base, memory)                                               \
	FAIL_SITE(physmem_alloc_pages(pm, order, base, memory))

void physmem_free_pages(struct physmem *pm, hpa_t base, unsigned order);
/* Where a page is that physmem_alloc_pages gave and that has not been freed. No read section: the region
 * of such pages is alone in its slot, and stays until the map is destroyed. */
static inline void *physmem_own_page(const struct physmem *pm, hpa_t page)
{
	const struct physmem_region *region = rcu_load(pm->slots[page.v >> PHYSMEM_SLOT_LG2]);

	CHECK(region && page.v - region->base < region->len);
	return region->memory + (page.v - region->base);
}
/* Pages handed out by physmem_alloc_pages and not freed. */
size_t physmem_pages_in_use(struct physmem *pm);

#endif
