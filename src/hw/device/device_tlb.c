// SPDX-License-Identifier: MIT
#include "hw/device/device_tlb.h"

#include "base/alloc.h"
#include "base/sched.h"

#define SET_LG2 7u
#define SETS    (1u << SET_LG2)
#define WAYS    4u
#define SLOTS   ((size_t)SETS * WAYS)

static const uint8_t classes_lg2[] = {12, 21, 30};

/*
 * One entry is a sequence lock of its own: the number in its head is odd while a writer is at it.
 * Every member is read and written atomically, so that a torn read is noticed by the number and
 * never by the language.
 */
struct tlb_slot {
	uint64_t head; /* PASID (VSVA_PASID_INVALID: none) and, below it, the number */
	uint64_t addr; /* base of the piece; low bits: SLOT_* */
	uint64_t hpa;  /* base; low bits: VSVA_PROT_* */
};

#define HEAD_PASID_SHIFT 32
#define HEAD_BUSY        UINT64_C(1)

#define SLOT_LG2_MASK   UINT64_C(0x3f)
#define SLOT_VALID      UINT64_C(0x40)
#define SLOT_PRIVILEGED UINT64_C(0x80)
#define SLOT_LOW        UINT64_C(0xfff)

struct device_tlb {
	struct lock lock;    /* writers */
	uint64_t generation; /* atomic; moves under lock */
	uint32_t victim;     /* lock */
	struct tlb_slot slots[SETS][WAYS];
};

struct device_tlb *device_tlb_create(void)
{
	struct device_tlb *tlb = base_zalloc_aligned(64, sizeof(*tlb));

	if (tlb)
		lock_init(&tlb->lock, LOCK_RANK_DEVICE_TLB, "device TLB");
	return tlb;
}

void device_tlb_destroy(struct device_tlb *tlb)
{
	if (!tlb)
		return;
	lock_destroy(&tlb->lock);
	base_free(tlb);
}

uint64_t device_tlb_generation(const struct device_tlb *tlb)
{
	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "device TLB", 0);
	return __atomic_load_n(&tlb->generation, __ATOMIC_SEQ_CST);
}

static inline uint64_t piece_base(uint64_t addr, unsigned lg2)
{
	return addr >> lg2 << lg2;
}

/* What a slot's addr must be to answer for this tag with an entry of this class. */
static inline uint64_t slot_key(const struct device_tlb_tag *tag, unsigned lg2)
{
	return piece_base(tag->addr, lg2) | SLOT_VALID | lg2 |
	       (tag->privileged ? SLOT_PRIVILEGED : 0);
}

static inline unsigned set_index(uint64_t key, uint32_t pasid)
{
	uint64_t hash = (key ^ (uint64_t)pasid << 44) * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)(hash >> (64 - SET_LG2));
}

static uint32_t slot_pasid(const struct tlb_slot *slot)
{
	return (uint32_t)(slot->head >> HEAD_PASID_SHIFT);
}

/*
 * What a slot says to the key, if nobody wrote to it meanwhile: its hpa, which is not 0; or 0. A
 * writer at work counts as a miss: waiting for it would make a hit depend on a lock holder.
 * Ordering: who reads one new member by acquire has also read the odd number that was stored
 * before it, and the second look at the head tells.
 */
static inline uint64_t slot_read(const struct tlb_slot *slot, uint64_t key, uint32_t pasid,
				 uint8_t rights)
{
	uint64_t head = __atomic_load_n(&slot->head, __ATOMIC_ACQUIRE), found;

	if (__atomic_load_n(&slot->addr, __ATOMIC_ACQUIRE) != key ||
	    head >> HEAD_PASID_SHIFT != pasid)
		return 0;
	found = __atomic_load_n(&slot->hpa, __ATOMIC_ACQUIRE);
	if ((head & HEAD_BUSY) || (found & rights) != rights ||
	    __atomic_load_n(&slot->head, __ATOMIC_RELAXED) != head)
		return 0;
	return found;
}

