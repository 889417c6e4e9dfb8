// SPDX-License-Identifier: MIT
/* Rows as a table: what is shown of an object is in them, and a cell says which member it is. */
#include <inttypes.h>
#include <string.h>

#include "cli/html.h"
#include "cli/json_text.h"
#include "cli/report/report.h"

/* "a.b": member b of member a. */
static struct json_object *member_at(struct json_object *row, const char *key)
{
	const char *dot = strchr(key, '.');
	char first[32];

	if (!dot)
		return json_member(row, key);
	snprintf(first, sizeof(first), "%.*s", (int)(dot - key), key);
	return json_member(json_member(row, first), dot + 1);
}

static void print_list(struct report *report, struct json_object *list)
{
	for (size_t i = 0; i < json_length(list); i++)
		html_format(report->out, "%s%s", i ? " " : "",
			    json_object_get_string(json_object_array_get_idx(list, i)));
}

static void print_value(struct report *report, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		fputs(json_object_get_boolean(value) ? "yes" : "no", report->out);
		break;
	case json_type_array:
		print_list(report, value);
		break;
	default:
		html_text(report->out, json_object_get_string(value));
	}
}

static const char *class_of(struct json_object *value)
{
	const char *text;

	switch (json_object_get_type(value)) {
	case json_type_int:
		return " class=\"number\"";
	case json_type_boolean:
		return json_object_get_boolean(value) ? " class=\"yes\"" : " class=\"no\"";
	case json_type_string:
		text = json_object_get_string(value);
		return strncmp(text, "0x", 2) ? "" : " class=\"hex\"";
	default:
		return "";
	}
}

void report_value(struct report *report, const char *element, struct json_object *row,
		  const char *key)
{
	struct json_object *value = member_at(row, key);

	if (!value)
		return;
	fprintf(report->out, "<%s data-key=\"%s\"%s>", element, key, class_of(value));
	print_value(report, value);
	fprintf(report->out, "</%s>", element);
}

static void print_cell(struct report *report, const struct report_column *column,
		       struct json_object *row)
{
	if (column->cell) {
		fputs("<td>", report->out);
		column->cell(report, row);
		fputs("</td>", report->out);
	} else if (member_at(row, column->key)) {
		report_value(report, "td", row, column->key);
	} else {
		fputs("<td class=\"none\">–</td>", report->out);
	}
}

static void print_head(struct report *report, const struct report_table *table)
{
	fprintf(report->out, "<div class=\"wide\"><table data-object=\"%s\"><thead><tr>",
		table->object);
	for (unsigned i = 0; i < table->count; i++)
		html_element(report->out, "th", NULL, "%s", table->columns[i].head);
	fputs("</tr></thead>\n<tbody>\n", report->out);
}

void report_more(struct report *report, size_t count, const char *what, const char *where)
{
	if (count)
		fprintf(report->out, "<p class=\"more\">%zu more %s not shown%s%s.</p>\n", count,
			what, *where ? ": " : "", where);
}

void report_table(struct report *report, const struct report_table *table, struct json_object *rows)
{
	size_t count = json_length(rows), shown = count < REPORT_ROWS ? count : REPORT_ROWS;
	char where[64];

	if (!count) {
		fputs("<p class=\"none\">None.</p>\n", report->out);
		return;
	}
	print_head(report, table);
	for (size_t i = 0; i < shown; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		fputs(table->is_bad && table->is_bad(row) ? "<tr class=\"bad\">" : "<tr>",
		      report->out);
		for (unsigned k = 0; k < table->count; k++)
			print_cell(report, &table->columns[k], row);
		fputs("</tr>\n", report->out);
	}
	fputs("</tbody></table></div>\n", report->out);
	snprintf(where, sizeof(where), "<code>vsva show %s</code> has them", table->object);
	report_more(report, count - shown, "are", where);
}

void report_fields(struct report *report, struct json_object *fields)
{
	static const char *const keys[] = {"bits", "name", "value", "meaning", "text"};
	struct json_object *field;

	fputs("<table class=\"fields\"><thead><tr><th>bits</th><th>field</th><th>value</th>"
	      "<th>means</th><th></th></tr></thead><tbody>\n",
	      report->out);
	JSON_FOR_EACH (fields, field) {
		fputs(json_number_of(field, "value", 0) ? "<tr>" : "<tr class=\"zero\">",
		      report->out);
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (json_member(field, keys[i]))
				report_value(report, "td", field, keys[i]);
			else
				fputs("<td></td>", report->out);
		fputs("</tr>\n", report->out);
	}
	fputs("</tbody></table>\n", report->out);
}
