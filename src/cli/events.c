// SPDX-License-Identifier: MIT
#include "cli/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/event_line.h"
#include "cli/json_text.h"
#include "cli/snapshot.h"
#include "cli/status.h"

/* Objects that tell whose things are and what they are called. */
static const char *const objects[] = {"vm", "device", "assigned", "pasid", "process"};
#define OBJECT_COUNT (sizeof(objects) / sizeof(objects[0]))

struct events {
	struct view *view; /* NULL: it is a file */
	FILE *file;        /* likewise */
	const char *path;
	char *line;
	size_t line_size;
	unsigned number; /* of the line */
	struct names names;
	struct owners *owners;
	uint64_t lost; /* since the last event */
};

/* Names and owners */

static rid_t device_of(struct json_object *item)
{
	const char *text = json_text_of(item, "device");
	uint16_t number;

	return rid(text && rid_parse(text, &number) ? number : 0);
}

static uint32_t vm_of(struct json_object *item)
{
	return (uint32_t)json_number_of(item, "vm", 0);
}

static void name_device(struct events *events, struct json_object *item)
{
	const char *kind = json_text_of(item, "kind"), *name = json_text_of(item, "name");

	if (!name)
		name = json_text_of(item, "device");
	if (name && kind)
		names_set_device(&events->names, device_of(item),
				 strcmp(kind, "dsa") ? VSVA_DEVICE_TEST_ENGINE : VSVA_DEVICE_DSA,
				 name);
}

static void name_process(struct events *events, struct json_object *item)
{
	const char *name = json_text_of(item, "name");

	if (name)
		names_set_process(
			&events->names, vm_of(item),
			gpasid((uint32_t)json_number_of(item, "pasid", VSVA_PASID_INVALID)), name);
}

static void take_item(struct events *events, const char *object, struct json_object *item)
{
	const char *name = json_text_of(item, "name");

	if (!strcmp(object, "vm") && name)
		names_set_guest(&events->names, vm_of(item), name);
	else if (!strcmp(object, "device"))
		name_device(events, item);
	else if (!strcmp(object, "assigned") && !json_flag_of(item, "mdev"))
		owners_set_device(events->owners, device_of(item), vm_of(item));
	else if (!strcmp(object, "pasid") && json_member(item, "pasid"))
		owners_set_pasid(events->owners,
				 hpasid((uint32_t)json_number_of(item, "host_pasid", 0)),
				 vm_of(item), gpasid((uint32_t)json_number_of(item, "pasid", 0)));
	else if (!strcmp(object, "process"))
		name_process(events, item);
}

static void take_items(struct events *events, const char *object, struct json_object *items)
{
	struct json_object *item;

	if (items && json_object_is_type(items, json_type_array))
		JSON_FOR_EACH (items, item)
			take_item(events, object, item);
}

/* A file */

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

static bool check_header(const struct events *events, const char *text)
{
	struct json_object *line = json_tokener_parse(text);
	uint64_t trace = json_number_of(line, "trace", 0);
	uint64_t snapshot = json_number_of(line, "snapshot", 0);
	bool is_good = trace == TRACE_VERSION || (!trace && snapshot == SNAPSHOT_VERSION);

	json_object_put(line);
	if (!is_good && (trace || snapshot))
		complain(VSVA_CODE_FILE_FORMAT,
			 "%s is of version %" PRIu64 ", this vsva reads traces of version %d and "
			 "snapshots of version %d",
			 events->path, trace ? trace : snapshot, TRACE_VERSION, SNAPSHOT_VERSION);
	else if (!is_good)
		complain(VSVA_CODE_FILE_FORMAT, "%s is no trace and no snapshot of vsva",
			 events->path);
	return is_good;
}

static bool next_line(struct events *events)
{
	ssize_t len = getline(&events->line, &events->line_size, events->file);

	events->number++;
	return len > 0;
}

static bool read_header(struct events *events)
{
	bool is_there = next_line(events);

	if (!ferror(events->file))
		return check_header(events, is_there ? events->line : "");
	complain(VSVA_CODE_FILE, "%s: %s", events->path, strerror(errno));
	return false;
}

/* Names and owners may stand behind the events: they are read before. Events and pages are many. */
static bool read_objects(struct events *events)
{
	if (!read_header(events))
		return false;
	while (next_line(events)) {
		struct json_object *line;

		if (!begins(events->line, "{\"get\":"))
			continue;
		line = json_tokener_parse(events->line);
		if (json_text_of(line, "get"))
			take_items(events, json_text_of(line, "get"), json_member(line, "items"));
		json_object_put(line);
	}
	if (fseeko(events->file, 0, SEEK_SET)) {
		complain(VSVA_CODE_FILE, "%s: is read twice, which a pipe cannot be", events->path);
		return false;
	}
	events->number = 0;
	return true;
}

static bool open_file(struct events *events, const char *path)
{
	events->path = path;
	events->file = fopen(path, "re");
	if (!events->file)
		complain(VSVA_CODE_FILE, "%s: %s", path, strerror(errno));
	return events->file && read_objects(events);
}

