// SPDX-License-Identifier: MIT
/* Counters, and how fast they grow. */
#include <inttypes.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/show/show.h"

/* Those of each binding stand with the PASIDs. */
static void add_bindings(struct show *show, struct json_object *rows)
{
	static const char *const counters[] = {"page_requests", "invalidations", "faults"};
	struct json_object *pasids = view_get_if_there(show->view, "pasid"), *pasid;

	if (!pasids)
		return;
	JSON_FOR_EACH (pasids, pasid) {
		struct json_object *bindings = json_member(pasid, "bindings");

		for (size_t i = 0; i < json_length(bindings); i++) {
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
	JSON_FOR_EACH (stats, row)
		if (show_selects(show, row))
			json_object_array_add(rows, json_object_get(row));
	json_object_put(stats);
	return rows;
}

bool show_stats_is_identity(const char *key)
{
	static const char *const keys[] = {"of", "vm", "device", "pasid", "host_pasid"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

bool show_stats_is_level(const char *key)
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
		else if (show_stats_is_identity(key) || show_stats_is_level(key) ||
			 !json_number(value, &is))
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
	if (json_text_of(a, "device") && !json_has_same_text(a, b, "device"))
		return false;
	return json_has_same_text(a, b, "of");
}

struct json_object *show_stats_same(struct json_object *rows, struct json_object *row)
{
	struct json_object *other;

	JSON_FOR_EACH (rows, other)
		if (is_of_the_same(other, row))
			return other;
	return NULL;
}

struct json_object *show_stats_rates(struct json_object *before, struct json_object *now,
				     double seconds)
{
	struct json_object *rows = json_object_new_array(), *row, *old;

	JSON_FOR_EACH (now, row) {
		old = show_stats_same(before, row);
		if (old)
			json_object_array_add(rows, rates_of(old, row, seconds));
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
		} else if (!show_stats_is_identity(key) && json_number(value, &number) && number) {
			fprintf(show->out, "  %s%s ", prefix, key);
			show_styled(show, SHOW_NUMBER, "%" PRIu64, number);
		}
	}
}

void show_stats_print(struct show *show, struct json_object *rows)
{
	struct json_object *row;

	JSON_FOR_EACH (rows, row) {
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
