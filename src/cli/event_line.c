// SPDX-License-Identifier: MIT
#include "cli/event_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/json_text.h"

/* To a line. Printed by hand: a server writes hundreds of thousands a second. */

struct text {
	char *at;
	size_t used;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->used +=
		(size_t)vsnprintf(text->at + text->used, EVENT_LINE_MAX - text->used, format, args);
	va_end(args);
}

static void add_hex(struct text *text, const char *key, uint64_t value)
{
	if (value)
		add(text, ",\"%s\":\"0x%" PRIx64 "\"", key, value);
}

static void add_who(struct text *text, const struct vsva_event *event)
{
	char rid[8];

	if (event->vm)
		add(text, ",\"vm\":%" PRIu32, event->vm);
	if (event->rid.v) {
		rid_format(event->rid.v, rid);
		add(text, ",\"device\":\"%s\"", rid);
	}
	if (event->gpasid.v != VSVA_PASID_INVALID)
		add(text, ",\"pasid\":%" PRIu32, event->gpasid.v);
	if (event->hpasid.v != VSVA_PASID_INVALID)
		add(text, ",\"host_pasid\":%" PRIu32, event->hpasid.v);
}

size_t event_line_format(char line[EVENT_LINE_MAX], const struct vsva_record *record)
{
	const struct vsva_event *event = &record->event;
	struct text text = {.at = line};

	add(&text,
	    "{\"event\":\"%s\",\"room\":\"%s\",\"time\":%" PRIu64 ",\"id\":\"0x%" PRIx64 "\"",
	    vsva_event_name(event->kind), vsva_room_name(event->room), record->time_ns, record->id);
	add_hex(&text, "cause", record->cause);
	add(&text, ",\"thread\":%" PRIu32, record->thread);
	add_who(&text, event);
	add_hex(&text, "addr", event->addr);
	add_hex(&text, "hpa", event->hpa.v);
	add_hex(&text, "len", event->len);
	if (event->write)
		add(&text, ",\"write\":true");
	/* a number that names something, or an address */
	if (event->value > UINT32_MAX)
		add_hex(&text, "value", event->value);
	else if (event->value)
		add(&text, ",\"value\":%" PRIu64, event->value);
	if (event->result)
		add(&text, ",\"result\":%d", event->result);
	add(&text, "}");
	return text.used;
}

/* From a line */

bool event_kind_parse(const char *name, enum vsva_event_kind *out)
{
	for (int kind = 0; kind < VSVA_EV_KIND_COUNT; kind++)
		if (!strcmp(name, vsva_event_name((enum vsva_event_kind)kind))) {
			*out = (enum vsva_event_kind)kind;
			return true;
		}
	return false;
}

static bool room_parse(const char *name, enum vsva_room *out)
{
	for (int room = VSVA_ROOM_GUEST; room <= VSVA_ROOM_DEVICE; room++)
		if (!strcmp(name, vsva_room_name((enum vsva_room)room))) {
			*out = (enum vsva_room)room;
			return true;
		}
	return false;
}

static rid_t rid_of(struct json_object *line)
{
	const char *text = json_text_of(line, "device");
	uint16_t number;

	return rid(text && rid_parse(text, &number) ? number : 0);
}

static uint32_t pasid_of(struct json_object *line, const char *key)
{
	return (uint32_t)json_number_of(line, key, VSVA_PASID_INVALID);
}

bool event_line_parse(struct json_object *line, struct vsva_record *out)
{
	const char *kind = json_text_of(line, "event"), *room = json_text_of(line, "room");
	struct json_object *result = json_member(line, "result");
	struct vsva_event *event = &out->event;

	*out = (struct vsva_record){.id = json_number_of(line, "id", 0),
				    .cause = json_number_of(line, "cause", 0),
				    .time_ns = json_number_of(line, "time", 0),
				    .thread = (uint32_t)json_number_of(line, "thread", 0)};
	if (!kind || !room || !event_kind_parse(kind, &event->kind) ||
	    !room_parse(room, &event->room))
		return false;
	event->vm = (uint32_t)json_number_of(line, "vm", 0);
	event->rid = rid_of(line);
	event->gpasid = gpasid(pasid_of(line, "pasid"));
	event->hpasid = hpasid(pasid_of(line, "host_pasid"));
	event->addr = json_number_of(line, "addr", 0);
	event->hpa = hpa(json_number_of(line, "hpa", 0));
	event->len = json_number_of(line, "len", 0);
	event->value = json_number_of(line, "value", 0);
	event->write = json_flag_of(line, "write");
	event->result = result ? json_object_get_int(result) : 0;
	return out->id != 0;
}
