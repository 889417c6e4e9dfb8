// SPDX-License-Identifier: MIT
/* Invalidation and page-request queues, with what is in them. */
#include <inttypes.h>
#include <string.h>

#include "cli/decode.h"
#include "cli/json_text.h"
#include "cli/show/show.h"

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

/* Where a register says that a queue is: 2^size pages. VT-d 11.4 */
static struct queue queue_at(struct json_object *unit, const char *name, const char *address,
			     const char *size, uint64_t value)
{
	return (struct queue){
		.vm = (uint32_t)json_number_of(unit, "vm", 0),
		.name = name,
		.base = decode_field(address, &value, address),
		.len = UINT64_C(4096) << decode_field(address, &value, size),
		.words = 4,
	};
}

static void add_queues(struct show *show, struct json_object *unit, struct json_object *rows)
{
	struct json_object *registers = json_member(unit, "registers");
	/* the queue's address as it was latched when it was switched on */
	uint64_t iqa = json_number_of(unit, "iqa", 0);
	struct queue queue = queue_at(unit, "invalidation", "IQA", "QS", iqa);

	if (!decode_field("IQA", &iqa, "DW"))
		queue.words = 2;
	queue.head = json_number_of(registers, "IQH", 0);
	queue.tail = json_number_of(registers, "IQT", 0);
	if (json_flag_of(unit, "queue"))
		add_queue(show, &queue, rows);
	queue = queue_at(unit, "page-request", "PQA", "PQS", json_number_of(registers, "PQA", 0));
	queue.head = json_number_of(registers, "PQH", 0);
	queue.tail = json_number_of(registers, "PQT", 0);
	if (queue.base)
		add_queue(show, &queue, rows);
}

struct json_object *show_queue_collect(struct show *show)
{
	struct json_object *units = show_filter(show, "unit"), *rows, *unit;

	if (!units)
		return NULL;
	rows = json_object_new_array();
	JSON_FOR_EACH (units, unit)
		add_queues(show, unit, rows);
	json_object_put(units);
	return rows;
}

void show_queue_print(struct show *show, struct json_object *rows)
{
	struct json_object *row, *list, *item;

	JSON_FOR_EACH (rows, row) {
		uint64_t vm = json_number_of(row, "vm", 0);

		show_styled(show, SHOW_BOLD, vm ? "vm %" PRIu64 : "physical unit", vm);
		fprintf(show->out,
			", %s queue: %" PRIu64 " pending of %" PRIu64 ", head 0x%" PRIx64
			", tail 0x%" PRIx64 ", at %s\n",
			json_text_of(row, "queue"), json_number_of(row, "pending", 0),
			json_number_of(row, "entries", 0), json_number_of(row, "head", 0),
			json_number_of(row, "tail", 0), json_text_of(row, "base"));
		list = json_member(row, "list");
		for (size_t i = 0; i < json_length(list); i++) {
			item = json_object_array_get_idx(list, i);
			fprintf(show->out, "  %-6s %-20s %s\n", json_text_of(item, "at"),
				json_text_of(item, "kind"), json_text_of(item, "text"));
		}
	}
}
