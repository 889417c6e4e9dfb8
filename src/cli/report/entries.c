// SPDX-License-Identifier: MIT
/* PASID entries: the guest's, its shadow and the host's side by side, as `vsva show entry` has them. */
#include <inttypes.h>
#include <string.h>

#include "cli/html.h"
#include "cli/json_text.h"
#include "cli/report/report.h"
#include "vsva/describe.h"

static void print_side(struct report *report, struct json_object *field, const char *key,
		       bool differs)
{
	char meaning[24];

	snprintf(meaning, sizeof(meaning), "%s_meaning", key);
	fputs(differs ? "<td class=\"differs\">" : "<td>", report->out);
	report_value(report, "code", field, key);
	fputs(" ", report->out);
	report_value(report, "span", field, meaning);
	fputs("</td>", report->out);
}

static void print_field(struct report *report, struct json_object *field)
{
	bool shadow = json_flag_of(field, "shadow_differs");
	bool host = json_flag_of(field, "host_differs");

	fputs("<tr>", report->out);
	report_value(report, "td", field, "name");
	print_side(report, field, "guest", false);
	print_side(report, field, "shadow", shadow);
	print_side(report, field, "host", host);
	fputs("<td>", report->out);
	if (shadow)
		fputs("<span class=\"tag bad\">the guest has changed it since</span> ",
		      report->out);
	if (host)
		fputs("<span class=\"tag\">host differs</span>", report->out);
	fputs("</td></tr>\n", report->out);
}

static void print_words(struct report *report, struct json_object *row)
{
	static const char *const sides[] = {"guest", "shadow", "host"};

	fputs("<p class=\"words\">", report->out);
	for (size_t i = 0; i < 3; i++)
		if (json_member(row, sides[i])) {
			fprintf(report->out, "%s: ", sides[i]);
			report_value(report, "code", row, sides[i]);
			fputs("<br>", report->out);
		}
	fputs("</p>\n", report->out);
}

static void print_title(struct report *report, const struct report_place *place)
{
	char text[8];

	rid_format(place->rid, text);
	if (place->pasid != SHOW_ANY)
		fprintf(report->out, "PASID %" PRIu32 " of ", place->pasid);
	else if (place->vm)
		fputs("Without PASID, ", report->out);
	if (place->vm)
		report_vm_name(report, place->vm);
	else
		fputs("Process of the host", report->out);
	fprintf(report->out, " on %s", text);
	rid_format(place->guest_rid, text);
	if (place->vm)
		fprintf(report->out, " (its %s)", text);
	if (place->host_pasid != SHOW_ANY)
		fprintf(report->out, ", host PASID %" PRIu32, place->host_pasid);
}

static void print_entry(struct report *report, const struct report_place *place,
			struct json_object *row)
{
	struct json_object *field;

	print_words(report, row);
	fprintf(report->out,
		"<table class=\"entry\" data-object=\"entry\"><caption>%s, VT-d %s; fields that "
		"are "
		"zero everywhere are left out</caption><thead><tr><th>field</th><th>guest</th>"
		"<th>shadow</th><th>host</th><th></th></tr></thead><tbody>\n",
		"PASID-table entry", vsva_layout_clause(vsva_layout_find("pasid_entry")));
	JSON_FOR_EACH (json_member(row, "fields"), field)
		print_field(report, field);
	fputs("</tbody></table>\n", report->out);
	if (place->vm && !json_member(row, "shadow"))
		fputs("<p class=\"note\">The virtual unit has not taken it over: there is no "
		      "shadow.</p>\n",
		      report->out);
}

/* By both names, so that both trees lead here. */
static void print_ids(struct report *report, const struct report_place *place)
{
	fputs("<details class=\"sides\" id=\"", report->out);
	report_entry_id(report->out, 0, place->rid, place->host_pasid);
	fputs("\"><summary>", report->out);
	if (place->vm) {
		fputs("<span id=\"", report->out);
		report_entry_id(report->out, place->vm, place->guest_rid, place->pasid);
		fputs("\"></span>", report->out);
	}
}

static void print_place(struct report *report, const struct report_place *place)
{
	struct show show = report_show(
		report, place->vm ? place->vm : SHOW_ANY, place->vm ? place->guest_rid : place->rid,
		place->pasid == SHOW_ANY && !place->vm ? place->host_pasid : place->pasid);
	struct json_object *rows = show_entry_collect(&show), *row;

	print_ids(report, place);
	print_title(report, place);
	fputs("</summary>\n", report->out);
	JSON_FOR_EACH (rows, row)
		print_entry(report, place, row);
	fputs("</details>\n", report->out);
	json_object_put(rows);
}

void report_entries(struct report *report)
{
	fputs("<section id=\"entries\"><h2>PASID entries side by side</h2>\n"
	      "<p class=\"note\">What the guest wrote, what its virtual unit believes (the "
	      "shadow), "
	      "and what the host built for the physical unit. The host's differs where it "
	      "must: it nests the guest's first stage on the VM's second stage.</p>\n",
	      report->out);
	for (size_t i = 0; i < report->place_count; i++)
		print_place(report, &report->places[i]);
	report_more(report, report->places_left_out, "entries are",
		    "<code>vsva show entry DEVICE PASID</code>");
	if (!report->place_count)
		fputs("<p class=\"none\">Nothing is bound.</p>\n", report->out);
	fputs("</section>\n", report->out);
}