static void slot_write(struct tlb_slot *slot, uint32_t pasid, uint64_t addr, uint64_t hpa)
{
	uint32_t number = (uint32_t)__atomic_load_n(&slot->head, __ATOMIC_RELAXED);

	__atomic_store_n(&slot->head, (uint64_t)pasid << HEAD_PASID_SHIFT | (number + 1),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&slot->addr, addr, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->hpa, hpa, __ATOMIC_RELEASE);
	number += 2;
	__atomic_store_n(&slot->head, (uint64_t)pasid << HEAD_PASID_SHIFT | number,
			 __ATOMIC_RELEASE);
}

static inline bool look_up_class(const struct device_tlb *tlb, const struct device_tlb_tag *tag,
				 unsigned lg2, uint8_t rights, struct device_tlb_entry *out)
{
	uint64_t key = slot_key(tag, lg2);
	const struct tlb_slot *slot = tlb->slots[set_index(key, tag->pasid)];
	uint64_t found = 0;

	for (unsigned way = 0; way < WAYS && !found; way++)
		found = slot_read(slot + way, key, tag->pasid, rights);
	if (!found)
		return false;
	*out = (struct device_tlb_entry){
		.hpa = hpa((found & ~SLOT_LOW) + (tag->addr - piece_base(tag->addr, lg2))),
		.page_lg2 = (uint8_t)lg2,
		.rights = (uint8_t)(found & SLOT_LOW),
	};
	return true;
}

static __attribute__((noinline)) bool look_up_large(const struct device_tlb *tlb,
						    const struct device_tlb_tag *tag,
						    uint8_t rights, struct device_tlb_entry *out)
{
	return look_up_class(tlb, tag, 21, rights, out) || look_up_class(tlb, tag, 30, rights, out);
}

bool device_tlb_lookup(const struct device_tlb *tlb, const struct device_tlb_tag *tag,
		       uint8_t rights, struct device_tlb_entry *out)
{
	bool is_hit;

	DEBUG_CHECK(rcu_is_reading());
	SEAM_POINT(SEAM_MEMORY, SEAM_READ, "device TLB", 0);
	is_hit = look_up_class(tlb, tag, 12, rights, out) || look_up_large(tlb, tag, rights, out);
	SEAM_SEEN(SEAM_MEMORY, "device TLB", 0);
	return is_hit;
}

static unsigned class_that_fits(unsigned page_lg2)
{
	unsigned best = classes_lg2[0];

	for (unsigned i = 0; i < ARRAY_LEN(classes_lg2); i++)
		if (classes_lg2[i] <= page_lg2)
			best = classes_lg2[i];
	return best;
}

/* The slot of the same tag, an empty one, or one in turn. Under the lock. */
static struct tlb_slot *choose_slot(struct device_tlb *tlb, uint64_t key, uint32_t pasid)
{
	struct tlb_slot *set = tlb->slots[set_index(key, pasid)], *empty = NULL;

	for (unsigned way = 0; way < WAYS; way++) {
		if (set[way].addr == key && slot_pasid(&set[way]) == pasid)
			return &set[way];
		if (!empty && !(set[way].addr & SLOT_VALID))
			empty = &set[way];
	}
	return empty ? empty : &set[tlb->victim++ % WAYS];
}

bool device_tlb_insert(struct device_tlb *tlb, const struct device_tlb_tag *tag,
		       const struct device_tlb_entry *entry, uint64_t generation)
{
	unsigned lg2 = class_that_fits(entry->page_lg2);
	uint64_t key = slot_key(tag, lg2);
	uint64_t base = entry->hpa.v - (tag->addr - piece_base(tag->addr, lg2));
	bool current;

	lock_take(&tlb->lock);
	current = tlb->generation == generation;
	if (current)
		slot_write(choose_slot(tlb, key, tag->pasid), tag->pasid, key,
			   (base & ~SLOT_LOW) | entry->rights);
	lock_drop(&tlb->lock);
	return current;
}

