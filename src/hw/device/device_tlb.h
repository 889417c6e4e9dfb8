/* SPDX-License-Identifier: MIT */
/*
 * The device TLB (address translation cache, PCIe 10.1): translations that the unit has given to
 * this function and may take back.
 *
 *   tag         PASID or none, privilege, and the naturally aligned piece of address space
 *   class       entries have one of three sizes (4 KiB, 2 MiB, 1 GiB); a translation of another
 *               size is kept as the largest class that fits into it
 *   generation  moved on by every invalidation. A fill names the generation that it began under
 *               and is dropped if that has passed: what was translated before an invalidation
 *               is not cached after it
 *
 * | may run at once  | lookup | insert     | invalidate | flush      |
 * | lookup           | yes    | yes        | yes        | yes        |
 * | insert           |        | serialised | serialised | serialised |
 * lookup takes no lock and must be inside an RCU read section: what it found may be used until that
 * ends.
 */
#ifndef HW_DEVICE_DEVICE_TLB_H
#define HW_DEVICE_DEVICE_TLB_H

#include "base/lock.h"
#include "base/sched.h"
#include "hw/cache_iotlb.h"
#include "hw/device/endpoint.h"

struct device_tlb_tag {
	uint32_t pasid; /* VSVA_PASID_INVALID: none */
	bool privileged;
	uint64_t addr;
};

struct device_tlb_entry {
	hpa_t hpa;        /* of the byte at addr */
	uint8_t page_lg2; /* bytes around addr that the entry covers; 0: there is none */
	uint8_t rights;   /* VSVA_PROT_* */
};

/* Only for the functions below. */
struct device_tlb {
	struct lock lock; /* writers */
	struct cache cache;
	uint64_t generation; /* atomic; moves under lock */
};

/* NULL: no memory. */
struct device_tlb *device_tlb_create(void);
void device_tlb_destroy(struct device_tlb *tlb);

/* To be taken before the translation request whose completion is inserted. */
uint64_t device_tlb_generation(const struct device_tlb *tlb);
/* The entry for this address with at least these rights; or none. */
static inline struct device_tlb_entry device_tlb_lookup(const struct device_tlb *tlb,
							struct device_tlb_tag tag, uint8_t rights);
/* As unit_bring_near(): len bytes at tag.addr will be looked up. */
void device_tlb_bring_near(const struct device_tlb *tlb, struct device_tlb_tag tag, uint64_t len);
/* As unit_find_run(): of len bytes at tag.addr, how many lie one behind the other from `to` on. */
uint64_t device_tlb_find_run(const struct device_tlb *tlb, struct device_tlb_tag tag,
			     uint8_t rights, hpa_t to, uint64_t len);
/* Replaces the entry of the same tag. false: the generation has passed, nothing was kept. */
bool device_tlb_insert(struct device_tlb *tlb, const struct device_tlb_tag *tag,
		       const struct device_tlb_entry *entry, uint64_t generation);
/* Exactly the entries that the scope touches (PCIe 10.3; VT-d 6.5.2.5, 6.5.2.6). */
void device_tlb_invalidate(struct device_tlb *tlb, const struct ats_invalidation *scope);
/* All of them: ATS was switched off, or the function was reset. */
void device_tlb_flush(struct device_tlb *tlb);
/* Entries that are valid now. */
unsigned device_tlb_count(struct device_tlb *tlb);
/* Places of entries, and what is in one: false, nothing, or it is being written. Takes no lock. */
uint32_t device_tlb_places(void);
bool device_tlb_peek(const struct device_tlb *tlb, uint32_t place, struct device_tlb_tag *tag,
		     struct device_tlb_entry *out);

/* Look-up, in line: a short copy is little more */

/* Below the base of a page in a line's value: VSVA_PROT_* */
#define DEVICE_TLB_RIGHTS IOTLB_FLAGS

static inline uint64_t device_tlb_owner_(struct device_tlb_tag tag)
{
	return cache_owner_of_requests(rid(tag.privileged), tag.pasid);
}

static inline struct device_tlb_entry device_tlb_lookup(const struct device_tlb *tlb,
							struct device_tlb_tag tag, uint8_t rights)
{
	const struct cache *cache = &tlb->cache;
	uint64_t owner = device_tlb_owner_(tag);
	struct iotlb_place place = cache_iotlb_place(cache, owner, tag.addr);
	struct iotlb_grant grant = {.size_lg2 = VTD_PAGE_SHIFT};

	DEBUG_CHECK(rcu_is_reading());
	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "device TLB", 0);
	grant.value = cache_iotlb_way(cache, &place.key, place.first, rights);
	if (__builtin_expect(!grant.value, 0))
		grant = cache_iotlb_find_rare(cache, owner, tag.addr, rights);
	SEAM_SEEN(SEAM_MEMORY, "device TLB", 0);
	if (__builtin_expect(!grant.value, 0))
		return (struct device_tlb_entry){.page_lg2 = 0};
	return (struct device_tlb_entry){
		.hpa = hpa((grant.value & ~DEVICE_TLB_RIGHTS) |
			   (tag.addr & ((UINT64_C(1) << grant.size_lg2) - 1))),
		.page_lg2 = (uint8_t)grant.size_lg2,
		.rights = (uint8_t)(grant.value & DEVICE_TLB_RIGHTS),
	};
}

#endif
