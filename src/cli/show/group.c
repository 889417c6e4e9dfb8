// SPDX-License-Identifier: MIT
/* Page requests that have no answer yet. */
#include "cli/json_text.h"
#include "cli/show/show.h"

struct json_object *show_group_collect(struct show *show)
{
	return show_filter(show, "group");
}

void show_group_print(struct show *show, struct json_object *rows)
{
	static const struct show_column columns[] = {
		{.head = "device", .key = "device"},
		{.head = "host pasid", .key = "host_pasid"},
		{.head = "group", .key = "prgi"},
		{.head = "state", .key = "state"},
		{.head = "requests", .key = "requests"},
		{.head = "first address", .key = "address"},
		{.head = "wants", .key = "write", .words = {"read", "write"}},
	};

	show_columns(show, rows, columns, sizeof(columns) / sizeof(columns[0]));
}
