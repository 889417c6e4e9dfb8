// SPDX-License-Identifier: MIT
/* What the numbers on the page are called. */
#include <inttypes.h>
#include <string.h>

#include "cli/html.h"
#include "cli/json_text.h"
#include "cli/report/report.h"

struct json_object *report_vm_row(const struct report *report, uint64_t vm)
{
	struct json_object *row;

	JSON_FOR_EACH (report->rows[REPORT_VM], row)
		if (json_number_of(row, "vm", 0) == vm)
			return row;
	return NULL;
}

void report_vm_name(struct report *report, uint64_t vm)
{
	const char *name = json_text_of(report_vm_row(report, vm), "name");

	if (!vm)
		fputs("physical unit", report->out);
	else
		html_format(report->out, "vm %" PRIu64 "%s%s", vm, name ? " " : "",
			    name ? name : "");
}

static bool is_rid(struct json_object *row, const char *key, uint16_t rid)
{
	const char *text = json_text_of(row, key);
	uint16_t found;

	return text && rid_parse(text, &found) && found == rid;
}

static bool has_in_guest(struct json_object *device, uint32_t vm, uint16_t rid)
{
	struct json_object *owner;

	JSON_FOR_EACH (json_member(device, "owners"), owner)
		if (json_number_of(owner, "vm", 0) == vm && is_rid(owner, "guest_device", rid))
			return true;
	return false;
}

const char *report_device_kind(const struct report *report, uint32_t vm, uint16_t rid)
{
	struct json_object *row;

	JSON_FOR_EACH (report->rows[REPORT_DEVICE], row)
		if (vm ? has_in_guest(row, vm, rid) : is_rid(row, "device", rid))
			return json_text_of(row, "kind");
	return NULL;
}

/* PASIDs: there may be a million */

#define KEY_LEN 48u

static void pasid_key(uint64_t vm, uint64_t pasid, char key[KEY_LEN])
{
	snprintf(key, KEY_LEN, "%" PRIu64 ":%" PRIu64, vm, pasid);
}

/* The first of a number counts. */
static void add_pasid(struct report *report, uint64_t vm, struct json_object *pasid,
		      struct json_object *row)
{
	char key[KEY_LEN];
	uint64_t number;

	if (!json_number(pasid, &number))
		return;
	pasid_key(vm, number, key);
	if (!json_member(report->pasids, key))
		json_object_object_add(report->pasids, key, json_object_get(row));
}

void report_names_collect(struct report *report)
{
	struct json_object *row;

	report->pasids = json_object_new_object();
	JSON_FOR_EACH (report->rows[REPORT_PASID], row) {
		uint64_t vm = json_number_of(row, "vm", 0);

		add_pasid(report, 0, json_member(row, "host_pasid"), row);
		if (vm)
			add_pasid(report, vm, json_member(row, "pasid"), row);
	}
}

struct json_object *report_pasid_row(const struct report *report, uint64_t vm, uint64_t pasid)
{
	char key[KEY_LEN];

	pasid_key(vm, pasid, key);
	return json_member(report->pasids, key);
}
