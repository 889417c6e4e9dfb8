/* SPDX-License-Identifier: MIT */
#include "base/physmem.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/host_pages.h"
#include "base/lock.h"
#include "base/physmem_guard.h"

#define SLOT_FIRST  4u /* below: never memory, see the header */
#define SLOT_LEN    (UINT64_C(1) << PHYSMEM_SLOT_LG2)
#define SLOTS_BYTES (PHYSMEM_SLOT_COUNT * sizeof(struct physmem_region *))

/* A map whole; users see only its first member. */
struct map {
	struct physmem pm;
	struct lock lock;       /* LOCK_RANK_PHYSMEM: writers of slots; host */
	unsigned region_count;  /* lock: added and not removed */
	struct host_pages host; /* lock */
};

/* A region that a user added. */
struct added {
	struct physmem_region region;
	struct guard_entry *guard;
	struct added *rest; /* physmem_add_at: the piece in the next slot */
	bool is_shared;     /* physmem_add_at: others may be in the slot */
	bool is_rest;       /* physmem_add_at: not the first piece */
	struct rcu_node rcu;
};

static struct map *map_of(struct physmem *pm)
{
	return container_of(pm, struct map, pm);
}

struct physmem *(physmem_create)(void)
{
	struct map *map = base_zalloc(sizeof(*map));

	if (!map)
		return NULL;
	map->pm.slots = base_reserve(SLOTS_BYTES);
	if (!map->pm.slots) {
		base_free(map);
		return NULL;
	}
	lock_init(&map->lock, LOCK_RANK_PHYSMEM, "physmem");
	return &map->pm;
}

void physmem_destroy(struct physmem *pm)
{
	struct map *map;

	if (!pm)
		return;
	map = map_of(pm);
	CHECK(map->region_count == 0);
	rcu_synchronize();
	host_pages_release(&map->host);
	base_unreserve(pm->slots, SLOTS_BYTES);
	lock_destroy(&map->lock);
	base_free(map);
}

/* How many slots are touched by a region that begins at base or any address like it. */
static unsigned slots_of(uint64_t base, size_t len)
{
	return (unsigned)((base % SLOT_LEN + len + SLOT_LEN - 1) >> PHYSMEM_SLOT_LG2);
}

/* Writers only. First of a run of free slots; 0: there is none. */
static unsigned slots_find(const struct physmem *pm, unsigned count)
{
	unsigned run = 0;

	for (unsigned slot = SLOT_FIRST; slot < PHYSMEM_SLOT_COUNT; slot++) {
		run = pm->slots[slot] ? 0 : run + 1;
		if (run == count)
			return slot + 1 - count;
	}
	return 0;
}

static void slots_publish(struct physmem *pm, unsigned first, unsigned count,
			  struct physmem_region *region)
{
	for (unsigned slot = first; slot < first + count; slot++)
		rcu_publish(pm->slots[slot], region);
}

/* Writers only. Chooses the region's base, like the given one, and makes it visible. 0 or -ENOSPC.
 */
static int region_place(struct physmem *pm, struct physmem_region *region, uint64_t like)
{
	unsigned count = slots_of(like, region->len);
	unsigned first = slots_find(pm, count);

	if (!first)
		return -ENOSPC;
	region->base = ((uint64_t)first << PHYSMEM_SLOT_LG2) + like % SLOT_LEN;
	slots_publish(pm, first, count, region);
	return 0;
}

static bool is_page_aligned(uint64_t value)
{
	return value % VSVA_PAGE_SIZE == 0;
}

static void added_free(struct added *added)
{
	if (added->guard)
		guard_drop(added->guard);
	base_free(added);
}

static struct added *added_alloc(void *memory, size_t len, bool writable)
{
	struct added *added = base_zalloc(sizeof(*added));

	if (!added)
		return NULL;
	added->region = (struct physmem_region){.memory = memory, .len = len, .writable = writable};
	added->guard = guard_add(memory, len, writable);
	if (!added->guard) {
		base_free(added);
		return NULL;
	}
	return added;
}

