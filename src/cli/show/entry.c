// SPDX-License-Identifier: MIT
/* A PASID's entry as the guest wrote it, as its virtual unit read it and as the host
 * built it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "cli/json_text.h"
#include "cli/show/show.h"
#include "cli/decode.h"
#include "cli/show/walk.h"
#include "cli/status.h"

struct side {
	bool is_there;
	uint64_t words[8];
};

struct entry {
	struct side guest, shadow, host;
	uint32_t host_pasid;
};

static void take_entry(const struct vsva_walk_result *walk, struct side *side)
{
	for (unsigned i = 0; i < walk->step_count; i++)
		if (walk->steps[i].kind == VSVA_WALK_PASID_ENTRY && walk->steps[i].readable) {
			side->is_there = true;
			memcpy(side->words, walk->steps[i].raw, sizeof(side->words));
		}
}

static bool is_shadow_of(struct json_object *row, const struct explain_place *place, uint32_t pasid)
{
	const char *device = json_text_of(row, "guest_device");
	uint16_t rid;

	return json_number_of(row, "vm", 0) == place->vm && device && rid_parse(device, &rid) &&
	       rid == place->guest_rid && json_number_of(row, "pasid", SHOW_ANY) == pasid;
}

static void take_shadow(struct show *show, const struct explain_place *place, struct side *side)
{
	struct json_object *shadows = view_get_if_there(show->view, "shadow");

	for (size_t i = 0; i < json_length(shadows); i++) {
		struct json_object *row = json_object_array_get_idx(shadows, i);

		if (is_shadow_of(row, place, show->pasid))
			side->is_there =
				decode_words(json_member(row, "words"), side->words, 8) != 0;
	}
	json_object_put(shadows);
}

static int read_entry(struct show *show, const struct explain_place *place, struct entry *entry)
{
	struct vsva_walk_result walk;
	int err = 0;

	entry->host_pasid = show_walk_host_pasid(show, place);
	if (place->vm) {
		err = show_walk_side(show, place, place->vm, show_walk_pasid(show->pasid), &walk);
		take_entry(&walk, &entry->guest);
		take_shadow(show, place, &entry->shadow);
	}
	if (!err && (entry->host_pasid != VSVA_PASID_INVALID || show->pasid == SHOW_ANY)) {
		err = show_walk_side(show, place, 0, entry->host_pasid, &walk);
		take_entry(&walk, &entry->host);
	}
	return err;
}

/* Field by field */

static void add_value(struct json_object *item, const char *key, const struct side *side,
		      const struct vsva_layout *layout, size_t index, uint64_t *value)
{
	char meaning_key[24];
	struct vsva_field field;

	*value = 0;
	if (!side->is_there || vsva_describe_field(layout, side->words, index, &field))
		return;
	*value = field.value;
	json_add_hex(item, key, field.value);
	snprintf(meaning_key, sizeof(meaning_key), "%s_meaning", key);
	json_add_text(item, meaning_key, field.meaning);
}

/* Words beyond the third are not shadowed. */
#define SHADOW_BITS 192u

static struct json_object *compare(const struct entry *entry)
{
	const struct vsva_layout *layout = vsva_layout_find("pasid_entry");
	struct json_object *list = json_object_new_array(), *item;
	uint64_t guest, shadow, host;
	struct vsva_field field;

	for (size_t i = 0; !vsva_describe_field(layout, entry->host.words, i, &field); i++) {
		bool has_shadow = entry->shadow.is_there && field.lo < SHADOW_BITS;

		item = json_object_new_object();
		json_add_text(item, "name", field.name);
		add_value(item, "guest", &entry->guest, layout, i, &guest);
		shadow = guest;
		if (has_shadow)
			add_value(item, "shadow", &entry->shadow, layout, i, &shadow);
		add_value(item, "host", &entry->host, layout, i, &host);
		json_add_flag(item, "shadow_differs", entry->guest.is_there && shadow != guest);
		json_add_flag(item, "host_differs",
			      entry->guest.is_there && entry->host.is_there && host != guest);
		/* the first field, P, says that there is nothing else */
		if (!i || guest || shadow || host)
			json_object_array_add(list, item);
		else
			json_object_put(item);
	}
	return list;
}

