// SPDX-License-Identifier: MIT
/* Counters: what each VM, device, PASID and kind of invalidation came to, and how fast that went. */
#include <inttypes.h>
#include <string.h>

#include "cli/html.h"
#include "cli/json_text.h"
#include "cli/report/report.h"
#include "cli/report/plot.h"

#define SUBJECTS 40u /* rows of a table */
#define PLOTS    24u
#define COLUMNS  24u

#define SUBJECT_MAX 200u
#define NAME_LEN    48u

/* What a table of counters is about. */
struct counters {
	const char *title, *id;
	const char *of[3]; /* rows of these */
	const char *group; /* a member that has the counters; NULL: the row */
};

static bool is_of(const struct counters *counters, struct json_object *row)
{
	const char *of = json_text_of(row, "of");

	for (unsigned i = 0; of && i < 3 && counters->of[i]; i++)
		if (!strcmp(of, counters->of[i]))
			return true;
	return false;
}

static struct json_object *values_of(const struct counters *counters, struct json_object *row)
{
	struct json_object *values = counters->group ? json_member(row, counters->group) : row;

	return json_object_is_type(values, json_type_object) ? values : NULL;
}

static bool is_counter(const char *key, struct json_object *value)
{
	uint64_t number;

	return !show_stats_is_identity(key) && json_number(value, &number);
}

/* Columns: the counters of the first row */

struct columns {
	unsigned count;
	const char *keys[COLUMNS];
	uint64_t most[COLUMNS];
};

static void take_columns(const struct counters *counters, struct json_object *row,
			 struct columns *columns)
{
	struct json_object *values = values_of(counters, row);

	if (!values || columns->count)
		return;
	json_object_object_foreach(values, key, value)
	{
		if (columns->count < COLUMNS && is_counter(key, value))
			columns->keys[columns->count++] = key;
	}
}

static void take_most(const struct counters *counters, struct json_object *row,
		      struct columns *columns)
{
	for (unsigned i = 0; i < columns->count; i++) {
		uint64_t value = json_number_of(values_of(counters, row), columns->keys[i], 0);

		columns->most[i] = value > columns->most[i] ? value : columns->most[i];
	}
}

/* Tables */

/* "PASID 1, host PASID 4096, vm 1 alpha, 6a:00.0" */
static void subject_of(struct report *report, struct json_object *row, char *text, size_t len)
{
	const char *of = json_text_of(row, "of"), *device = json_text_of(row, "device");
	uint64_t vm = json_number_of(row, "vm", 0);
	const char *name = json_text_of(report_vm_row(report, vm), "name");
	char guest[32] = "", host[40] = "", whose[80] = "";

	if (json_member(row, "pasid"))
		snprintf(guest, sizeof(guest), "PASID %" PRIu64 ", ",
			 json_number_of(row, "pasid", 0));
	if (json_member(row, "host_pasid"))
		snprintf(host, sizeof(host), "host PASID %" PRIu64 ", ",
			 json_number_of(row, "host_pasid", 0));
	if (vm)
		snprintf(whose, sizeof(whose), "vm %" PRIu64 " %s", vm, name ? name : "");
	else if (!device)
		snprintf(whose, sizeof(whose), "%s",
			 of && !strcmp(of, "unit") ? "physical unit" : "host's driver");
	snprintf(text, len, "%s%s%s%s%s", guest, host, whose, device && vm ? ", " : "",
		 device ? device : "");
}

static void print_cell(struct report *report, const char *key, struct json_object *values,
		       uint64_t most)
{
	uint64_t value = json_number_of(values, key, 0);

	if (!json_member(values, key)) {
		fputs("<td class=\"none\">–</td>", report->out);
		return;
	}
	fputs("<td><span data-key=\"", report->out);
	html_text(report->out, key);
	fprintf(report->out, "\">%" PRIu64 "</span>", value);
	report_plot_bar(most ? (double)value / (double)most : 0, report->out);
	fputs("</td>", report->out);
}

static void print_row(struct report *report, const struct counters *counters,
		      const struct columns *columns, struct json_object *row)
{
	char subject[SUBJECT_MAX];

	subject_of(report, row, subject, sizeof(subject));
	fputs("<tr><td>", report->out);
	html_text(report->out, subject);
	fputs("</td>", report->out);
	for (unsigned i = 0; i < columns->count; i++)
		print_cell(report, columns->keys[i], values_of(counters, row), columns->most[i]);
	fputs("</tr>\n", report->out);
}

/* "page_requests": "page requests" */
static void name_of(const char *key, char name[NAME_LEN])
{
	snprintf(name, NAME_LEN, "%s", key);
	for (char *at = name; *at; at++)
		if (*at == '_')
			*at = ' ';
}

static void print_head(struct report *report, const struct counters *counters,
		       const struct columns *columns)
{
	fprintf(report->out,
		"<div class=\"wide\"><table class=\"counters\" "
		"data-object=\"%s\"><thead><tr><th></th>",
		counters->id);
	for (unsigned i = 0; i < columns->count; i++) {
		char name[NAME_LEN];

		name_of(columns->keys[i], name);
		html_element(report->out, "th", NULL, "%s", name);
	}
	fputs("</tr></thead>\n<tbody>\n", report->out);
}