int(physmem_add)(struct physmem *pm, void *memory, size_t len, bool writable, hpa_t *base)
{
	return (physmem_add_like)(pm, memory, len, writable, 0, base);
}

int(physmem_add_like)(struct physmem *pm, void *memory, size_t len, bool writable, uint64_t like,
		      hpa_t *base)
{
	struct map *map = map_of(pm);
	struct added *added;
	int err;

	if (!is_page_aligned((uintptr_t)memory | len | like) || len == 0)
		return -EINVAL;
	if (len > (uint64_t)PHYSMEM_SLOT_COUNT << PHYSMEM_SLOT_LG2)
		return -ENOSPC;
	added = added_alloc(memory, len, writable);
	if (!added)
		return -ENOMEM;
	lock_take(&map->lock);
	err = fail_nth_now() ? -ENOSPC : region_place(pm, &added->region, like);
	if (!err)
		map->region_count++;
	lock_drop(&map->lock);
	if (err)
		added_free(added);
	else
		*base = hpa(added->region.base);
	return err;
}

static void pieces_free(struct added *first)
{
	for (struct added *rest; first; first = rest) {
		rest = first->rest;
		added_free(first);
	}
}

/* Pieces of one physmem_add_at, a slot each. */
static struct added *pieces_alloc(uint64_t at, unsigned char *memory, size_t len, bool writable)
{
	struct added *first = NULL, **link = &first;

	while (len) {
		uint64_t room = SLOT_LEN - at % SLOT_LEN;
		size_t piece = len < room ? len : (size_t)room;

		*link = added_alloc(memory, piece, writable);
		if (!*link)
			break;
		(*link)->region.base = at;
		(*link)->is_shared = true;
		(*link)->is_rest = *link != first;
		link = &(*link)->rest;
		at += piece;
		memory += piece;
		len -= piece;
	}
	if (!len)
		return first;
	pieces_free(first);
	return NULL;
}

static struct physmem_region **slot_of(struct physmem *pm, const struct added *added)
{
	return &pm->slots[added->region.base >> PHYSMEM_SLOT_LG2];
}

/* Writers only. Is the slot shared or free, and the piece's place in it? */
static bool piece_fits(struct physmem *pm, const struct added *piece)
{
	const struct physmem_region *other = *slot_of(pm, piece);

	if (other && (host_pages_own(&map_of(pm)->host, other) ||
		      !container_of(other, struct added, region)->is_shared))
		return false;
	for (; other; other = other->next)
		if (piece->region.base < other->base + other->len &&
		    other->base < piece->region.base + piece->region.len)
			return false;
	return true;
}

static bool pieces_place(struct physmem *pm, struct added *first)
{
	for (struct added *piece = first; piece; piece = piece->rest)
		if (!piece_fits(pm, piece))
			return false;
	SEAM_POINT(SEAM_POINTER, SEAM_WRITE, "slots", 0);
	for (struct added *piece = first; piece; piece = piece->rest) {
		piece->region.next = *slot_of(pm, piece);
		rcu_publish(*slot_of(pm, piece), &piece->region);
	}
	return true;
}

int(physmem_add_at)(struct physmem *pm, hpa_t at, void *memory, size_t len, bool writable)
{
	struct map *map = map_of(pm);
	struct added *first;
	bool placed;

	if (!is_page_aligned((uintptr_t)memory | len | at.v) || len == 0 ||
	    len > UINT64_C(1) << PHYSMEM_HAW || at.v > (UINT64_C(1) << PHYSMEM_HAW) - len)
		return -EINVAL;
	first = pieces_alloc(at.v, memory, len, writable);
	if (!first)
		return -ENOMEM;
	lock_take(&map->lock);
	placed = pieces_place(pm, first);
	if (placed)
		map->region_count++;
	lock_drop(&map->lock);
	if (!placed)
		pieces_free(first);
	return placed ? 0 : -EEXIST;
}

