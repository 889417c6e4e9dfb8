// SPDX-License-Identifier: MIT
/*
 * Caches against memory. An entry is stale when a walk through the tables as they are now does not give
 * it. Of a machine that works, what looks stale is looked at again: it may have been invalidated between
 * the look at the cache and the walk. Of paging structures it is not said.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "cli/json_text.h"
#include "cli/show/show.h"
#include "cli/decode.h"

#define PAGES 256u

/* Pages that were read already: walks meet the same tables again and again. */
struct reader {
	struct view *view;
	struct {
		bool is_there;
		uint64_t address;
		uint64_t words[VIEW_WORDS_MAX];
	} pages[PAGES];
};

static bool read_page(void *arg, uint64_t address, void *buf, size_t len)
{
	struct reader *reader = arg;
	uint64_t page = address & ~UINT64_C(0xfff);
	size_t at = (page >> 12) % PAGES;

	if (!reader->pages[at].is_there || reader->pages[at].address != page) {
		reader->pages[at].address = page;
		reader->pages[at].is_there =
			!view_read(reader->view, 0, page, reader->pages[at].words, VIEW_WORDS_MAX);
	}
	if (!reader->pages[at].is_there)
		return false;
	memcpy(buf, (const char *)reader->pages[at].words + (address - page), len);
	return true;
}

static struct reader *make_reader(struct show *show)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		reader->view = show->view;
	return reader;
}

/* The physical unit. false: there is none. */
static bool find_unit(struct show *show, struct reader *reader, struct vsva_walk_unit *unit)
{
	struct explain_place place = {.units = view_get(show->view, "unit")};
	struct explain_reader of_explain = {.view = show->view};
	bool is_found = explain_unit(&place, &of_explain, unit);

	unit->arg = reader;
	unit->read = read_page;
	explain_forget(&place);
	return is_found;
}

/* Stale? */

static bool has_right(struct json_object *row, const char *name)
{
	return json_has_item(json_member(row, "rights"), name);
}

static struct vsva_walk_request request_of(struct json_object *row, uint16_t rid)
{
	return (struct vsva_walk_request){
		.rid = {rid},
		.pasid = (uint32_t)json_number_of(row, "host_pasid", VSVA_PASID_INVALID),
		.address = json_number_of(row, "address", 0),
		.read = has_right(row, "read") || !has_right(row, "write"),
		.write = has_right(row, "write"),
		.privileged = has_right(row, "privileged"),
	};
}

static bool is_page_stale(const struct vsva_walk_unit *unit, struct json_object *row, uint16_t rid)
{
	struct vsva_walk_request request = request_of(row, rid);
	struct vsva_walk_result walk;
	uint64_t size = json_number_of(row, "size", 4096);

	vsva_walk(unit, &request, &walk);
	if (has_right(row, "not-present"))
		return !walk.cause;
	return walk.cause || walk.output != json_number_of(row, "output", 0) ||
	       (UINT64_C(1) << walk.page_lg2) < size;
}

static bool is_entry_stale(const struct vsva_walk_unit *unit, struct json_object *row, uint16_t rid,
			   enum vsva_walk_kind kind, unsigned words)
{
	struct vsva_walk_request request = request_of(row, rid);
	struct vsva_walk_result walk;
	uint64_t cached[8];

	decode_words(json_member(row, "words"), cached, 8);
	vsva_walk(unit, &request, &walk);
	if (json_member(row, "fault"))
		return walk.fault != json_number_of(row, "fault", 0);
	for (unsigned i = 0; i < walk.step_count; i++)
		if (walk.steps[i].kind == kind)
			return memcmp(walk.steps[i].raw, cached, words * sizeof(*cached)) != 0;
	return true;
}

/* false: nobody knows. */
static bool judge(const struct vsva_walk_unit *unit, struct json_object *row, bool *is_stale)
{
	const char *cache = json_text_of(row, "cache"), *device = json_text_of(row, "device");
	uint16_t rid;

	if (!cache || !device || !rid_parse(device, &rid))
		return false;
	if (!strcmp(cache, "context"))
		*is_stale = is_entry_stale(unit, row, rid,
					   json_flag_of(row, "legacy") ? VSVA_WALK_LEGACY_CONTEXT
								       : VSVA_WALK_CONTEXT,
					   2);
	else if (!strcmp(cache, "pasid"))
		*is_stale = is_entry_stale(unit, row, rid, VSVA_WALK_PASID_ENTRY, 3);
	else
		*is_stale = is_page_stale(unit, row, rid);
	return true;
}

