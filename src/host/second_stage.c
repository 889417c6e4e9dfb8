// SPDX-License-Identifier: MIT
#include "host/second_stage.h"

#include <errno.h>

#include "base/check.h"

/* One walk over a range, handed down through the levels. */
struct walk {
	struct second_stage *ss;
	uint64_t to;   /* of the address where the range begins; map only */
	uint64_t addr; /* where the range begins; map only */
	uint64_t leaf; /* rights of a leaf; map only */
	bool build;    /* map: only tables, no leaves yet */
	uint64_t removed_bytes;
	struct page_list *removed;
};

/* The part of a range that one entry of a table covers. */
struct piece {
	uint64_t addr, end;
	unsigned level;
};

static uint64_t entry_load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

/* Hardware reads entries at any time: one store, after everything that it points to (VT-d 6.2.3.1).
 */
static void entry_store(const struct second_stage *ss, uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	table_written(&ss->memory, entry, sizeof(*entry));
}

static uint64_t *table_of(const struct second_stage *ss, uint64_t entry)
{
	return physmem_own_page(ss->memory.pm, hpa(vtd_pte_address(entry, 1)));
}

static uint64_t *root_of(const struct second_stage *ss)
{
	return physmem_own_page(ss->memory.pm, ss->root);
}

static uint64_t table_entry(hpa_t table)
{
	return VTD_SS_PTE_R | VTD_SS_PTE_W | table.v;
}

static bool is_table(uint64_t entry, unsigned level)
{
	return vtd_ss_pte_is_present(entry) && !vtd_ss_pte_is_leaf(entry, level);
}

static struct piece piece_at(uint64_t addr, uint64_t end, unsigned level)
{
	uint64_t entry_end = (addr | (vtd_level_size(level) - 1)) + 1;

	return (struct piece){addr, entry_end < end ? entry_end : end, level};
}

static bool is_whole(const struct piece *piece)
{
	return piece->end - piece->addr == vtd_level_size(piece->level);
}

unsigned second_stage_aw(uint64_t cap)
{
	if (vtd_aw_is_supported(VTD_AW_48, cap))
		return VTD_AW_48;
	return vtd_aw_is_supported(VTD_AW_57, cap) ? VTD_AW_57 : 0;
}

int second_stage_init(struct second_stage *ss, const struct table_memory *memory,
		      const struct vtd_rules *rules)
{
	unsigned aw = second_stage_aw(rules->cap);

	CHECK(aw);
	ss->memory = *memory;
	ss->rules = rules;
	ss->levels = vtd_aw_levels(aw);
	ss->input_bits = vtd_ss_input_bits(rules->cap, aw);
	return table_alloc(memory, &ss->root) ? 0 : -ENOMEM;
}

/* Tables below first, so that the page list does not write into a table that is still walked down.
 */
static void take_out_tables(struct walk *walk, uint64_t *table, unsigned level)
{
	for (unsigned i = 0; i < VTD_PTE_COUNT; i++) {
		uint64_t entry = entry_load(&table[i]);

		entry_store(walk->ss, &table[i], 0);
		if (!is_table(entry, level))
			continue;
		take_out_tables(walk, table_of(walk->ss, entry), level - 1);
		page_list_add(walk->ss->memory.pm, walk->removed, hpa(vtd_pte_address(entry, 1)),
			      0);
	}
}

void second_stage_fini(struct second_stage *ss, struct page_list *removed)
{
	struct walk walk = {.ss = ss, .removed = removed};

	take_out_tables(&walk, root_of(ss), ss->levels);
	page_list_add(ss->memory.pm, removed, ss->root, 0);
	ss->root = hpa(0);
}

/* Map */

static bool range_is_mapped(struct second_stage *ss, const uint64_t *table, unsigned level,
			    uint64_t addr, uint64_t end)
{
	while (addr < end) {
		struct piece piece = piece_at(addr, end, level);
		uint64_t entry = entry_load(&table[vtd_level_index(addr, level)]);

		if (vtd_ss_pte_is_present(entry) &&
		    (vtd_ss_pte_is_leaf(entry, level) ||
		     range_is_mapped(ss, table_of(ss, entry), level - 1, addr, piece.end)))
			return true;
		addr = piece.end;
	}
	return false;
}

