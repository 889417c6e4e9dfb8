// SPDX-License-Identifier: MIT
/* VMs, devices, PASIDs, page requests, counters: tables. */
#include <inttypes.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/show.h"

#define FOR_EACH(list, item)                                                                       \
	for (size_t at_ = 0; at_ < json_object_array_length(list) &&                               \
			     ((item) = json_object_array_get_idx(list, at_), true);                \
	     at_++)

static void cell_number(struct table *table, unsigned column, struct json_object *row,
			const char *key)
{
	if (json_member(row, key))
		table_cell(table, column, "%" PRIu64, json_number_of(row, key, 0));
}

static void cell_text(struct table *table, unsigned column, struct json_object *row,
		      const char *key)
{
	if (json_text_of(row, key))
		table_cell(table, column, "%s", json_text_of(row, key));
}

/* VMs */

struct json_object *show_vm_collect(struct show *show)
{
	return show_filter(show, "vm");
}

void show_vm_print(struct show *show, struct json_object *rows)
{
	static const char *const heads[] = {"vm",      "name",    "pasids", "quota",
					    "devices", "windows", "state"};
	struct json_object *row;
	struct table table;

	table_begin(&table, 7, heads);
	FOR_EACH(rows, row)
	{
		table_row(&table);
		cell_number(&table, 0, row, "vm");
		cell_text(&table, 1, row, "name");
		cell_number(&table, 2, row, "pasids");
		cell_number(&table, 3, row, "pasid_quota");
		cell_number(&table, 4, row, "devices");
		cell_number(&table, 5, row, "windows");
		table_cell(&table, 6, json_flag_of(row, "scanning") ? "scanning" : "quiet");
	}
	table_end(show, &table);
}

/* Devices: each with those who have it or a part of it. */

static bool is_same(struct json_object *a, struct json_object *b, const char *key)
{
	const char *x = json_text_of(a, key), *y = json_text_of(b, key);

	return x && y && !strcmp(x, y);
}

static struct json_object *with_owners(struct json_object *device, struct json_object *assigned)
{
	struct json_object *row = NULL, *owners = json_object_new_array(), *item;

	json_object_deep_copy(device, &row, NULL);
	FOR_EACH(assigned, item)
	if (is_same(item, device, "device"))
		json_object_array_add(owners, json_object_get(item));
	json_object_object_add(row, "owners", owners);
	return row;
}