/* Writers only. The added region that begins at base, or NULL. */
static struct added *added_find(struct physmem *pm, hpa_t base)
{
	struct physmem_region *region;
	struct added *added;

	if (base.v >> PHYSMEM_HAW)
		return NULL;
	region = pm->slots[base.v >> PHYSMEM_SLOT_LG2];
	while (region && region->base != base.v)
		region = region->next;
	if (!region || host_pages_own(&map_of(pm)->host, region))
		return NULL;
	added = container_of(region, struct added, region);
	return added->is_rest ? NULL : added;
}

static void added_reclaim(struct rcu_node *node)
{
	added_free(container_of(node, struct added, rcu));
}

/* Writers only. Readers in the chain keep going: a piece that is out still leads on. */
static void piece_take_out(struct physmem *pm, struct added *piece)
{
	struct physmem_region **link = slot_of(pm, piece);

	SEAM_POINT(SEAM_POINTER, SEAM_WRITE, "slots", 0);
	SEAM_POINT(SEAM_POINTER, SEAM_WRITE, "next", 0);
	while (*link != &piece->region)
		link = &(*link)->next;
	rcu_publish(*link, piece->region.next);
}

static void added_take_out(struct physmem *pm, struct added *added)
{
	if (!added->is_shared) {
		slots_publish(pm, (unsigned)(added->region.base >> PHYSMEM_SLOT_LG2),
			      slots_of(added->region.base, added->region.len), NULL);
		return;
	}
	for (struct added *piece = added; piece; piece = piece->rest)
		piece_take_out(pm, piece);
}

int physmem_remove(struct physmem *pm, hpa_t base)
{
	struct map *map = map_of(pm);
	struct added *added;

	lock_take(&map->lock);
	added = added_find(pm, base);
	if (added) {
		added_take_out(pm, added);
		map->region_count--;
	}
	lock_drop(&map->lock);
	if (!added)
		return -ENOENT;
	for (struct added *rest; added; added = rest) {
		rest = added->rest;
		rcu_call(&added->rcu, added_reclaim);
	}
	return 0;
}

bool physmem_is_poisoned(struct physmem *pm, hpa_t base)
{
	struct map *map = map_of(pm);
	bool poisoned = false;

	lock_take(&map->lock);
	for (struct added *piece = added_find(pm, base); piece && !poisoned; piece = piece->rest)
		poisoned = guard_is_poisoned(piece->guard);
	lock_drop(&map->lock);
	return poisoned;
}

/* Writers only. */
static int host_pages_grow(struct map *map)
{
	struct physmem_region *region = host_pages_add_chunk(&map->host);

	if (!region)
		return -ENOMEM;
	if (region_place(&map->pm, region, 0)) {
		host_pages_drop_chunk(&map->host);
		return -ENOMEM;
	}
	return 0;
}

int(physmem_alloc_pages)(struct physmem *pm, unsigned order, hpa_t *base, void **memory)
{
	struct map *map = map_of(pm);
	int err;

	if (fail_nth_now())
		return -ENOMEM;
	lock_take(&map->lock);
	err = host_pages_take(&map->host, order, base, memory);
	if (err == -EAGAIN) {
		err = host_pages_grow(map);
		if (!err)
			err = host_pages_take(&map->host, order, base, memory);
	}
	lock_drop(&map->lock);
	return err;
}

void physmem_free_pages(struct physmem *pm, hpa_t base, unsigned order)
{
	struct map *map = map_of(pm);

	lock_take(&map->lock);
	host_pages_return(&map->host, base, order);
	lock_drop(&map->lock);
}

size_t physmem_pages_in_use(struct physmem *pm)
{
	struct map *map = map_of(pm);
	size_t pages;

	lock_take(&map->lock);
	pages = map->host.pages_in_use;
	lock_drop(&map->lock);
	return pages;
}