static void print_table(struct report *report, const struct counters *counters)
{
	struct columns columns = {0};
	struct json_object *row;
	unsigned count = 0;

	JSON_FOR_EACH (report->rows[REPORT_STATS], row)
		if (is_of(counters, row)) {
			take_columns(counters, row, &columns);
			take_most(counters, row, &columns);
		}
	if (!columns.count)
		return;
	fprintf(report->out, "<h3>%s</h3>\n", counters->title);
	print_head(report, counters, &columns);
	JSON_FOR_EACH (report->rows[REPORT_STATS], row)
		if (is_of(counters, row) && count++ < SUBJECTS)
			print_row(report, counters, &columns, row);
	fputs("</tbody></table></div>\n", report->out);
	report_more(report, count > SUBJECTS ? count - SUBJECTS : 0, "are",
		    "<code>vsva show stats</code> has them");
}

/* Rates */

struct growth {
	unsigned points;
	struct json_object *rates[REPORT_SAMPLES_MAX];
	double times[REPORT_SAMPLES_MAX], values[REPORT_LINE_STYLES][REPORT_SAMPLES_MAX];
	char names[REPORT_LINE_STYLES][NAME_LEN];
	struct report_line lines[REPORT_LINE_STYLES];
	unsigned count;
};

/* A line of a counter that grew at all. */
static void add_line(const struct counters *counters, const char *key, struct growth *growth)
{
	double *values = growth->values[growth->count], sum = 0;

	if (growth->count == REPORT_LINE_STYLES)
		return;
	for (unsigned i = 0; i < growth->points; i++) {
		values[i] = (double)json_number_of(values_of(counters, growth->rates[i]), key, 0);
		sum += values[i];
	}
	if (!(sum > 0))
		return;
	name_of(key, growth->names[growth->count]);
	growth->lines[growth->count] =
		(struct report_line){.name = growth->names[growth->count], .values = values};
	growth->count++;
}

static void take_growth(struct report *report, const struct counters *counters,
			struct json_object *row, struct growth *growth)
{
	struct json_object *values;

	*growth = (struct growth){0};
	growth->points = report_samples_rates(&report->samples, row, growth->rates, growth->times);
	values = values_of(counters, row);
	if (!values || !growth->points)
		return;
	json_object_object_foreach(values, key, value)
	{
		if (is_counter(key, value) && !show_stats_is_level(key))
			add_line(counters, key, growth);
	}
}

static void forget_growth(struct growth *growth)
{
	for (unsigned i = 0; i < growth->points; i++)
		json_object_put(growth->rates[i]);
}

static void plot_growth(struct report *report, const struct counters *counters,
			struct json_object *row, const struct growth *growth)
{
	char subject[SUBJECT_MAX], title[SUBJECT_MAX + 32];
	struct report_plot plot = {.title = title,
				   .times = growth->times,
				   .lines = growth->lines,
				   .point_count = growth->points,
				   .line_count = growth->count};

	subject_of(report, row, subject, sizeof(subject));
	snprintf(title, sizeof(title), "%s: %s", counters->title, subject);
	report_plot_lines(&plot, report->out);
}

static void print_plots(struct report *report, const struct counters *counters, unsigned *left,
			size_t *left_out)
{
	static struct growth growth; /* large */
	struct json_object *row;

	JSON_FOR_EACH (report->rows[REPORT_STATS], row) {
		if (!is_of(counters, row))
			continue;
		if (!*left) {
			(*left_out)++;
			continue;
		}
		take_growth(report, counters, row, &growth);
		if (growth.count) {
			plot_growth(report, counters, row, &growth);
			(*left)--;
		}
		forget_growth(&growth);
	}
}

static void print_rates(struct report *report, const struct counters *tables, unsigned count)
{
	unsigned left = PLOTS;
	size_t left_out = 0;

	if (report->samples.count < 2)
		return;
	fprintf(report->out,
		"<h3 id=\"rates\">What came per second</h3>\n<p class=\"note\">%u looks in %.1f s; "
		"what "
		"did not grow is left out.</p>\n<div class=\"plots\">\n",
		report->samples.count, report->samples.times[report->samples.count - 1]);
	for (unsigned i = 0; i < count; i++)
		print_plots(report, &tables[i], &left, &left_out);
	fputs("</div>\n", report->out);
	if (left == PLOTS)
		fputs("<p class=\"none\">Nothing grew.</p>\n", report->out);
	report_more(report, left_out, "were not looked at and are",
		    "<code>vsva show stats --watch</code>");
}

void report_counters(struct report *report)
{
	static const struct counters tables[] = {
		{"Kinds of invalidation", "kinds", {"unit", "vm"}, "descriptors"},
		{"Virtual machines", "stats-vm", {"vm"}, NULL},
		{"Devices", "stats-device", {"device"}, NULL},
		{"PASIDs", "stats-pasid", {"pasid"}, NULL},
		{"Unit", "stats-unit", {"unit"}, NULL},
		{"Host's driver", "stats-host", {"host"}, NULL},
	};
	static const unsigned count = sizeof(tables) / sizeof(tables[0]);

	fputs("<section id=\"counters\"><h2>Counters</h2>\n<p class=\"note\">Since the beginning; "
	      "a "
	      "bar is as long as its part of the largest in its column.</p>\n",
	      report->out);
	for (unsigned i = 0; i < count; i++)
		print_table(report, &tables[i]);
	print_rates(report, tables, count);
	fputs("</section>\n", report->out);
}
