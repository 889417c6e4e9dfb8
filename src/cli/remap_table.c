// SPDX-License-Identifier: MIT
#include "cli/remap_table.h"

#include "cli/decode.h"

#define PAGE 4096u

static const struct {
	const char *layout;
	unsigned words;
	uint64_t present; /* of the first word: any of these bits */
} kinds[] = {
	[REMAP_LEGACY_ROOT] = {"legacy_root", 2, 1},
	[REMAP_ROOT] = {"root_entry", 2,
			1}, /* of the lower half; the upper one has a bit of its own */
	[REMAP_LEGACY_CONTEXT] = {"legacy_context", 2, 1},
	[REMAP_CONTEXT] = {"context_entry", 4, 1},
	[REMAP_PASID_DIRECTORY] = {"pasid_dir_entry", 1, 1},
	[REMAP_PASID_TABLE] = {"pasid_entry", 8, 1},
	[REMAP_FIRST_STAGE] = {"FS_PTE", 1, 1},
	[REMAP_SECOND_STAGE] = {"SS_PTE", 1, 3}, /* R or W; VT-d 9.8 */
};

/* Devices whose context entries are in one table, in scalable mode. VT-d 9.2 */
#define HALF_BUS 128u
/* PASIDs whose entries are in one table. VT-d 9.5 */
#define PASIDS_OF_TABLE 64u

struct remap_table remap_root(uint64_t rtaddr)
{
	bool is_scalable = decode_field("RTADDR", &rtaddr, "TTM") == 1;

	return (struct remap_table){
		.kind = is_scalable ? REMAP_ROOT : REMAP_LEGACY_ROOT,
		.address = decode_field("RTADDR", &rtaddr, "RTA"),
		.pages = 1,
	};
}

const struct vsva_layout *remap_layout(const struct remap_table *table)
{
	return vsva_layout_find(kinds[table->kind].layout);
}

unsigned remap_words(const struct remap_table *table)
{
	return kinds[table->kind].words;
}

unsigned remap_entries(const struct remap_table *table)
{
	return VIEW_WORDS_MAX / remap_words(table);
}

bool remap_is_present(const struct remap_table *table, const uint64_t *entry)
{
	return (entry[0] & kinds[table->kind].present) ||
	       (table->kind == REMAP_ROOT && (entry[1] & kinds[table->kind].present));
}

static bool is_paging(const struct remap_table *table)
{
	return table->kind == REMAP_FIRST_STAGE || table->kind == REMAP_SECOND_STAGE;
}

bool remap_is_leaf(const struct remap_table *table, const uint64_t *entry)
{
	return is_paging(table) &&
	       (table->level <= 1 || decode_field(kinds[table->kind].layout, entry, "PS"));
}

static uint64_t span_of(unsigned level)
{
	return UINT64_C(1) << (3 + 9 * level);
}

uint64_t remap_span(const struct remap_table *table)
{
	return span_of(table->level);
}

/* Of the first stage, the upper half of the addresses repeats its highest bit. VT-d 3.6 */
static uint64_t canonical(const struct remap_table *table, unsigned index)
{
	uint64_t address = table->input + index * remap_span(table);
	bool is_upper = !table->input && table->level >= 4 && index >= VIEW_WORDS_MAX / 2;

	return is_upper && table->kind == REMAP_FIRST_STAGE
		       ? address | ~(span_of(table->level + 1) - 1)
		       : address;
}

uint64_t remap_input(const struct remap_table *table, unsigned index)
{
	switch (table->kind) {
	case REMAP_PASID_DIRECTORY:
		return (uint64_t)index * PASIDS_OF_TABLE;
	case REMAP_FIRST_STAGE:
	case REMAP_SECOND_STAGE:
		return canonical(table, index);
	default:
		return table->input + index;
	}
}

/* Where entries lead */

static unsigned context_tables(const struct remap_table *table, unsigned bus, const uint64_t *entry,
			       struct remap_table out[REMAP_CHILDREN])
{
	struct remap_table child = {.kind = REMAP_CONTEXT, .pages = 1, .input = (uint64_t)bus << 8};
	unsigned count = 0;

	if (table->kind == REMAP_LEGACY_ROOT) {
		child.kind = REMAP_LEGACY_CONTEXT;
		child.address = decode_field("legacy_root", entry, "CTP");
		out[count++] = child;
		return count;
	}
	child.address = decode_field("root_entry", entry, "LCTP");
	if (decode_field("root_entry", entry, "LP"))
		out[count++] = child;
	child.address = decode_field("root_entry", entry, "UCTP");
	child.input += HALF_BUS;
	if (decode_field("root_entry", entry, "UP"))
		out[count++] = child;
	return count;
}