/* Two naturally aligned pieces touch exactly if the larger one contains the smaller. */
static bool pieces_touch(uint64_t a, unsigned a_lg2, uint64_t b, unsigned b_lg2)
{
	unsigned lg2 = a_lg2 > b_lg2 ? a_lg2 : b_lg2;

	return lg2 >= 64 || a >> lg2 == b >> lg2;
}

static bool slot_is_in_scope(const struct tlb_slot *slot, const struct ats_invalidation *scope)
{
	bool has_pasid = slot_pasid(slot) != VSVA_PASID_INVALID;

	if (!(slot->addr & SLOT_VALID) || has_pasid != scope->has_pasid)
		return false;
	if (has_pasid && !scope->all_pasids && slot_pasid(slot) != scope->pasid)
		return false;
	return pieces_touch(slot->addr & ~SLOT_LOW, (unsigned)(slot->addr & SLOT_LG2_MASK),
			    scope->addr, scope->size_lg2);
}

static bool slot_is_any(const struct tlb_slot *slot, const struct ats_invalidation *scope)
{
	(void)scope;
	return slot->addr & SLOT_VALID;
}

static void clear_where(struct device_tlb *tlb, const struct ats_invalidation *scope,
			bool (*chosen)(const struct tlb_slot *, const struct ats_invalidation *))
{
	lock_take(&tlb->lock);
	/* First the generation: a fill that has taken it already finds it passed. */
	__atomic_store_n(&tlb->generation, tlb->generation + 1, __ATOMIC_SEQ_CST);
	for (struct tlb_slot *slot = tlb->slots[0]; slot < tlb->slots[0] + SLOTS; slot++)
		if (chosen(slot, scope))
			slot_write(slot, VSVA_PASID_INVALID, 0, 0);
	lock_drop(&tlb->lock);
}

void device_tlb_invalidate(struct device_tlb *tlb, const struct ats_invalidation *scope)
{
	clear_where(tlb, scope, slot_is_in_scope);
}

void device_tlb_flush(struct device_tlb *tlb)
{
	clear_where(tlb, NULL, slot_is_any);
}

unsigned device_tlb_count(struct device_tlb *tlb)
{
	unsigned count = 0;

	lock_take(&tlb->lock);
	for (const struct tlb_slot *slot = tlb->slots[0]; slot < tlb->slots[0] + SLOTS; slot++)
		count += slot->addr & SLOT_VALID ? 1 : 0;
	lock_drop(&tlb->lock);
	return count;
}

uint32_t device_tlb_places(void)
{
	return (uint32_t)SLOTS;
}

bool device_tlb_peek(const struct device_tlb *tlb, uint32_t place, struct device_tlb_tag *tag,
		     struct device_tlb_entry *out)
{
	const struct tlb_slot *slot = &tlb->slots[0][0] + place;
	uint64_t head, addr, found;

	if (place >= SLOTS)
		return false;
	head = __atomic_load_n(&slot->head, __ATOMIC_ACQUIRE);
	addr = __atomic_load_n(&slot->addr, __ATOMIC_ACQUIRE);
	found = __atomic_load_n(&slot->hpa, __ATOMIC_ACQUIRE);
	if ((head & HEAD_BUSY) || !(addr & SLOT_VALID) ||
	    __atomic_load_n(&slot->head, __ATOMIC_RELAXED) != head)
		return false;
	*tag = (struct device_tlb_tag){.pasid = (uint32_t)(head >> HEAD_PASID_SHIFT),
				       .privileged = addr & SLOT_PRIVILEGED,
				       .addr = addr & ~SLOT_LOW};
	*out = (struct device_tlb_entry){.hpa = hpa(found & ~SLOT_LOW),
					 .page_lg2 = (uint8_t)(addr & SLOT_LG2_MASK),
					 .rights = (uint8_t)(found & SLOT_LOW)};
	return true;
}
