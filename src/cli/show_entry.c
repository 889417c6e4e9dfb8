// SPDX-License-Identifier: MIT
/* A PASID's entry as the guest wrote it, as its virtual unit read it and as the host built it; and a walk. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/json_text.h"
#include "cli/show.h"
#include "cli/show_decode.h"
#include "cli/status.h"

struct side {
	bool is_there;
	uint64_t words[8];
};

struct entry {
	struct side guest, shadow, host;
	uint32_t host_pasid;
};

static uint32_t walk_pasid(uint32_t pasid)
{
	return pasid == SHOW_ANY ? VSVA_PASID_INVALID : pasid;
}

/* 0; -EIO. */
static int walk_side(struct show *show, const struct explain_place *place, uint32_t vm,
		     uint32_t pasid, struct vsva_walk_result *walk)
{
	struct explain_reader reader = {.view = show->view, .vm = vm};
	struct vsva_walk_request request = {
		.rid = {vm ? place->guest_rid : place->rid},
		.pasid = pasid,
		.address = show->address,
		.read = !show->write,
		.write = show->write,
	};
	struct vsva_walk_unit unit;

	*walk = (struct vsva_walk_result){0};
	if (explain_unit(place, &reader, &unit))
		vsva_walk(&unit, &request, walk);
	return reader.err;
}

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

	for (size_t i = 0; shadows && i < json_object_array_length(shadows); i++) {
		struct json_object *row = json_object_array_get_idx(shadows, i);

		if (is_shadow_of(row, place, show->pasid))
			side->is_there =
				decode_words(json_member(row, "words"), side->words, 8) != 0;
	}
	json_object_put(shadows);
}

static uint32_t host_pasid_of(struct show *show, const struct explain_place *place)
{
	if (!place->vm || show->pasid == SHOW_ANY)
		return walk_pasid(show->pasid);
	return (uint32_t)json_number_of(explain_pasid(place, place->vm, show->pasid), "host_pasid",
					VSVA_PASID_INVALID);
}

static int read_entry(struct show *show, const struct explain_place *place, struct entry *entry)
{
	struct vsva_walk_result walk;
	int err = 0;

	entry->host_pasid = host_pasid_of(show, place);
	if (place->vm) {
		err = walk_side(show, place, place->vm, walk_pasid(show->pasid), &walk);
		take_entry(&walk, &entry->guest);
		take_shadow(show, place, &entry->shadow);
	}
	if (!err && (entry->host_pasid != VSVA_PASID_INVALID || show->pasid == SHOW_ANY)) {
		err = walk_side(show, place, 0, entry->host_pasid, &walk);
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
		if (guest || shadow || host)
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

	if (explain_find(show->view, (uint16_t)show->device, show->vm, &place))
		return NULL;
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
	for (size_t i = 0; i < json_object_array_length(fields); i++) {
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
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
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

/* Walks */

static struct json_object *step_row(const struct vsva_walk_step *step)
{
	struct json_object *row = json_object_new_object();
	char text[400];

	vsva_walk_step_name(step, text, sizeof(text));
	json_add_text(row, "what", text);
	json_add_flag(row, "inner", step->inner);
	json_add_hex(row, "input", step->input);
	json_add_hex(row, "at", step->at);
	json_add_hex(row, "at_host", step->at_host);
	json_object_object_add(row, "words", decode_list(step->raw, step->words));
	vsva_walk_step_meaning(step, text, sizeof(text));
	json_add_text(row, "meaning", text);
	if (step->cause)
		json_add_text(row, "cause", vsva_code_name(step->cause));
	return row;
}

static struct json_object *walk_row(struct show *show, const struct explain_place *place,
				    const struct vsva_walk_result *walk, uint32_t host_pasid)
{
	struct json_object *row = json_object_new_object(), *steps = json_object_new_array();

	json_add_rid(row, "device", place->rid);
	if (place->vm)
		json_add_number(row, "vm", place->vm);
	if (show->pasid != SHOW_ANY)
		json_add_number(row, "pasid", show->pasid);
	if (host_pasid != VSVA_PASID_INVALID)
		json_add_number(row, "host_pasid", host_pasid);
	json_add_hex(row, "address", show->address);
	for (unsigned i = 0; i < walk->step_count; i++)
		json_object_array_add(steps, step_row(&walk->steps[i]));
	json_object_object_add(row, "steps", steps);
	if (walk->cause) {
		json_add_text(row, "cause", vsva_code_name(walk->cause));
		json_add_text(row, "what", vsva_code_info(walk->cause)->what);
		json_add_text(row, "clause", vsva_code_info(walk->cause)->clause);
	} else {
		json_add_hex(row, "output", walk->output);
		json_add_hex(row, "page", UINT64_C(1) << walk->page_lg2);
		json_add_flag(row, "writable", walk->can_write);
	}
	return row;
}

struct json_object *show_walk_collect(struct show *show)
{
	struct json_object *rows = NULL;
	struct vsva_walk_result walk;
	struct explain_place place;
	uint32_t host_pasid;

	if (explain_find(show->view, (uint16_t)show->device, show->vm, &place))
		return NULL;
	host_pasid = host_pasid_of(show, &place);
	if (host_pasid == VSVA_PASID_INVALID && show->pasid != SHOW_ANY)
		complain(VSVA_CODE_PASID_UNKNOWN, "PASID %u has no host PASID now", show->pasid);
	else if (!walk_side(show, &place, 0, host_pasid, &walk)) {
		rows = json_object_new_array();
		json_object_array_add(rows, walk_row(show, &place, &walk, host_pasid));
	}
	explain_forget(&place);
	return rows;
}

static void print_step(struct show *show, struct json_object *step)
{
	const char *at = json_text_of(step, "at"), *host = json_text_of(step, "at_host");
	bool inner = json_flag_of(step, "inner");
	uint64_t words[8];

	decode_words(json_member(step, "words"), words, 8);
	fprintf(show->out, "%s%-*s ", inner ? "    " : "  ", inner ? 29 : 31,
		json_text_of(step, "what"));
	show_styled(show, SHOW_DIM, "%-12s ", host);
	show_styled(show, SHOW_NUMBER, "%016" PRIx64, words[0]);
	fprintf(show->out, "  %s", json_text_of(step, "meaning"));
	if (strcmp(at, host) && strcmp(json_text_of(step, "what"), "root table register"))
		show_styled(show, SHOW_DIM, "  (GPA %s)", at);
	if (json_text_of(step, "cause"))
		show_styled(show, SHOW_BAD, "  <- stops: %s", json_text_of(step, "cause"));
	fputc('\n', show->out);
}

void show_walk_print(struct show *show, struct json_object *rows)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct json_object *steps = json_member(row, "steps");

		for (size_t k = 0; k < json_object_array_length(steps); k++)
			print_step(show, json_object_array_get_idx(steps, k));
		if (json_text_of(row, "cause"))
			show_styled(show, SHOW_BAD, "%s stops: %s [%s] %s\n",
				    json_text_of(row, "address"), json_text_of(row, "what"),
				    json_text_of(row, "cause"), json_text_of(row, "clause"));
		else
			show_styled(show, SHOW_GOOD, "%s -> %s, page of %s bytes, %s\n",
				    json_text_of(row, "address"), json_text_of(row, "output"),
				    json_text_of(row, "page"),
				    json_flag_of(row, "writable") ? "writable" : "read-only");
	}
}
