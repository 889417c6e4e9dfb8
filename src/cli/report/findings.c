// SPDX-License-Identifier: MIT
/*
 * What `vsva explain` says of all that asks for it: the chain of SVA of each device that a VM has, each
 * access that a fault or an open page request tells of, stale lines.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/decode.h"
#include "cli/explain/explain.h"
#include "cli/html.h"
#include "cli/json_text.h"
#include "cli/report/report.h"

/* Accesses that are explained; a machine in trouble has many of the same. */
#define ACCESSES_MAX 64u

/* Collecting */

static void add_chain(struct report *report, uint32_t vm, const char *device)
{
	struct explain_chain chain;
	struct json_object *row;
	uint16_t rid;

	if (!device || !rid_parse(device, &rid) || explain_sva(report->view, rid, vm, &chain))
		return;
	row = explain_chain_json(&chain);
	json_add_text(row, "of", "sva");
	json_add_number(row, "vm", vm);
	json_add_text(row, "device", device);
	json_object_array_add(report->findings, row);
}

static void add_chains(struct report *report)
{
	struct json_object *device, *owner;

	JSON_FOR_EACH (report->rows[REPORT_DEVICE], device)
		for (size_t i = 0; i < json_length(json_member(device, "owners")); i++) {
			owner = json_object_array_get_idx(json_member(device, "owners"), i);
			add_chain(report, (uint32_t)json_number_of(owner, "vm", 0),
				  json_text_of(owner, "guest_device"));
		}
}

static char *text_of(const struct explain_request *request, const struct explain_result *result)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	explain_access_print(request, result, true, out);
	fclose(out);
	return text;
}

static bool is_explained(struct report *report, const char *text)
{
	struct json_object *row;

	JSON_FOR_EACH (report->findings, row) {
		const char *other = json_text_of(row, "text");

		if (other && !strcmp(other, text))
			return true;
	}
	return false;
}

/* why: "fault", "page request". */
static void add_access(struct report *report, const char *why,
		       const struct explain_request *request)
{
	struct explain_result result;
	struct json_object *row;
	char *text;

	if (report->accesses == ACCESSES_MAX) {
		report->accesses_left_out++;
		return;
	}
	if (explain_access(report->view, request, &result))
		return;
	text = text_of(request, &result);
	if (text && !is_explained(report, text)) {
		row = json_object_new_object();
		json_add_text(row, "of", why);
		json_add_text(row, "cause", result.cause ? vsva_code_name(result.cause) : NULL);
		json_add_text(row, "text", text);
		json_object_array_add(report->findings, row);
		report->accesses++;
	}
	free(text);
}

/* The physical unit speaks of host PASIDs, explain of the guest's where a VM has the device. */
static void to_guest(struct report *report, struct explain_request *request)
{
	struct json_object *row = report_pasid_row(report, 0, request->pasid);

	if (json_member(row, "vm") && json_member(row, "pasid"))
		request->pasid = (uint32_t)json_number_of(row, "pasid", 0);
	else if (json_member(row, "vm"))
		request->pasid = VSVA_PASID_INVALID;
}

/* T1 and T2 say what it wanted. VT-d 11.4.14 */
static void take_kind(struct json_object *fault, struct explain_request *request)
{
	static const char layout[] = "fault_record";
	uint64_t words[2];
	bool t1, t2;

	decode_words(json_member(fault, "words"), words, 2);
	t1 = decode_field(layout, words, "T1");
	t2 = decode_field(layout, words, "T2");
	request->read = t1 || t2;
	request->write = t1 == t2;
	request->execute = decode_field(layout, words, "EXE");
}

static void add_fault(struct report *report, struct json_object *fault)
{
	uint32_t vm = (uint32_t)json_number_of(fault, "vm", 0);
	const char *device = json_text_of(fault, vm ? "guest_device" : "device");
	struct explain_request request = {
		.vm = vm ? vm : EXPLAIN_NO_VM,
		.pasid = (uint32_t)json_number_of(fault, "pasid", VSVA_PASID_INVALID),
		.address = json_number_of(fault, "address", 0),
	};

	take_kind(fault, &request);
	if (!vm)
		to_guest(report, &request);
	if (device && rid_parse(device, &request.rid))
		add_access(report, "fault", &request);
}

