/* SPDX-License-Identifier: MIT */
/* One JSON object a line; docs/scenarios.md lists the types and their members. */
#include <json.h>
#include <stdlib.h>

#include "cli/journey.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "cli/tell.h"

struct json_teller {
	struct teller teller;
	FILE *out;
};

static struct json_object *line_of(const char *type)
{
	struct json_object *line = json_object_new_object();

	json_object_object_add(line, "type", json_object_new_string(type));
	return line;
}

static void add_text(struct json_object *line, const char *key, const char *text)
{
	if (text)
		json_object_object_add(line, key, json_object_new_string(text));
}

static void add_number(struct json_object *line, const char *key, uint64_t value)
{
	json_object_object_add(line, key, json_object_new_uint64(value));
}

static void add_address(struct json_object *line, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)value);
	add_text(line, key, text);
}

/* The line goes out whole and is freed. */
static void put(struct teller *teller, struct json_object *line)
{
	progress_erase();
	json_put_line(((struct json_teller *)teller)->out, line);
}

static void put_text(struct teller *teller, const char *type, const char *text)
{
	struct json_object *line = line_of(type);

	add_text(line, "text", text);
	put(teller, line);
}

static void tell_section(struct teller *teller, const char *text)
{
	put_text(teller, "section", text);
}

static void tell_say(struct teller *teller, const char *text)
{
	put_text(teller, "print", text);
}

static void tell_violation(struct teller *teller, const char *text)
{
	put_text(teller, "violation", text);
}

static void tell_error(struct teller *teller, const char *text)
{
	put_text(teller, "error", text);
	complain(VSVA_CODE_SCRIPT, "%s", text);
}

static void tell_expect(struct teller *teller, bool is_met, const char *text, const char *where)
{
	struct json_object *line = line_of("expect");

	json_object_object_add(line, "ok", json_object_new_boolean(is_met));
	add_text(line, "text", text);
	add_text(line, "where", where);
	put(teller, line);
}

/* Hops */

static void add_who(struct json_object *line, const struct names *names, const struct hop *hop)
{
	char rid[12];

	if (hop->vm)
		add_number(line, "vm", hop->vm);
	else
		add_text(line, "process", names_native(names, hop->event.hpasid));
	add_text(line, "guest", names_guest(names, hop->vm));
	if (hop->guest.v != VSVA_PASID_INVALID) {
		add_text(line, "process", names_process(names, hop->vm, hop->guest));
		add_number(line, "gpasid", hop->guest.v);
	}
	if (hop->event.hpasid.v != VSVA_PASID_INVALID)
		add_number(line, "hpasid", hop->event.hpasid.v);
	if (!hop->event.rid.v)
		return;
	snprintf(rid, sizeof(rid), "%02x:%02x.%x", hop->event.rid.v >> 8,
		 hop->event.rid.v >> 3 & 0x1f, hop->event.rid.v & 7);
	add_text(line, "rid", rid);
	add_text(line, "device", names_device(names, hop->event.rid));
}

static void add_addresses(struct json_object *line, const struct hop *hop)
{
	const struct vsva_event *event = &hop->event;
	bool has_pasid = event->hpasid.v != VSVA_PASID_INVALID;

	switch (hop_kind_of(event->kind)->address) {
	case HOP_ADDRESS_NONE:
		break;
	case HOP_ADDRESS_ROOT:
		add_address(line, "root", event->addr);
		break;
	case HOP_ADDRESS_GVA:
		add_address(line, "gva", event->addr);
		break;
	case HOP_ADDRESS_GVA_HPA:
		add_address(line, has_pasid ? "gva" : "iova", event->addr);
		if (hop->has_gpa)
			add_address(line, "gpa", hop->gpa.v);
		add_address(line, "hpa", event->hpa.v);
		break;
	case HOP_ADDRESS_GVA_GPA:
		add_address(line, "gva", event->addr);
		add_address(line, "gpa", event->hpa.v);
		break;
	case HOP_ADDRESS_GPA:
		add_address(line, "gpa", event->addr);
		break;
	case HOP_ADDRESS_GPA_HPA:
		add_address(line, "gpa", event->addr);
		add_address(line, "hpa", event->hpa.v);
		break;
	}
}

static void tell_hop(struct teller *teller, const struct hop *hop)
{
	const struct vsva_event *event = &hop->event;
	const struct hop_kind *kind = hop_kind_of(event->kind);
	struct json_object *line = line_of("hop");

	add_number(line, "n", hop->number);
	add_text(line, "kind", vsva_event_name(event->kind));
	add_text(line, "room", vsva_room_name(event->room));
	add_text(line, "journey", journey_name(journey_of(event)));
	add_who(line, teller->names, hop);
	add_addresses(line, hop);
	if (event->len)
		add_number(line, "len", event->len);
	if (event->write)
		json_object_object_add(line, "write", json_object_new_boolean(true));
	if (kind->value != HOP_VALUE_NONE)
		add_number(line, "value", event->value);
	if (event->result)
		json_object_object_add(line, "result", json_object_new_int(event->result));
	put(teller, line);
}

/* Summary */

static struct json_object *unit_of(const struct summary *summary)
{
	struct json_object *unit = json_object_new_object();

	add_number(unit, "walks", summary->unit.walks);
	add_number(unit, "iotlb_hits", summary->unit.iotlb_hits);
	add_number(unit, "iotlb_misses", summary->unit.iotlb_misses);
	add_number(unit, "descriptors", summary->unit.descriptors);
	add_number(unit, "page_requests", summary->unit.page_requests);
	add_number(unit, "faults", summary->unit.faults);
	return unit;
}

static void tell_summary(struct teller *teller, const struct summary *s)
{
	struct json_object *line = line_of("summary");

	add_text(line, "scenario", s->scenario);
	add_text(line, "cache_policy", s->cache_policy);
	add_number(line, "seed", s->seed);
	add_number(line, "expectations", s->expectations);
	add_number(line, "expectations_failed", s->expectations_failed);
	add_number(line, "hops", s->hops);
	add_number(line, "hops_dropped", s->hops_dropped);
	add_number(line, "page_requests", s->page_requests);
	add_number(line, "page_responses", s->page_responses);
	add_number(line, "pages_refused", s->pages_refused);
	add_number(line, "groups_open", s->groups_open);
	add_number(line, "groups_wrong", s->groups_wrong);
	add_number(line, "binds", s->binds);
	add_number(line, "unbinds", s->unbinds);
	add_number(line, "binds_refused", s->binds_refused);
	add_number(line, "accesses", s->accesses);
	add_number(line, "faults", s->faults);
	add_number(line, "pasids_allocated", s->pasids_allocated);
	add_number(line, "pasids_leaked", s->pasids_leaked);
	add_number(line, "bound_left", s->bound_left);
	add_number(line, "violations", s->violations);
	json_object_object_add(line, "unit", unit_of(s));
	add_number(line, "status", (uint64_t)s->status);
	put(teller, line);
}

static void destroy(struct teller *teller)
{
	free(teller);
}

static const struct teller_ops json_ops = {
	.section = tell_section,
	.say = tell_say,
	.hop = tell_hop,
	.expect = tell_expect,
	.violation = tell_violation,
	.error = tell_error,
	.summary = tell_summary,
	.destroy = destroy,
};

struct teller *tell_json_create(const struct names *names, FILE *out)
{
	struct json_teller *json = calloc(1, sizeof(*json));

	if (!json)
		return NULL;
	json->teller = (struct teller){.ops = &json_ops, .names = names};
	json->out = out;
	return &json->teller;
}