static void add_side(struct json_object *row, const char *key, const struct side *side,
		     unsigned words)
{
	if (side->is_there)
		json_object_object_add(row, key, decode_list(side->words, words));
}

static struct json_object *entry_row(struct show *show, const struct explain_place *place,
				     const struct entry *entry)
{
	struct json_object *row = json_object_new_object();

	json_add_rid(row, "device", place->rid);
	if (place->vm) {
		json_add_number(row, "vm", place->vm);
		json_add_rid(row, "guest_device", place->guest_rid);
	}
	if (show->pasid != SHOW_ANY)
		json_add_number(row, place->vm ? "pasid" : "host_pasid", show->pasid);
	if (place->vm && entry->host_pasid != VSVA_PASID_INVALID)
		json_add_number(row, "host_pasid", entry->host_pasid);
	add_side(row, "guest", &entry->guest, 8);
	add_side(row, "shadow", &entry->shadow, 3);
	add_side(row, "host", &entry->host, 8);
	json_object_object_add(row, "fields", compare(entry));
	return row;
}

struct json_object *show_entry_collect(struct show *show)
{
	struct json_object *rows = NULL;
	struct explain_place place;
	struct entry entry = {0};

	if (show_find(show, &place, &rows))
		return rows;
	if (!read_entry(show, &place, &entry)) {
		rows = json_object_new_array();
		json_object_array_add(rows, entry_row(show, &place, &entry));
	}
	explain_forget(&place);
	return rows;
}

static void cell(struct table *table, unsigned column, struct json_object *field, const char *key,
		 bool is_bad)
{
	const char *value = json_text_of(field, key);
	char meaning[24];

	snprintf(meaning, sizeof(meaning), "%s_meaning", key);
	if (value && json_text_of(field, meaning))
		table_cell(table, column, "%s%s %s", is_bad ? "!" : "", value,
			   json_text_of(field, meaning));
	else if (value)
		table_cell(table, column, "%s%s", is_bad ? "!" : "", value);
}

static void print_entry(struct show *show, struct json_object *row)
{
	static const char *const heads[] = {"field", "guest", "shadow", "host", ""};
	struct json_object *fields = json_member(row, "fields");
	struct table table;

	table_begin(&table, 5, heads);
	for (size_t i = 0; i < json_length(fields); i++) {
		struct json_object *field = json_object_array_get_idx(fields, i);
		bool shadow = json_flag_of(field, "shadow_differs");
		bool host = json_flag_of(field, "host_differs");

		table_row(&table);
		table_cell(&table, 0, "%s", json_text_of(field, "name"));
		cell(&table, 1, field, "guest", false);
		cell(&table, 2, field, "shadow", shadow);
		cell(&table, 3, field, "host", false);
		table_cell(&table, 4, "%s",
			   shadow ? "!the guest has changed it since" : (host ? "*" : ""));
	}
	table_end(show, &table);
}

void show_entry_print(struct show *show, struct json_object *rows)
{
	for (size_t i = 0; i < json_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		show_styled(show, SHOW_BOLD, "%s", json_text_of(row, "device"));
		if (json_member(row, "vm"))
			fprintf(show->out, ", %s of vm %" PRIu64, json_text_of(row, "guest_device"),
				json_number_of(row, "vm", 0));
		if (json_member(row, "pasid"))
			fprintf(show->out, ", PASID %" PRIu64, json_number_of(row, "pasid", 0));
		if (json_member(row, "host_pasid"))
			fprintf(show->out, ", host PASID %" PRIu64,
				json_number_of(row, "host_pasid", 0));
		fputs("; * the host's differs from the guest's\n", show->out);
		print_entry(show, row);
	}
}