/* A server */

/* Kinds that owners learn from. */
static bool tells_owners(enum vsva_event_kind kind)
{
	switch (kind) {
	case VSVA_EV_BIND:
	case VSVA_EV_CPU_TRANSLATION:
	case VSVA_EV_IOASID_RECLAIM:
	case VSVA_EV_DEVICE_ATTACH:
	case VSVA_EV_DEVICE_DETACH:
		return true;
	default:
		return false;
	}
}

static void add_kinds(struct json_object *request, const bool kinds[VSVA_EV_KIND_COUNT])
{
	struct json_object *list = json_object_new_array();
	bool all = true;

	for (int i = 0; i < VSVA_EV_KIND_COUNT; i++) {
		enum vsva_event_kind kind = (enum vsva_event_kind)i;

		all = all && kinds[i];
		if (kinds[i] || tells_owners(kind))
			json_object_array_add(list, json_object_new_string(vsva_event_name(kind)));
	}
	if (all)
		json_object_put(list);
	else
		json_object_object_add(request, "kinds", list);
}

static bool subscribe(struct events *events, const struct events_wanted *wanted)
{
	struct json_object *request = json_object_new_object(), *answer;

	json_add_flag(request, "trace", true);
	if (wanted) {
		add_kinds(request, wanted->kinds);
		if (wanted->from_oldest)
			json_add_text(request, "from", "oldest");
		if (wanted->until_now)
			json_add_text(request, "until", "now");
	}
	answer = view_ask(events->view, request, NULL);
	json_object_put(request);
	json_object_put(answer);
	return answer != NULL;
}

static bool open_server(struct events *events, const struct view_source *source,
			const struct events_wanted *wanted)
{
	events->view = view_open(source);
	for (size_t i = 0; events->view && i < OBJECT_COUNT; i++) {
		struct json_object *items = view_get_if_there(events->view, objects[i]);

		take_items(events, objects[i], items);
		json_object_put(items);
	}
	return events->view && subscribe(events, wanted);
}

/* Both */

struct events *events_open(const struct view_source *source, const struct events_wanted *wanted)
{
	struct events *events = calloc(1, sizeof(*events));
	bool is_open = false;

	if (events)
		events->owners = owners_create();
	if (!events || !events->owners)
		complain(VSVA_CODE_NO_MEMORY, "no memory");
	else
		is_open = source->snapshot ? open_file(events, source->snapshot)
					   : open_server(events, source, wanted);
	if (is_open)
		return events;
	events_close(events);
	return NULL;
}

void events_close(struct events *events)
{
	if (!events)
		return;
	view_close(events->view);
	if (events->file)
		fclose(events->file);
	names_fini(&events->names);
	owners_destroy(events->owners);
	free(events->line);
	free(events);
}

/* A line that is no event counts, or says nothing here. */
static bool take_event(struct events *events, struct json_object *line, struct traced *out)
{
	events->lost += json_number_of(line, "lost", 0);
	if (!json_member(line, "event") || !event_line_parse(line, &out->record))
		return false;
	out->owner = owners_observe(events->owners, &out->record.event);
	out->lost = events->lost;
	events->lost = 0;
	return true;
}

static enum events_status next_of_server(struct events *events, struct traced *out, int timeout_ms)
{
	while (view_wait(events->view, timeout_ms)) {
		struct json_object *line = view_next_line(events->view);
		bool is_end = json_flag_of(line, "end");
		bool is_event = line && take_event(events, line, out);

		if (!line)
			complain(VSVA_CODE_CONTROL_ABSENT, "the server has gone");
		json_object_put(line);
		if (is_event)
			return EVENTS_ONE;
		if (is_end)
			return EVENTS_END;
		if (!line)
			return EVENTS_BROKEN;
	}
	return EVENTS_NONE;
}

static enum events_status next_of_file(struct events *events, struct traced *out)
{
	while (next_line(events)) {
		struct json_object *line;
		bool is_event;

		if (!begins(events->line, "{\"event\":") && !begins(events->line, "{\"lost\":"))
			continue;
		line = json_tokener_parse(events->line);
		is_event = line && take_event(events, line, out);
		if (!is_event && !json_member(line, "lost")) {
			complain(VSVA_CODE_FILE_FORMAT,
				 "%s:%u: this line is no event that this vsva knows", events->path,
				 events->number);
			json_object_put(line);
			return EVENTS_BROKEN;
		}
		json_object_put(line);
		if (is_event)
			return EVENTS_ONE;
	}
	if (!ferror(events->file))
		return EVENTS_END;
	complain(VSVA_CODE_FILE, "%s: %s", events->path, strerror(errno));
	return EVENTS_BROKEN;
}

enum events_status events_next(struct events *events, struct traced *out, int timeout_ms)
{
	return events->view ? next_of_server(events, out, timeout_ms) : next_of_file(events, out);
}

uint64_t events_lost_at_end(const struct events *events)
{
	return events->lost;
}

const struct names *events_names(const struct events *events)
{
	return &events->names;
}