/* Levels of a second stage by AW; 0: there are none so wide. VT-d 9.6 */
static unsigned levels_of(const char *layout, const uint64_t *entry)
{
	uint64_t width = decode_field(layout, entry, "AW");

	return width <= 3 ? (unsigned)width + 2 : 0;
}

static unsigned legacy_stage(const uint64_t *entry, struct remap_table *out)
{
	unsigned levels = levels_of("legacy_context", entry);

	if (decode_field("legacy_context", entry, "TT") >= 2 || !levels)
		return 0;
	*out = (struct remap_table){
		.kind = REMAP_SECOND_STAGE,
		.address = decode_field("legacy_context", entry, "SSPTPTR"),
		.pages = 1,
		.level = levels,
	};
	return 1;
}

static unsigned directory(const uint64_t *entry, struct remap_table *out)
{
	unsigned entries = 1u << (decode_field("context_entry", entry, "PDTS") + 7);

	*out = (struct remap_table){
		.kind = REMAP_PASID_DIRECTORY,
		.address = decode_field("context_entry", entry, "PASIDDIRPTR"),
		.pages = entries > VIEW_WORDS_MAX ? entries / VIEW_WORDS_MAX : 1,
	};
	return 1;
}

static unsigned pasid_table(unsigned index, const uint64_t *entry, struct remap_table *out)
{
	*out = (struct remap_table){
		.kind = REMAP_PASID_TABLE,
		.address = decode_field("pasid_dir_entry", entry, "SMPTBLPTR"),
		.pages = 1,
		.input = (uint64_t)index * PASIDS_OF_TABLE,
	};
	return 1;
}

/* VT-d 9.6: 1 first stage, 2 second stage, 3 nested */
static unsigned stages(const uint64_t *entry, struct remap_table out[REMAP_CHILDREN])
{
	uint64_t type = decode_field("pasid_entry", entry, "PGTT");
	struct remap_table first = {
		.kind = REMAP_FIRST_STAGE,
		.address = decode_field("pasid_entry", entry, "FSPTPTR"),
		.pages = 1,
		.level = decode_field("pasid_entry", entry, "FSPM") ? 5 : 4,
	};
	struct remap_table second = {
		.kind = REMAP_SECOND_STAGE,
		.address = decode_field("pasid_entry", entry, "SSPTPTR"),
		.pages = 1,
		.level = levels_of("pasid_entry", entry),
	};
	unsigned count = 0;

	if (type == 3) {
		first.second = second.address;
		first.second_levels = second.level;
	}
	if ((type == 2 || type == 3) && second.level)
		out[count++] = second;
	if (type == 1 || (type == 3 && second.level))
		out[count++] = first;
	return count;
}

static unsigned lower(const struct remap_table *table, unsigned index, const uint64_t *entry,
		      struct remap_table *out)
{
	if (remap_is_leaf(table, entry))
		return 0;
	*out = *table;
	out->address = decode_field(kinds[table->kind].layout, entry, "ADDR");
	out->level = table->level - 1;
	out->input = remap_input(table, index);
	return 1;
}

unsigned remap_children(const struct remap_table *table, unsigned index, const uint64_t *entry,
			struct remap_table out[REMAP_CHILDREN])
{
	switch (table->kind) {
	case REMAP_LEGACY_ROOT:
	case REMAP_ROOT:
		return context_tables(table, index, entry, out);
	case REMAP_LEGACY_CONTEXT:
		return legacy_stage(entry, out);
	case REMAP_CONTEXT:
		return directory(entry, out);
	case REMAP_PASID_DIRECTORY:
		return pasid_table(index, entry, out);
	case REMAP_PASID_TABLE:
		return stages(entry, out);
	default:
		return lower(table, index, entry, out);
	}
}

/* Where tables lie */

/* A guest physical address through a second stage; false: it leads nowhere. */
static bool translate(struct view *view, uint32_t vm, uint64_t table, unsigned levels,
		      uint64_t *address)
{
	uint64_t entry;

	for (unsigned level = levels; level; level--) {
		uint64_t span = span_of(level);

		if (view_read(view, vm, table + *address / span % VIEW_WORDS_MAX * 8, &entry, 1) ||
		    !(entry & kinds[REMAP_SECOND_STAGE].present))
			return false;
		table = decode_field("SS_PTE", &entry, "ADDR");
		if (level == 1 || decode_field("SS_PTE", &entry, "PS")) {
			*address = (table & ~(span - 1)) | (*address & (span - 1));
			return true;
		}
	}
	return false;
}

bool remap_place(struct view *view, uint32_t vm, const struct remap_table *table, unsigned page,
		 uint64_t *address)
{
	*address = (table->address + (uint64_t)page * PAGE) & ~(uint64_t)(PAGE - 1);
	return !table->second || translate(view, vm, table->second, table->second_levels, address);
}
