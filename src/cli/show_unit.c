// SPDX-License-Identifier: MIT
/* Units with their registers, recorded faults, queues. */
#include <inttypes.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/show.h"
#include "cli/show_decode.h"

#define FOR_EACH(list, item)                                                                       \
	for (size_t at_ = 0; at_ < json_object_array_length(list) &&                               \
			     ((item) = json_object_array_get_idx(list, at_), true);                \
	     at_++)

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
	if (registers) {
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
	FOR_EACH(units, unit)
	json_object_array_add(rows, decode_unit(unit));
	json_object_put(units);
	return rows;
}

static void print_fields(struct show *show, struct json_object *fields)
{
	struct json_object *field;

	FOR_EACH(fields, field)
	{
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

	FOR_EACH(rows, row)
	{
		print_head(show, row);
		for (size_t i = 0; i < json_object_array_length(json_member(row, "registers"));
		     i++) {
			item = json_object_array_get_idx(json_member(row, "registers"), i);
			/* what is zero says nothing */
			if (json_number_of(item, "value", 0))
				print_register(show, item);
		}
	}
}

/* Faults */

static void add_fault(struct json_object *unit, struct json_object *record, unsigned index,
		      struct json_object *rows)
{
	const struct vsva_layout *layout = vsva_layout_find("fault_record");
	struct json_object *row;
	struct vsva_field field;
	uint64_t words[2];

	decode_words(record, words, 2);
	if (vsva_describe_field_named(layout, words, "F", &field) || !field.value)
		return;
	row = json_object_new_object();
	json_add_number(row, "vm", json_number_of(unit, "vm", 0));
	json_add_number(row, "record", index);
	vsva_describe_field_named(layout, words, "SID", &field);
	json_add_rid(row, json_number_of(unit, "vm", 0) ? "guest_device" : "device",
		     (uint16_t)field.value);
	vsva_describe_field_named(layout, words, "PP", &field);
	if (field.value) {
		vsva_describe_field_named(layout, words, "PV", &field);
		json_add_number(row, "pasid", field.value);
	}
	vsva_describe_field_named(layout, words, "FI", &field);
	json_add_hex(row, "address", field.value);
	vsva_describe_field_named(layout, words, "FR", &field);
	json_add_hex(row, "reason", field.value);
	json_add_text(row, "name", vsva_fault_reason_name((unsigned)field.value));
	json_add_text(row, "meaning", vsva_fault_reason_text((unsigned)field.value));
	decode_add_line(row, "text", "fault_record", words);
	json_object_object_add(row, "words", decode_list(words, 2));
	json_object_array_add(rows, row);
}

struct json_object *show_faults_collect(struct show *show)
{
	struct json_object *units = view_get(show->view, "unit"), *rows, *unit;

	if (!units)
		return NULL;
	rows = json_object_new_array();
	FOR_EACH(units, unit)
	{
		struct json_object *records = json_member(json_member(unit, "registers"), "FRCD");

		for (unsigned i = 0; records && i < json_object_array_length(records); i++)
			if (show->vm == SHOW_ANY || json_number_of(unit, "vm", 0) == show->vm)
				add_fault(unit, json_object_array_get_idx(records, i), i, rows);
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

	if (!json_object_array_length(rows)) {
		fputs("no faults are recorded\n", show->out);
		return;
	}
	table_begin(&table, 7, heads);
	FOR_EACH(rows, row)
	{
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

/* Queues */

/* Entries that are shown of a queue. */
#define PENDING_MAX 64u

struct queue {
	uint32_t vm;
	const char *name;
	uint64_t base, head, tail, len; /* bytes */
	unsigned words;                 /* of an entry */
};

static void add_pending(struct show *show, const struct queue *queue, struct json_object *list)
{
	uint64_t at = queue->head, words[4];

	for (unsigned n = 0; n < PENDING_MAX && at != queue->tail && at < queue->len; n++) {
		const struct vsva_layout *layout = vsva_layout_find("page_request");
		struct json_object *item = json_object_new_object();
		char text[400];

		if (view_read(show->view, queue->vm, queue->base + at, words, queue->words)) {
			json_object_put(item);
			return;
		}
		if (queue->words == 2)
			words[2] = words[3] = 0;
		if (strcmp(queue->name, "page-request"))
			layout = vsva_layout_of_descriptor(words);
		json_add_hex(item, "at", at);
		json_add_text(item, "kind", vsva_layout_name(layout));
		vsva_describe_line(layout, words, text, sizeof(text));
		json_add_text(item, "text", text);
		json_object_object_add(item, "words", decode_list(words, queue->words));
		json_object_array_add(list, item);
		at = (at + queue->words * 8u) % queue->len;
	}
}

static void add_queue(struct show *show, const struct queue *queue, struct json_object *rows)
{
	struct json_object *row = json_object_new_object(), *list = json_object_new_array();
	uint64_t used = (queue->tail - queue->head + queue->len) % queue->len;

	json_add_number(row, "vm", queue->vm);
	json_add_text(row, "queue", queue->name);
	json_add_hex(row, "base", queue->base);
	json_add_number(row, "head", queue->head);
	json_add_number(row, "tail", queue->tail);
	json_add_number(row, "entries", queue->len / (queue->words * 8u));
	json_add_number(row, "pending", used / (queue->words * 8u));
	add_pending(show, queue, list);
	json_object_object_add(row, "list", list);
	json_object_array_add(rows, row);
}

/* VT-d 11.4: IQA.DW is bit 11; the queue has 2^QS pages. */
static void add_queues(struct show *show, struct json_object *unit, struct json_object *rows)
{
	struct json_object *registers = json_member(unit, "registers");
	uint64_t iqa = json_number_of(unit, "iqa", 0), pqa = json_number_of(registers, "PQA", 0);
	struct queue queue = {
		.vm = (uint32_t)json_number_of(unit, "vm", 0),
		.name = "invalidation",
		.base = iqa & ~UINT64_C(0xfff),
		.head = json_number_of(registers, "IQH", 0),
		.tail = json_number_of(registers, "IQT", 0),
		.len = UINT64_C(4096) << (iqa & 7),
		.words = iqa & 0x800 ? 4 : 2,
	};

	if (json_flag_of(unit, "queue"))
		add_queue(show, &queue, rows);
	queue = (struct queue){
		.vm = queue.vm,
		.name = "page-request",
		.base = pqa & ~UINT64_C(0xfff),
		.head = json_number_of(registers, "PQH", 0),
		.tail = json_number_of(registers, "PQT", 0),
		.len = UINT64_C(4096) << (pqa & 7),
		.words = 4,
	};
	if (queue.base)
		add_queue(show, &queue, rows);
}

struct json_object *show_queue_collect(struct show *show)
{
	struct json_object *units = show_filter(show, "unit"), *rows, *unit;

	if (!units)
		return NULL;
	rows = json_object_new_array();
	FOR_EACH(units, unit)
	add_queues(show, unit, rows);
	json_object_put(units);
	return rows;
}

void show_queue_print(struct show *show, struct json_object *rows)
{
	struct json_object *row, *list, *item;

	FOR_EACH(rows, row)
	{
		uint64_t vm = json_number_of(row, "vm", 0);

		show_styled(show, SHOW_BOLD, vm ? "vm %" PRIu64 : "physical unit", vm);
		fprintf(show->out,
			", %s queue: %" PRIu64 " pending of %" PRIu64 ", head 0x%" PRIx64
			", tail 0x%" PRIx64 ", at %s\n",
			json_text_of(row, "queue"), json_number_of(row, "pending", 0),
			json_number_of(row, "entries", 0), json_number_of(row, "head", 0),
			json_number_of(row, "tail", 0), json_text_of(row, "base"));
		list = json_member(row, "list");
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			item = json_object_array_get_idx(list, i);
			fprintf(show->out, "  %-6s %-20s %s\n", json_text_of(item, "at"),
				json_text_of(item, "kind"), json_text_of(item, "text"));
		}
	}
}
