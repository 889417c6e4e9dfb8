// SPDX-License-Identifier: MIT
#include "hw/walk_short.h"

#include "hw/cache_iotlb.h"
#include "hw/cache_pasid.h"
#include "hw/translate.h"
#include "hw/walk.h"

/* A leaf of either stage. */
struct leaf {
	uint64_t page;  /* of 4 KiB */
	uint8_t rights; /* enum paging_right, of the whole way down */
	bool dirty;     /* D is set, or not kept */
};

static inline bool find_space(struct unit *unit, uint64_t owner, uint64_t address,
			      struct space *space)
{
	struct pasid_view view;

	if (!cache_pasid_find_lru(&unit->caches, owner, &view) || view.fault ||
	    vtd_pasid_entry_PGTT(&view.entry) != VTD_PGTT_NESTED)
		return false;
	*space = (struct space){0};
	space_set_pasid(space, &unit->masks, &view);
	return vtd_is_canonical(address, vtd_levels_width(space->first_levels));
}

/* The entry for the address, of the table that `above` led to. */
static inline bool read_entry(struct unit *unit, const struct paging_entry *above, uint64_t *value)
{
	uint64_t offset = vtd_level_index(above->input, above->level - 1u) * sizeof(*value);

	return memory_read(unit->config.physmem, above->table_host + offset, value);
}

/* A is there already; whether D is, too, the request will say. */
static inline bool find_first_leaf(struct unit *unit, const struct space *space, uint64_t address,
				   struct leaf *leaf)
{
	uint64_t accessed = walk_first_accessed(space), value;
	struct paging_entry above = {
		.first_stage = true, .did = space->did, .pasid = space->pasid, .input = address};

	if (!cache_paging_find_at(&unit->caches, 2, &above) || !read_entry(unit, &above, &value) ||
	    walk_judge_first(space, value, unit->masks.fs[1][true]) ||
	    (value & accessed) != accessed)
		return false;
	leaf->page = vtd_pte_address(value, 1);
	leaf->rights = above.rights & walk_first_rights(value);
	leaf->dirty = value & VTD_FS_PTE_D;
	return true;
}

/* Of any size: the page is that of the first stage, and the address its own. */
static inline bool find_second_leaf(struct unit *unit, const struct space *space, uint64_t address,
				    struct leaf *leaf)
{
	uint64_t accessed = space->ssade ? VTD_SS_PTE_A : 0u, value;
	struct paging_entry above = {
		.level = (uint8_t)space->second_levels, .did = space->did, .input = address};
	unsigned level;

	if (!cache_paging_find_lru(&unit->caches, &above) || !read_entry(unit, &above, &value))
		return false;
	level = above.level - 1u;
	if (!vtd_ss_pte_is_leaf(value, level) ||
	    walk_judge_second(space, value, unit->masks.ss[level][true], false, &above.rights) ||
	    (value & accessed) != accessed)
		return false;
	leaf->page = vtd_pte_address(value, level) | (address & (vtd_level_size(level) - 1));
	leaf->rights = above.rights;
	leaf->dirty = !space->ssade || (value & VTD_SS_PTE_D);
	return true;
}

static inline uint8_t flags_of(const struct space *space, const struct leaf *first,
			       const struct leaf *second)
{
	bool supervisor_write = (first->rights & PAGING_WRITE) || !space->wpe;

	static_assert((int)PAGING_READ == IOTLB_READ && (int)PAGING_WRITE == IOTLB_WRITE &&
			      (int)PAGING_USER == IOTLB_USER,
		      "the same bits");
	return (uint8_t)((first->rights & (second->rights | PAGING_USER)) |
			 (supervisor_write && (second->rights & PAGING_WRITE)
				  ? IOTLB_SUPERVISOR_WRITE
				  : 0) |
			 (space->sre ? IOTLB_SUPERVISOR : 0) |
			 (first->dirty && second->dirty ? IOTLB_DIRTY : 0) |
			 (space->ats ? IOTLB_ATS : 0));
}

static inline void count_walk(struct unit *unit)
{
	counters_take_shard();
	counters_bump(&unit->counters.shard[counters_shard()].iotlb_misses);
	counters_bump(&unit->counters.shard[counters_shard()].walks);
}

/* Is there anything that a short walk could begin with? */
static inline bool may_begin(struct unit *unit)
{
	struct root root = unit_root(unit);

	return root_is_enabled(root) && root_ttm(root) == VTD_TTM_SCALABLE &&
	       vtd_ECAP_SMTS(unit->config.ecap);
}

uint64_t walk_short(struct unit *unit, const struct iotlb_place *place, uint64_t address,
		    uint64_t need)
{
	uint64_t value;
	uint64_t generation = caches_generation(&unit->caches); /* before all else is read */
	struct leaf first, second;
	struct cache_tag tag;
	struct space space;

	if (!may_begin(unit) || !find_space(unit, cache_key_owner(&place->key), address, &space) ||
	    !find_first_leaf(unit, &space, address, &first) ||
	    !find_second_leaf(unit, &space, first.page, &second) ||
	    is_interrupt_address(second.page))
		return 0;
	value = second.page | flags_of(&space, &first, &second);
	if ((value & need) != need)
		return 0;
	tag = (struct cache_tag){
		.did = space.did, .pasid = space.pasid, .kind = (uint8_t)space.pgtt};
	cache_iotlb_fill_place(&unit->caches, generation, place, value, &tag);
	count_walk(unit);
	return value;
}