static void add_group(struct report *report, struct json_object *group)
{
	const char *device = json_text_of(group, "device");
	struct explain_request request = {
		.vm = EXPLAIN_NO_VM,
		.pasid = (uint32_t)json_number_of(group, "host_pasid", VSVA_PASID_INVALID),
		.address = json_number_of(group, "address", 0),
		.read = !json_flag_of(group, "write"),
		.write = json_flag_of(group, "write"),
	};

	to_guest(report, &request);
	if (device && rid_parse(device, &request.rid))
		add_access(report, "page request", &request);
}

void report_findings_collect(struct report *report)
{
	struct json_object *row;

	report->findings = json_object_new_array();
	add_chains(report);
	JSON_FOR_EACH (report->rows[REPORT_FAULTS], row)
		add_fault(report, row);
	JSON_FOR_EACH (report->rows[REPORT_GROUP], row)
		add_group(report, row);
}

/* Printing */

static void print_link(struct report *report, struct json_object *link)
{
	const char *verdict = json_text_of(link, "verdict");

	fprintf(report->out, "<tr class=\"%s\"><td>",
		!strcmp(verdict, "missing") ? "bad" : (!strcmp(verdict, "note") ? "warn" : "good"));
	html_text(report->out, verdict);
	fputs("</td>", report->out);
	report_value(report, "td", link, "what");
	fputs("<td>", report->out);
	report_value(report, "span", link, "detail");
	if (json_text_of(link, "code")) {
		fputs(" ", report->out);
		report_value(report, "b", link, "code");
	}
	fputs("</td></tr>\n", report->out);
}

static void print_code(struct report *report, const char *name)
{
	const struct vsva_code_info *info = name ? vsva_code_find(name) : NULL;

	if (!info)
		return;
	fputs("<p class=\"cause\">", report->out);
	html_element(report->out, "b", NULL, "%s", info->name);
	html_format(report->out, ": %s.", info->what);
	if (*info->clause)
		html_element(report->out, "span", "clause", " %s", info->clause);
	html_format(report->out, " To change it: %s.", info->change);
	fputs("</p>\n", report->out);
}

static void print_chain(struct report *report, struct json_object *row)
{
	const char *cause = json_text_of(row, "cause");
	struct json_object *link;

	fprintf(report->out,
		"<details class=\"finding\"%s><summary><span class=\"tag %s\">%s</span> ",
		cause ? " open" : "", cause ? "bad" : "good", cause ? "missing" : "ok");
	html_format(report->out, "SVA of %s in ", json_text_of(row, "device"));
	report_vm_name(report, json_number_of(row, "vm", 0));
	fputs("</summary>\n", report->out);
	print_code(report, cause);
	fputs("<div class=\"wide\"><table data-object=\"sva\"><tbody>\n", report->out);
	JSON_FOR_EACH (json_member(row, "links"), link)
		print_link(report, link);
	fputs("</tbody></table></div></details>\n", report->out);
}

static void print_access(struct report *report, struct json_object *row)
{
	const char *text = json_text_of(row, "text");
	size_t first = strcspn(text, "\n");

	fprintf(report->out,
		"<details class=\"finding access\"%s><summary><span class=\"tag %s\">%s</span> ",
		json_text_of(row, "cause") ? " open" : "",
		json_text_of(row, "cause") ? "bad" : "good", json_text_of(row, "of"));
	html_format(report->out, "%.*s", (int)first, text);
	fputs("</summary>\n<pre>", report->out);
	html_text(report->out, text + first + (text[first] == '\n'));
	fputs("</pre></details>\n", report->out);
}

void report_findings(struct report *report)
{
	struct json_object *row;

	fputs("<section id=\"findings\"><h2>Findings</h2>\n"
	      "<p class=\"note\">What <code>vsva explain</code> says, of the state that this page "
	      "shows: of a fault that it may be gone.</p>\n",
	      report->out);
	if (report->stale)
		fprintf(report->out,
			"<p class=\"cause\"><span class=\"tag bad\">stale</span> Lines of caches "
			"that say other "
			"than the tables do: <a href=\"#caches\">%zu</a>.</p>\n",
			report->stale);
	JSON_FOR_EACH (report->findings, row) {
		if (json_text_of(row, "text"))
			print_access(report, row);
		else
			print_chain(report, row);
	}
	report_more(report, report->accesses_left_out, "stopped accesses are",
		    "<code>vsva explain DEVICE PASID ADDRESS</code>");
	fputs("</section>\n", report->out);
}
