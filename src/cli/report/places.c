// SPDX-License-Identifier: MIT
/* Where PASID entries of a guest and of the host belong together: each binding, and requests without
 * PASID of each device that a VM has. */
#include <inttypes.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/report/report.h"

void report_entry_id(FILE *out, uint32_t vm, uint16_t rid, uint32_t pasid)
{
	if (pasid == SHOW_ANY)
		fprintf(out, "entry-%" PRIu32 "-%04x-none", vm, rid);
	else
		fprintf(out, "entry-%" PRIu32 "-%04x-%" PRIu32, vm, rid, pasid);
}

static bool is_at(const struct report_place *place, uint32_t vm, uint16_t rid, uint32_t pasid)
{
	return vm ? place->vm == vm && place->guest_rid == rid && place->pasid == pasid
		  : place->rid == rid && place->host_pasid == pasid;
}

static bool is_known(const struct report *report, uint32_t vm, uint16_t rid, uint32_t pasid)
{
	for (size_t i = 0; i < report->place_count; i++)
		if (is_at(&report->places[i], vm, rid, pasid))
			return true;
	return false;
}

bool report_entry_link(struct report *report, uint32_t vm, uint16_t rid, uint32_t pasid)
{
	if (!is_known(report, vm, rid, pasid))
		return false;
	fputs("<a href=\"#", report->out);
	report_entry_id(report->out, vm, rid, pasid);
	fputs("\">", report->out);
	return true;
}

/* What a file says twice is one place. */
static void add(struct report *report, const struct report_place *place)
{
	if (is_known(report, 0, place->rid, place->host_pasid) ||
	    (place->vm && is_known(report, place->vm, place->guest_rid, place->pasid)))
		return;
	if (report->place_count < REPORT_ENTRIES)
		report->places[report->place_count++] = *place;
	else
		report->places_left_out++;
}

static bool take_rid(struct json_object *row, const char *key, uint16_t *rid)
{
	const char *text = json_text_of(row, key);

	return text && rid_parse(text, rid);
}

static bool find_guest_rid(struct report *report, struct report_place *place)
{
	struct json_object *device, *owner;
	uint16_t rid;

	JSON_FOR_EACH (report->rows[REPORT_DEVICE], device)
		for (size_t i = 0; i < json_length(json_member(device, "owners")); i++) {
			owner = json_object_array_get_idx(json_member(device, "owners"), i);
			if (take_rid(device, "device", &rid) && rid == place->rid &&
			    json_number_of(owner, "vm", 0) == place->vm &&
			    take_rid(owner, "guest_device", &place->guest_rid))
				return true;
		}
	return false;
}

static void add_binding(struct report *report, struct json_object *pasid,
			struct json_object *binding)
{
	struct report_place place = {
		.vm = (uint32_t)json_number_of(pasid, "vm", 0),
		.pasid = (uint32_t)json_number_of(pasid, "pasid", SHOW_ANY),
		.host_pasid = (uint32_t)json_number_of(pasid, "host_pasid", SHOW_ANY),
	};

	/* one of the host's own, for a guest's requests without PASID: below */
	if (place.host_pasid == SHOW_ANY || (place.vm && place.pasid == SHOW_ANY))
		return;
	if (take_rid(binding, "device", &place.rid) &&
	    (!place.vm || find_guest_rid(report, &place)))
		add(report, &place);
}

static void add_without_pasid(struct report *report, struct json_object *device,
			      struct json_object *owner)
{
	struct report_place place = {
		.vm = (uint32_t)json_number_of(owner, "vm", 0),
		.pasid = SHOW_ANY,
		.host_pasid = SHOW_ANY,
	};

	if (place.vm && take_rid(device, "device", &place.rid) &&
	    take_rid(owner, "guest_device", &place.guest_rid))
		add(report, &place);
}

void report_places_collect(struct report *report)
{
	struct json_object *row, *list;

	JSON_FOR_EACH (report->rows[REPORT_PASID], row) {
		list = json_member(row, "bindings");
		for (size_t i = 0; i < json_length(list); i++)
			add_binding(report, row, json_object_array_get_idx(list, i));
	}
	JSON_FOR_EACH (report->rows[REPORT_DEVICE], row) {
		list = json_member(row, "owners");
		for (size_t i = 0; i < json_length(list); i++)
			add_without_pasid(report, row, json_object_array_get_idx(list, i));
	}
}
