// SPDX-License-Identifier: MIT
/* The page around the sections: nothing in it is fetched from anywhere, and only our own script runs. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/html.h"
#include "cli/json_text.h"
#include "cli/report/report.h"
#include "cli/report/page.h"
#include "cli/version.h"

static void print_policy(FILE *out)
{
	fprintf(out,
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'\">\n",
		report_style_hash, report_script_hash);
}

static void print_time(FILE *out)
{
	time_t now = time(NULL);
	struct tm utc;
	char text[32];

	if (gmtime_r(&now, &utc) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc))
		fprintf(out, "%s", text);
}

static void print_count(struct report *report, const char *target, size_t count, const char *what,
			bool is_bad)
{
	fprintf(report->out, "<a class=\"card%s\" href=\"#%s\"><b>%zu</b> %s</a>\n",
		is_bad && count ? " bad" : "", target, count, what);
}

static size_t missing(const struct report *report)
{
	struct json_object *row;
	size_t count = 0;

	JSON_FOR_EACH (report->findings, row)
		count += json_text_of(row, "cause") != NULL;
	return count;
}

static void print_cards(struct report *report)
{
	fputs("<div class=\"cards\">\n", report->out);
	print_count(report, "findings", missing(report), "findings", true);
	print_count(report, "faults", json_length(report->rows[REPORT_FAULTS]), "faults", true);
	print_count(report, "caches", report->stale, "stale lines", true);
	print_count(report, "vms", json_length(report->rows[REPORT_VM]), "virtual machines", false);
	print_count(report, "devices", json_length(report->rows[REPORT_DEVICE]), "devices", false);
	print_count(report, "pasids", json_length(report->rows[REPORT_PASID]), "PASIDs", false);
	print_count(report, "groups", json_length(report->rows[REPORT_GROUP]), "page requests open",
		    false);
	fputs("</div>\n", report->out);
}

static void print_navigation(FILE *out)
{
	fputs("<nav aria-label=\"Sections\">\n<a href=\"#findings\">Findings</a>\n"
	      "<a href=\"#machine\">Machine</a>\n<a href=\"#journeys\">Journeys</a>\n<a "
	      "href=\"#structure\">Structure</a>\n"
	      "<a href=\"#entries\">Entries</a>\n<a href=\"#counters\">Counters</a>\n<a "
	      "href=\"#registers\">Registers</a>\n"
	      /* of use with a script only, which shows it */
	      "<span id=\"tools\" hidden>"
	      "<input id=\"search\" type=\"search\" placeholder=\"Search ( / )\" "
	      "aria-label=\"Search the page\" autocomplete=\"off\">"
	      "<output id=\"hits\" for=\"search\"></output>"
	      "<button id=\"unfold\" type=\"button\">Unfold all</button>"
	      "<button id=\"fold\" type=\"button\">Fold all</button>"
	      "<button id=\"theme\" type=\"button\">Dark or light</button></span>\n</nav>\n",
	      out);
}

void report_head(struct report *report)
{
	FILE *out = report->out;

	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"generator\" content=\"" REPORT_GENERATOR " " VSVA_VERSION "\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n",
	      out);
	print_policy(out);
	fputs("<title>vsva report</title>\n<style>", out);
	fwrite(report_style_text, 1, report_style_len, out);
	fputs("</style>\n</head>\n<body>\n<header>\n<h1>vsva report</h1>\n<p>", out);
	html_format(out, "%s ", report->is_live ? "A running machine, through" : "The snapshot");
	html_element(out, "code", NULL, "%s", report->source);
	fputs(", seen ", out);
	print_time(out);
	fputs(" by vsva " VSVA_VERSION ".</p>\n", out);
	if (report->is_live)
		fputs("<p class=\"note\">It went on while it was looked at: what stands here is of "
		      "moments that are close, not of one.</p>\n",
		      out);
	print_cards(report);
	fputs("</header>\n", out);
	print_navigation(out);
	fputs("<main>\n", out);
}

void report_foot(struct report *report)
{
	fputs("</main>\n<footer><p>Numbers are decimal where they name something; addresses, "
	      "registers and entries are hexadecimal. VT-d clauses are those of revision "
	      "5.10.</p>\n<p class=\"keys\">Keys: Tab and Enter unfold; / searches; n and p go to "
	      "the next and the previous hit; Esc ends the search.</p></footer>\n<script>",
	      report->out);
	fwrite(report_script_text, 1, report_script_len, report->out);
	fputs("</script>\n</body>\n</html>\n", report->out);
}
