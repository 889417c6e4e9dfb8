// SPDX-License-Identifier: MIT
#include "cli/trace/file.h"

#include <inttypes.h>

#include "cli/event_line.h"
#include "cli/json_text.h"
#include "cli/version.h"

void trace_file_begin(FILE *out)
{
	fprintf(out, "{\"trace\":%d,\"vsva\":\"%s\"}\n", TRACE_VERSION, VSVA_VERSION);
}

void trace_file_event(FILE *out, const struct vsva_record *record)
{
	char line[EVENT_LINE_MAX];
	size_t len = event_line_format(line, record);

	line[len] = '\n';
	fwrite(line, 1, len + 1, out);
}

void trace_file_lost(FILE *out, uint64_t lost)
{
	if (lost)
		fprintf(out, "{\"lost\":%" PRIu64 "}\n", lost);
}

/* Names */

typedef void item_fn(struct json_object *item, const struct name *name);

static void put_items(FILE *out, const char *object, const struct name *list, item_fn *fill)
{
	struct json_object *line = json_object_new_object(), *items = json_object_new_array();

	json_add_text(line, "get", object);
	json_object_object_add(line, "items", items);
	for (; list; list = list->next) {
		struct json_object *item = json_object_new_object();

		fill(item, list);
		json_add_text(item, "name", list->text);
		json_object_array_add(items, item);
	}
	json_put_line(out, line);
}

static void fill_vm(struct json_object *item, const struct name *name)
{
	json_add_number(item, "vm", name->key);
}

static void fill_device(struct json_object *item, const struct name *name)
{
	json_add_rid(item, "device", (uint16_t)name->key);
	json_add_text(item, "kind", name->extra == VSVA_DEVICE_DSA ? "dsa" : "test-engine");
}

static void fill_process(struct json_object *item, const struct name *name)
{
	json_add_number(item, "vm", name->key >> 32);
	json_add_number(item, "pasid", (uint32_t)name->key);
}

void trace_file_names(FILE *out, const struct names *names)
{
	put_items(out, "vm", names->guests, fill_vm);
	put_items(out, "device", names->devices, fill_device);
	put_items(out, "process", names->processes, fill_process);
}
