// SPDX-License-Identifier: MIT
/* Units, with their registers. */
#include <inttypes.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/show/show.h"
#include "cli/decode.h"

static const char *name_of(struct json_object *row)
{
	const char *name = json_text_of(row, "name");

	return name ? name : "?";
}

static void print_head(struct show *show, struct json_object *row)
{
	uint64_t vm = json_number_of(row, "vm", 0);

	if (vm)
		show_styled(show, SHOW_BOLD, "vm %" PRIu64 " %s", vm, name_of(row));
	else
		show_styled(show, SHOW_BOLD, "physical unit");
	fputs(json_flag_of(row, "translating") ? ": translating" : ": not translating", show->out);
	fputs(json_flag_of(row, "queue") ? ", queue on" : ", queue off", show->out);
	if (json_text_of(row, "cache_policy"))
		fprintf(show->out, ", caches %s", json_text_of(row, "cache_policy"));
	fprintf(show->out, ", root %s\n", json_text_of(row, "root"));
}

/* Registers */

static void decode_register(const char *name, struct json_object *value, struct json_object *list)
{
	const struct vsva_layout *layout = vsva_layout_find(name);
	struct json_object *item = json_object_new_object();
	uint64_t word = 0;

	json_add_text(item, "name", name);
	json_object_object_add(item, "value", json_object_get(value));
	json_number(value, &word);
	if (layout) {
		json_add_text(item, "clause", vsva_layout_clause(layout));
		json_object_object_add(item, "fields", decode_fields(layout, &word, false));
	}
	json_object_array_add(list, item);
}

static struct json_object *decode_unit(struct json_object *unit)
{
	struct json_object *row = json_object_new_object(), *list = json_object_new_array();
	struct json_object *registers = json_member(unit, "registers");

	json_object_object_foreach(unit, key, value)
	{
		if (strcmp(key, "registers"))
			json_object_object_add(row, key, json_object_get(value));
	}
	if (json_object_is_type(registers, json_type_object)) {
		json_object_object_foreach(registers, name, word)
		{
			if (!json_object_is_type(word, json_type_array))
				decode_register(name, word, list);
		}
	}
	json_object_object_add(row, "registers", list);
	return row;
}

struct json_object *show_unit_collect(struct show *show)
{
	struct json_object *units = show_filter(show, "unit"), *rows, *unit;

	if (!units)
		return NULL;
	rows = json_object_new_array();
	JSON_FOR_EACH (units, unit)
		json_object_array_add(rows, decode_unit(unit));
	json_object_put(units);
	return rows;
}

static void print_fields(struct show *show, struct json_object *fields)
{
	struct json_object *field;

	JSON_FOR_EACH (fields, field) {
		const char *meaning = json_text_of(field, "meaning");
		uint64_t value = json_number_of(field, "value", 0);

		if (!value)
			continue;
		fprintf(show->out, "              %-8s ", name_of(field));
		show_styled(show, SHOW_DIM, "%7s  ", json_text_of(field, "bits"));
		show_styled(show, SHOW_NUMBER, "%s", json_text_of(field, "value"));
		if (meaning)
			fprintf(show->out, "  %s", meaning);
		if (json_text_of(field, "text"))
			show_styled(show, SHOW_DIM, "  %s", json_text_of(field, "text"));
		fputc('\n', show->out);
	}
}

static void print_register(struct show *show, struct json_object *item)
{
	struct json_object *fields = json_member(item, "fields");
	const char *clause = json_text_of(item, "clause");

	fprintf(show->out, "  %-10s  ", name_of(item));
	show_styled(show, SHOW_NUMBER, "%s", json_text_of(item, "value"));
	if (clause && *clause)
		show_styled(show, SHOW_DIM, "  VT-d %s", clause);
	fputc('\n', show->out);
	if (fields)
		print_fields(show, fields);
}

void show_unit_print(struct show *show, struct json_object *rows)
{
	struct json_object *row, *item;

	JSON_FOR_EACH (rows, row) {
		print_head(show, row);
		for (size_t i = 0; i < json_length(json_member(row, "registers")); i++) {
			item = json_object_array_get_idx(json_member(row, "registers"), i);
			/* what is zero says nothing */
			if (json_number_of(item, "value", 0))
				print_register(show, item);
		}
	}
}