bool second_stage_is_mapped(struct second_stage *ss, uint64_t addr, uint64_t end)
{
	return range_is_mapped(ss, root_of(ss), ss->levels, addr, end);
}

/* Can one leaf map the piece? VT-d 9.8: the page must be aligned and its size offered (CAP.SSLPS).
 */
static bool leaf_fits(const struct walk *walk, const struct piece *piece)
{
	uint64_t to = walk->to + (piece->addr - walk->addr);

	return vtd_ss_leaf_is_supported(walk->ss->rules, piece->level) && is_whole(piece) &&
	       (to & (vtd_level_size(piece->level) - 1)) == 0;
}

static void leaf_write(struct walk *walk, uint64_t *entry, const struct piece *piece)
{
	uint64_t to = walk->to + (piece->addr - walk->addr);

	DEBUG_CHECK(!vtd_ss_pte_is_present(entry_load(entry)));
	entry_store(walk->ss, entry, walk->leaf | (piece->level > 1 ? VTD_SS_PTE_PS : 0) | to);
}

static int table_make(struct walk *walk, uint64_t *entry)
{
	hpa_t page;

	if (!table_alloc(&walk->ss->memory, &page))
		return -ENOMEM;
	entry_store(walk->ss, entry, table_entry(page));
	return 0;
}

/* First time round: tables; second: leaves, which cannot fail any more. */
static int map_level(struct walk *walk, uint64_t *table, struct piece range)
{
	unsigned level = range.level;
	int err = 0;

	while (!err && range.addr < range.end) {
		struct piece piece = piece_at(range.addr, range.end, level);
		uint64_t *entry = &table[vtd_level_index(range.addr, level)];

		range.addr = piece.end;
		if (leaf_fits(walk, &piece)) {
			if (!walk->build)
				leaf_write(walk, entry, &piece);
			continue;
		}
		if (!vtd_ss_pte_is_present(entry_load(entry)))
			err = table_make(walk, entry);
		if (!err)
			err = map_level(walk, table_of(walk->ss, entry_load(entry)),
					(struct piece){piece.addr, piece.end, level - 1});
	}
	return err;
}

static uint64_t leaf_rights(uint32_t prot)
{
	return (prot & VSVA_PROT_READ ? VTD_SS_PTE_R : 0) |
	       (prot & VSVA_PROT_WRITE ? VTD_SS_PTE_W : 0);
}

int second_stage_map(struct second_stage *ss, uint64_t addr, uint64_t end, uint64_t to,
		     uint32_t prot, struct page_list *removed)
{
	struct walk walk = {.ss = ss, .to = to, .addr = addr, .leaf = leaf_rights(prot)};
	struct piece range = {addr, end, ss->levels};
	int err;

	walk.build = true;
	err = map_level(&walk, root_of(ss), range);
	if (err) {
		second_stage_unmap(ss, addr, end, removed);
		return err;
	}
	walk.build = false;
	return map_level(&walk, root_of(ss), range);
}

/* Unmap */

/* The lower table that says the same as a leaf of this level. */
static void split_fill(const struct second_stage *ss, uint64_t *table, uint64_t leaf,
		       unsigned level)
{
	uint64_t base = vtd_pte_address(leaf, level);
	uint64_t bits = (leaf & ~vtd_pte_address(leaf, level)) &
			(level == 2 ? ~(uint64_t)VTD_SS_PTE_PS : UINT64_MAX);

	for (unsigned i = 0; i < VTD_PTE_COUNT; i++)
		entry_store(ss, &table[i], bits | (base + i * vtd_level_size(level - 1)));
}

/* Hardware may have set A or D (VT-d 3.7.2) between our look at the leaf and its replacement:
 * nothing of that may be lost, or dirty tracking would miss a page. */
static void split_inherit(uint64_t *table, uint64_t late_bits)
{
	for (unsigned i = 0; late_bits && i < VTD_PTE_COUNT; i++)
		__atomic_fetch_or(&table[i], late_bits, __ATOMIC_RELAXED);
}

