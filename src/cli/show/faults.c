// SPDX-License-Identifier: MIT
/* Faults that units have recorded and nobody has taken. */
#include <inttypes.h>

#include "cli/decode.h"
#include "cli/json_text.h"
#include "cli/show/show.h"

static void add_fault(const struct show *show, struct json_object *unit, struct json_object *record,
		      unsigned index, struct json_object *rows)
{
	static const char layout[] = "fault_record";
	struct json_object *row;
	uint64_t words[2], reason;

	decode_words(record, words, 2);
	if (!decode_field(layout, words, "F"))
		return;
	row = json_object_new_object();
	json_add_number(row, "vm", json_number_of(unit, "vm", 0));
	json_add_number(row, "record", index);
	json_add_rid(row, json_number_of(unit, "vm", 0) ? "guest_device" : "device",
		     (uint16_t)decode_field(layout, words, "SID"));
	if (decode_field(layout, words, "PP"))
		json_add_number(row, "pasid", decode_field(layout, words, "PV"));
	json_add_hex(row, "address", decode_field(layout, words, "FI"));
	reason = decode_field(layout, words, "FR");
	json_add_hex(row, "reason", reason);
	json_add_text(row, "name", vsva_fault_reason_name((unsigned)reason));
	json_add_text(row, "meaning", vsva_fault_reason_text((unsigned)reason));
	decode_add_line(row, "text", layout, words);
	json_object_object_add(row, "words", decode_list(words, 2));
	if (show_selects(show, row))
		json_object_array_add(rows, row);
	else
		json_object_put(row);
}

struct json_object *show_faults_collect(struct show *show)
{
	struct json_object *units = view_get(show->view, "unit"), *rows, *unit;

	if (!units)
		return NULL;
	rows = json_object_new_array();
	JSON_FOR_EACH (units, unit) {
		struct json_object *records = json_member(json_member(unit, "registers"), "FRCD");

		for (unsigned i = 0; i < json_length(records); i++)
			add_fault(show, unit, json_object_array_get_idx(records, i), i, rows);
	}
	json_object_put(units);
	return rows;
}

void show_faults_print(struct show *show, struct json_object *rows)
{
	static const char *const heads[] = {"vm",      "record", "device", "pasid",
					    "address", "reason", "meaning"};
	struct json_object *row;
	struct table table;

	if (!json_length(rows)) {
		fputs("no faults are recorded\n", show->out);
		return;
	}
	table_begin(&table, 7, heads);
	JSON_FOR_EACH (rows, row) {
		const char *guest = json_text_of(row, "guest_device");

		table_row(&table);
		table_cell(&table, 0, "%" PRIu64, json_number_of(row, "vm", 0));
		table_cell(&table, 1, "%" PRIu64, json_number_of(row, "record", 0));
		table_cell(&table, 2, "%s", guest ? guest : json_text_of(row, "device"));
		if (json_member(row, "pasid"))
			table_cell(&table, 3, "%" PRIu64, json_number_of(row, "pasid", 0));
		table_cell(&table, 4, "%s", json_text_of(row, "address"));
		table_cell(&table, 5, "!%s", json_text_of(row, "name"));
		table_cell(&table, 6, "%s", json_text_of(row, "meaning"));
	}
	table_end(show, &table);
}
