// SPDX-License-Identifier: MIT
/* Virtual machines. */
#include "cli/json_text.h"
#include "cli/show/show.h"

struct json_object *show_vm_collect(struct show *show)
{
	return show_filter(show, "vm");
}

void show_vm_print(struct show *show, struct json_object *rows)
{
	static const struct show_column columns[] = {
		{.head = "vm", .key = "vm"},
		{.head = "name", .key = "name"},
		{.head = "pasids", .key = "pasids"},
		{.head = "quota", .key = "pasid_quota"},
		{.head = "devices", .key = "devices"},
		{.head = "windows", .key = "windows"},
		{.head = "state", .key = "scanning", .words = {"quiet", "scanning"}},
	};

	show_columns(show, rows, columns, sizeof(columns) / sizeof(columns[0]));
}