static int split_leaf(struct second_stage *ss, uint64_t *entry, unsigned level)
{
	uint64_t leaf = entry_load(entry), last;
	uint64_t *table;
	hpa_t page;

	table = table_alloc(&ss->memory, &page);
	if (!table)
		return -ENOMEM;
	split_fill(ss, table, leaf, level);
	last = __atomic_exchange_n(entry, table_entry(page), __ATOMIC_ACQ_REL);
	table_written(&ss->memory, entry, sizeof(*entry));
	split_inherit(table, last & ~leaf);
	return 0;
}

/* Makes an edge of a leaf out of addr, if a leaf is there at all. */
static int split_at(struct second_stage *ss, uint64_t addr)
{
	uint64_t *table = root_of(ss);

	for (unsigned level = ss->levels; level > 1; level--) {
		uint64_t *entry = &table[vtd_level_index(addr, level)];

		if (!vtd_ss_pte_is_present(entry_load(entry)) ||
		    (addr & (vtd_level_size(level) - 1)) == 0)
			return 0;
		if (vtd_ss_pte_is_leaf(entry_load(entry), level) && split_leaf(ss, entry, level))
			return -ENOMEM;
		table = table_of(ss, entry_load(entry));
	}
	return 0;
}

int second_stage_split(struct second_stage *ss, uint64_t addr, uint64_t end)
{
	int err = split_at(ss, addr);

	return err || end >> ss->input_bits ? err : split_at(ss, end);
}

static bool table_is_empty(const uint64_t *table)
{
	for (unsigned i = 0; i < VTD_PTE_COUNT; i++)
		if (entry_load(&table[i]))
			return false;
	return true;
}

static void unmap_level(struct walk *walk, uint64_t *table, struct piece range);

static void unmap_table(struct walk *walk, uint64_t *entry, const struct piece *piece)
{
	uint64_t *table = table_of(walk->ss, entry_load(entry));
	hpa_t page = hpa(vtd_pte_address(entry_load(entry), 1));

	unmap_level(walk, table, (struct piece){piece->addr, piece->end, piece->level - 1});
	if (!table_is_empty(table))
		return;
	entry_store(walk->ss, entry, 0);
	page_list_add(walk->ss->memory.pm, walk->removed, page, 0);
}

static void unmap_level(struct walk *walk, uint64_t *table, struct piece range)
{
	unsigned level = range.level;

	while (range.addr < range.end) {
		struct piece piece = piece_at(range.addr, range.end, level);
		uint64_t *entry = &table[vtd_level_index(range.addr, level)];

		range.addr = piece.end;
		if (!vtd_ss_pte_is_present(entry_load(entry)))
			continue;
		if (!vtd_ss_pte_is_leaf(entry_load(entry), level)) {
			unmap_table(walk, entry, &piece);
			continue;
		}
		CHECK(is_whole(&piece));
		entry_store(walk->ss, entry, 0);
		walk->removed_bytes += vtd_level_size(level);
	}
}

uint64_t second_stage_unmap(struct second_stage *ss, uint64_t addr, uint64_t end,
			    struct page_list *removed)
{
	struct walk walk = {.ss = ss, .removed = removed};

	unmap_level(&walk, root_of(ss), (struct piece){addr, end, ss->levels});
	return walk.removed_bytes;
}

/* Look-up */

int second_stage_lookup(const struct second_stage *ss, uint64_t addr, hpa_t *out)
{
	int err = -ENOENT;
	uint64_t entry = table_entry(ss->root);
	unsigned level = ss->levels;

	rcu_read_lock();
	for (; level; level--) {
		entry = entry_load(&table_of(ss, entry)[vtd_level_index(addr, level)]);
		if (!is_table(entry, level))
			break;
	}
	if (level && vtd_ss_pte_is_present(entry)) {
		*out = hpa(vtd_pte_address(entry, level) | (addr & (vtd_level_size(level) - 1)));
		err = 0;
	}
	rcu_read_unlock();
	return err;
}
