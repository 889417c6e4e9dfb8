// SPDX-License-Identifier: MIT
/* PASIDs: state, who holds them, where they are bound. */
#include <inttypes.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/show/show.h"

static bool is_bound_on(struct json_object *row, const struct show *show)
{
	struct json_object *bindings = json_member(row, "bindings"), *binding;

	JSON_FOR_EACH (bindings, binding)
		if (show_selects_device(show, binding))
			return true;
	return show->device == SHOW_ANY;
}

static unsigned groups_of(struct json_object *groups, struct json_object *pasid)
{
	struct json_object *group;
	unsigned count = 0;

	if (groups)
		JSON_FOR_EACH (groups, group)
			count += json_number_of(group, "host_pasid", 0) ==
				 json_number_of(pasid, "host_pasid", 1);
	return count;
}

struct json_object *show_pasid_collect(struct show *show)
{
	struct show any_device = *show;
	struct json_object *pasids, *groups, *rows, *row;

	any_device.device = SHOW_ANY;
	pasids = show_filter(&any_device, "pasid");
	if (!pasids)
		return NULL;
	groups = view_get_if_there(show->view, "group");
	rows = json_object_new_array();
	JSON_FOR_EACH (pasids, row) {
		struct json_object *copy = NULL;

		if (!is_bound_on(row, show))
			continue;
		json_object_deep_copy(row, &copy, NULL);
		json_add_number(copy, "page_requests_pending", groups_of(groups, row));
		json_object_array_add(rows, copy);
	}
	json_object_put(groups);
	json_object_put(pasids);
	return rows;
}

/* "allocation, 1 binding, processors" */
static void holders_text(struct json_object *holders, char *text, size_t len)
{
	static const char *const names[] = {"allocation", "bindings", "processors", "queues",
					    "others"};
	size_t used = 0;

	text[0] = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint64_t count = json_number_of(holders, names[i], 0);
		bool counts = i == 1 || i >= 3;

		if (!count || used >= len)
			continue;
		used += (size_t)snprintf(text + used, len - used, counts ? "%s%s %" PRIu64 : "%s%s",
					 used ? ", " : "", names[i], count);
	}
}

static void bindings_text(struct json_object *bindings, char *text, size_t len)
{
	struct json_object *binding;
	size_t used = 0;

	text[0] = 0;
	JSON_FOR_EACH (bindings, binding)
		if (used < len)
			used += (size_t)snprintf(text + used, len - used, "%s%s %s %s did %" PRIu64,
						 used ? ", " : "", json_text_of(binding, "device"),
						 json_text_of(binding, "kind"),
						 json_text_of(binding, "state"),
						 json_number_of(binding, "did", 0));
}

void show_pasid_print(struct show *show, struct json_object *rows)
{
	static const char *const heads[] = {"vm",   "pasid",   "host",  "state",   "flags",
					    "refs", "held by", "asked", "bound on"};
	struct json_object *row;
	struct table table;
	char text[256];

	table_begin(&table, 9, heads);
	JSON_FOR_EACH (rows, row) {
		const char *state = json_text_of(row, "state");

		table_row(&table);
		table_number(&table, 0, row, "vm");
		table_number(&table, 1, row, "pasid");
		table_number(&table, 2, row, "host_pasid");
		table_cell(&table, 3, "%s%s", strcmp(state, "free-pending") ? "" : "!", state);
		table_cell(&table, 4, "%s%s%s",
			   json_flag_of(row, "guest_mode") ? "GUEST_MODE" : "-",
			   json_flag_of(row, "guest_pasid") ? " GUEST_PASID" : "",
			   json_flag_of(row, "from_vcmd") ? " vcmd" : "");
		table_number(&table, 5, row, "references");
		holders_text(json_member(row, "holders"), text, sizeof(text));
		table_cell(&table, 6, "%s", text);
		table_number(&table, 7, row, "page_requests_pending");
		bindings_text(json_member(row, "bindings"), text, sizeof(text));
		table_cell(&table, 8, "%s", *text ? text : "-");
	}
	table_end(show, &table);
}
