// SPDX-License-Identifier: MIT
/* Devices, each with those who have it or a part of it. */
#include <inttypes.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/show/show.h"

static struct json_object *with_owners(struct json_object *device, struct json_object *assigned)
{
	struct json_object *row = NULL, *owners = json_object_new_array(), *item;

	json_object_deep_copy(device, &row, NULL);
	JSON_FOR_EACH (assigned, item)
		if (json_has_same_text(item, device, "device"))
			json_object_array_add(owners, json_object_get(item));
	json_object_object_add(row, "owners", owners);
	return row;
}

static bool selects_owners(const struct show *show, struct json_object *row)
{
	struct json_object *owners = json_member(row, "owners"), *owner;

	if (show->vm == SHOW_ANY)
		return show_selects(show, row);
	JSON_FOR_EACH (owners, owner)
		if (show_selects(show, owner))
			return true;
	return false;
}

struct json_object *show_device_collect(struct show *show)
{
	struct json_object *devices = view_get(show->view, "device");
	struct json_object *assigned = view_get(show->view, "assigned");
	struct json_object *rows = devices && assigned ? json_object_new_array() : NULL, *device;

	if (rows)
		JSON_FOR_EACH (devices, device) {
			struct json_object *row = with_owners(device, assigned);

			if (selects_owners(show, row))
				json_object_array_add(rows, json_object_get(row));
			json_object_put(row);
		}
	json_object_put(devices);
	json_object_put(assigned);
	return rows;
}

static void print_owner(struct show *show, struct json_object *owner)
{
	struct json_object *context = json_member(owner, "context");

	fprintf(show->out, "    vm %" PRIu64 " as %s%s, without PASID %s, %" PRIu64 " PASIDs bound",
		json_number_of(owner, "vm", 0), json_text_of(owner, "guest_device"),
		json_flag_of(owner, "mdev") ? " (mediated)" : "",
		json_text_of(owner, "without_pasid"), json_number_of(owner, "shadows", 0));
	if (json_member(context, "fault"))
		fprintf(show->out, "; guest's context entry: fault 0x%" PRIx64 "\n",
			json_number_of(context, "fault", 0));
	else
		fprintf(show->out,
			"; guest's context entry: directory %s PDTS=%" PRIu64 "%s%s%s; sees%s%s\n",
			json_text_of(context, "directory"), json_number_of(context, "pdts", 0),
			json_flag_of(context, "dte") ? " DTE" : "",
			json_flag_of(context, "pre") ? " PRE" : "",
			json_flag_of(context, "paside") ? " PASIDE" : "",
			json_flag_of(owner, "sees_ats") ? " ATS" : "",
			json_flag_of(owner, "sees_pri") ? " PRI" : " no PRI");
}

void show_device_print(struct show *show, struct json_object *rows)
{
	static const struct {
		const char *key, *name;
	} flags[] = {{"bus_master", "bus-master"},
		     {"ats", "ATS"},
		     {"pri", "PRI"},
		     {"pasid", "PASID"},
		     {"gone", "GONE"}};
	struct json_object *row, *owners;

	JSON_FOR_EACH (rows, row) {
		show_styled(show, SHOW_BOLD, "%s", json_text_of(row, "device"));
		fprintf(show->out, " %s:", json_text_of(row, "kind"));
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (json_flag_of(row, flags[i].key))
				show_styled(show,
					    !strcmp(flags[i].key, "gone") ? SHOW_BAD : SHOW_GOOD,
					    " %s", flags[i].name);
		fprintf(show->out, "%s\n", json_flag_of(row, "assigned") ? "" : " (nobody has it)");
		owners = json_member(row, "owners");
		for (size_t i = 0; i < json_length(owners); i++)
			print_owner(show, json_object_array_get_idx(owners, i));
	}
}