static void judge_all(struct show *show, struct json_object *rows)
{
	struct reader *reader = make_reader(show);
	struct vsva_walk_unit unit;
	bool is_stale;

	if (reader && find_unit(show, reader, &unit))
		for (size_t i = 0; i < json_length(rows); i++) {
			struct json_object *row = json_object_array_get_idx(rows, i);

			json_object_object_del(row, "stale");
			if (judge(&unit, row, &is_stale))
				json_add_flag(row, "stale", is_stale);
		}
	free(reader);
}

static bool is_among(struct json_object *row, struct json_object *rows)
{
	for (size_t i = 0; i < json_length(rows); i++)
		if (json_object_equal(row, json_object_array_get_idx(rows, i)))
			return true;
	return false;
}

/* Those that look stale, if they are still there; the others are right. */
static void judge_again(struct show *show, struct json_object *rows)
{
	struct json_object *stale = json_object_new_array(), *now;

	for (size_t i = 0; i < json_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (json_flag_of(row, "stale"))
			json_object_array_add(stale, json_object_get(row));
	}
	if (json_length(stale)) {
		judge_all(show, stale);
		now = view_get(show->view, "cache");
		for (size_t i = 0; now && i < json_length(stale); i++) {
			struct json_object *row = json_object_array_get_idx(stale, i);
			bool is_stale = json_flag_of(row, "stale");

			json_object_object_del(row, "stale");
			json_add_flag(row, "stale", is_stale && is_among(row, now));
		}
		json_object_put(now);
	}
	json_object_put(stale);
}

struct json_object *show_cache_collect(struct show *show)
{
	struct json_object *rows = show_filter(show, "cache");

	if (!rows)
		return NULL;
	judge_all(show, rows);
	if (view_is_live(show->view))
		judge_again(show, rows);
	return rows;
}

/* Text */

static void rights_text(struct json_object *row, char text[8])
{
	static const char *const names[] = {"read", "write", "user", "dirty", "ats", "privileged"};
	static const char letters[] = "RWUDAP";

	for (size_t i = 0; i < 6; i++)
		text[i] = has_right(row, names[i]) ? letters[i] : '-';
	text[6] = 0;
	if (has_right(row, "not-present"))
		strcpy(text, "absent");
}

static void range_cells(struct table *table, struct json_object *row)
{
	char rights[8];

	rights_text(row, rights);
	table_cell(table, 3, "%s", json_text_of(row, "address"));
	table_cell(table, 4, "%s", json_text_of(row, "size"));
	if (json_member(row, "level"))
		table_cell(table, 5, "table %s, level %" PRIu64, json_text_of(row, "output"),
			   json_number_of(row, "level", 0));
	else
		table_cell(table, 5, "%s", json_text_of(row, "output"));
	table_cell(table, 6, "%s", rights);
}

static void entry_cells(struct table *table, struct json_object *row)
{
	bool is_context = !strcmp(json_text_of(row, "cache"), "context");
	uint64_t words[8];
	char text[200];

	decode_words(json_member(row, "words"), words, 8);
	vsva_describe_line(vsva_layout_find(!is_context                   ? "pasid_entry"
					    : json_flag_of(row, "legacy") ? "legacy_context"
									  : "context_entry"),
			   words, text, sizeof(text));
	if (json_member(row, "fault"))
		table_cell(table, 5, "fault %s",
			   vsva_fault_reason_name((unsigned)json_number_of(row, "fault", 0)));
	else
		table_cell(table, 5, "%s", text);
}

void show_cache_print(struct show *show, struct json_object *rows)
{
	static const char *const heads[] = {"cache", "device", "host pasid", "address",
					    "size",  "says",   "rights",     ""};
	size_t stale = 0, count = json_length(rows);
	struct table table;

	table_begin(&table, 8, heads);
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		table_row(&table);
		table_cell(&table, 0, "%s", json_text_of(row, "cache"));
		if (json_text_of(row, "device"))
			table_cell(&table, 1, "%s", json_text_of(row, "device"));
		if (json_member(row, "host_pasid"))
			table_cell(&table, 2, "%" PRIu64, json_number_of(row, "host_pasid", 0));
		if (json_member(row, "address"))
			range_cells(&table, row);
		else
			entry_cells(&table, row);
		stale += json_flag_of(row, "stale");
		table_cell(&table, 7, "%s", json_flag_of(row, "stale") ? "!stale" : "");
	}
	table_end(show, &table);
	show_styled(show, stale ? SHOW_BAD : SHOW_DIM, "%zu entries, %zu stale\n", count, stale);
}