static bool selects_owners(const struct show *show, struct json_object *row)
{
	struct json_object *owners = json_member(row, "owners"), *owner;

	if (show->vm == SHOW_ANY)
		return show_selects(show, row);
	FOR_EACH(owners, owner)
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
		FOR_EACH(devices, device)
		{
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

	FOR_EACH(rows, row)
	{
		show_styled(show, SHOW_BOLD, "%s", json_text_of(row, "device"));
		fprintf(show->out, " %s:", json_text_of(row, "kind"));
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (json_flag_of(row, flags[i].key))
				show_styled(show,
					    !strcmp(flags[i].key, "gone") ? SHOW_BAD : SHOW_GOOD,
					    " %s", flags[i].name);
		fprintf(show->out, "%s\n", json_flag_of(row, "assigned") ? "" : " (nobody has it)");
		owners = json_member(row, "owners");
		for (size_t i = 0; i < json_object_array_length(owners); i++)
			print_owner(show, json_object_array_get_idx(owners, i));
	}
}

/* PASIDs */

static bool is_bound_on(struct json_object *row, const struct show *show)
{
	struct json_object *bindings = json_member(row, "bindings"), *binding;
	uint16_t rid;

	if (show->device == SHOW_ANY)
		return true;
	FOR_EACH(bindings, binding)
	if (rid_parse(json_text_of(binding, "device"), &rid) && rid == show->device)
		return true;
	return false;
}

static unsigned groups_of(struct json_object *groups, struct json_object *pasid)
{
	struct json_object *group;
	unsigned count = 0;

	if (groups)
		FOR_EACH(groups, group)
	count += json_number_of(group, "host_pasid", 0) == json_number_of(pasid, "host_pasid", 1);
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
	FOR_EACH(pasids, row)
	{
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
	FOR_EACH(bindings, binding)
	if (used < len)
		used += (size_t)snprintf(
			text + used, len - used, "%s%s %s %s did %" PRIu64, used ? ", " : "",
			json_text_of(binding, "device"), json_text_of(binding, "kind"),
			json_text_of(binding, "state"), json_number_of(binding, "did", 0));
}

void show_pasid_print(struct show *show, struct json_object *rows)
{
	static const char *const heads[] = {"vm",   "pasid",   "host",  "state",   "flags",
					    "refs", "held by", "asked", "bound on"};
	struct json_object *row;
	struct table table;
	char text[256];

	table_begin(&table, 9, heads);
	FOR_EACH(rows, row)
	{
		const char *state = json_text_of(row, "state");

		table_row(&table);
		cell_number(&table, 0, row, "vm");
		cell_number(&table, 1, row, "pasid");
		cell_number(&table, 2, row, "host_pasid");
		table_cell(&table, 3, "%s%s", strcmp(state, "free-pending") ? "" : "!", state);
		table_cell(&table, 4, "%s%s%s",
			   json_flag_of(row, "guest_mode") ? "GUEST_MODE" : "-",
			   json_flag_of(row, "guest_pasid") ? " GUEST_PASID" : "",
			   json_flag_of(row, "from_vcmd") ? " vcmd" : "");
		cell_number(&table, 5, row, "references");
		holders_text(json_member(row, "holders"), text, sizeof(text));
		table_cell(&table, 6, "%s", text);
		cell_number(&table, 7, row, "page_requests_pending");
		bindings_text(json_member(row, "bindings"), text, sizeof(text));
		table_cell(&table, 8, "%s", *text ? text : "-");
	}
	table_end(show, &table);
}

/* Page requests */

struct json_object *show_group_collect(struct show *show)
{
	return show_filter(show, "group");
}

void show_group_print(struct show *show, struct json_object *rows)
{
	static const char *const heads[] = {"device",   "host pasid",    "group", "state",
					    "requests", "first address", "wants"};
	struct json_object *row;
	struct table table;

	table_begin(&table, 7, heads);
	FOR_EACH(rows, row)
	{
		table_row(&table);
		cell_text(&table, 0, row, "device");
		cell_number(&table, 1, row, "host_pasid");
		cell_number(&table, 2, row, "prgi");
		cell_text(&table, 3, row, "state");
		cell_number(&table, 4, row, "requests");
		cell_text(&table, 5, row, "address");
		table_cell(&table, 6, json_flag_of(row, "write") ? "write" : "read");
	}
	table_end(show, &table);
}

/* Counters */

/* Those of each binding stand with the PASIDs. */
static void add_bindings(struct show *show, struct json_object *rows)
{
	static const char *const counters[] = {"page_requests", "invalidations", "faults"};
	struct json_object *pasids = view_get_if_there(show->view, "pasid"), *pasid;

	if (!pasids)
		return;
	FOR_EACH(pasids, pasid)
	{
		struct json_object *bindings = json_member(pasid, "bindings");

		for (size_t i = 0; i < json_object_array_length(bindings); i++) {
			struct json_object *from = json_object_array_get_idx(bindings, i);
			struct json_object *row = json_object_new_object();

			json_add_text(row, "of", "pasid");
			if (json_member(pasid, "vm"))
				json_add_number(row, "vm", json_number_of(pasid, "vm", 0));
			json_add_text(row, "device", json_text_of(from, "device"));
			if (json_member(pasid, "pasid"))
				json_add_number(row, "pasid", json_number_of(pasid, "pasid", 0));
			json_add_number(row, "host_pasid", json_number_of(pasid, "host_pasid", 0));
			for (size_t k = 0; k < 3; k++)
				json_add_number(row, counters[k],
						json_number_of(from, counters[k], 0));
			json_object_array_add(rows, row);
		}
	}
	json_object_put(pasids);
}

struct json_object *show_stats_collect(struct show *show)
{
	struct json_object *stats = view_get(show->view, "stats"), *rows, *row;

	if (!stats)
		return NULL;
	add_bindings(show, stats);
	rows = json_object_new_array();
	FOR_EACH(stats, row)
	if (show_selects(show, row))
		json_object_array_add(rows, json_object_get(row));
	json_object_put(stats);
	return rows;
}

static bool is_identity(const char *key)
{
	static const char *const keys[] = {"of", "vm", "device", "pasid", "host_pasid"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

static bool is_level(const char *key)
{
	size_t len = strlen(key);

	return !strcmp(key, "cached") || !strcmp(key, "iotlb_entries") ||
	       !strcmp(key, "iotlb_bytes") || (len > 4 && !strcmp(key + len - 4, "_now"));
}

/* What has grown since; levels stay what they are. */
static struct json_object *rates_of(struct json_object *before, struct json_object *now,
				    double seconds)
{
	struct json_object *row = json_object_new_object();

	json_object_object_foreach(now, key, value)
	{
		uint64_t is, was = json_number_of(before, key, 0);

		if (json_object_is_type(value, json_type_object))
			json_object_object_add(row, key,
					       rates_of(json_member(before, key), value, seconds));
		else if (is_identity(key) || is_level(key) || !json_number(value, &is))
			json_object_object_add(row, key, json_object_get(value));
		else
			json_add_number(row, key,
					is > was ? (uint64_t)((double)(is - was) / seconds + 0.5)
						 : 0);
	}
	return row;
}

static bool is_of_the_same(struct json_object *a, struct json_object *b)
{
	static const char *const keys[] = {"vm", "host_pasid"};

	for (size_t i = 0; i < 2; i++)
		if (json_number_of(a, keys[i], SHOW_ANY) != json_number_of(b, keys[i], SHOW_ANY))
			return false;
	if (json_text_of(a, "device") && !is_same(a, b, "device"))
		return false;
	return is_same(a, b, "of");
}

struct json_object *show_stats_rates(struct json_object *before, struct json_object *now,
				     double seconds)
{
	struct json_object *rows = json_object_new_array(), *row, *old;

	FOR_EACH(now, row)
	for (size_t i = 0; i < json_object_array_length(before); i++) {
		old = json_object_array_get_idx(before, i);
		if (is_of_the_same(old, row)) {
			json_object_array_add(rows, rates_of(old, row, seconds));
			break;
		}
	}
	return rows;
}

static void print_counters(struct show *show, struct json_object *row, const char *prefix)
{
	json_object_object_foreach(row, key, value)
	{
		uint64_t number;

		if (json_object_is_type(value, json_type_object)) {
			print_counters(show, value, "queued ");
		} else if (!is_identity(key) && json_number(value, &number) && number) {
			fprintf(show->out, "  %s%s ", prefix, key);
			show_styled(show, SHOW_NUMBER, "%" PRIu64, number);
		}
	}
}

void show_stats_print(struct show *show, struct json_object *rows)
{
	struct json_object *row;

	FOR_EACH(rows, row)
	{
		const char *device = json_text_of(row, "device");

		show_styled(show, SHOW_BOLD, "%s", json_text_of(row, "of"));
		if (json_member(row, "pasid"))
			fprintf(show->out, " %" PRIu64, json_number_of(row, "pasid", 0));
		else if (json_member(row, "host_pasid"))
			fprintf(show->out, " host %" PRIu64, json_number_of(row, "host_pasid", 0));
		if (json_member(row, "vm"))
			fprintf(show->out, "%s %" PRIu64,
				strcmp(json_text_of(row, "of"), "vm") ? " vm" : "",
				json_number_of(row, "vm", 0));
		fprintf(show->out, "%s%s:", device ? " " : "", device ? device : "");
		print_counters(show, row, "");
		fputc('\n', show->out);
	}
}
