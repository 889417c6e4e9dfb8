// SPDX-License-Identifier: MIT
/* The machine at a glance: who is there, what is under way, what is remembered. */
#include <inttypes.h>
#include <string.h>

#include "cli/html.h"
#include "cli/json_text.h"
#include "cli/report/report.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void heading(struct report *report, enum report_object object, const char *id,
		    const char *title)
{
	fprintf(report->out, "<h3 id=\"%s\">%s <span class=\"count\">%zu</span></h3>\n", id, title,
		json_length(report->rows[object]));
}

static void show_table(struct report *report, enum report_object object, const char *id,
		       const char *title, const struct report_table *table)
{
	heading(report, object, id, title);
	report_table(report, table, report->rows[object]);
}

/* VMs and devices */

static void print_vms(struct report *report)
{
	static const struct report_column columns[] = {
		{.head = "vm", .key = "vm"},
		{.head = "name", .key = "name"},
		{.head = "PASIDs", .key = "pasids"},
		{.head = "quota", .key = "pasid_quota"},
		{.head = "devices", .key = "devices"},
		{.head = "windows of memory", .key = "windows"},
		{.head = "tables being read again", .key = "scanning"},
	};
	static const struct report_table table = {"vm", columns, COUNT(columns), NULL};

	show_table(report, REPORT_VM, "vms", "Virtual machines", &table);
}

static void owners_cell(struct report *report, struct json_object *row)
{
	struct json_object *owner;

	if (!json_length(json_member(row, "owners")))
		fputs("nobody", report->out);
	JSON_FOR_EACH (json_member(row, "owners"), owner) {
		fputs("<div>", report->out);
		report_vm_name(report, json_number_of(owner, "vm", 0));
		html_format(report->out, " as %s%s; without PASID: %s; bound PASIDs: %" PRIu64,
			    json_text_of(owner, "guest_device"),
			    json_flag_of(owner, "mdev") ? " (mediated)" : "",
			    json_text_of(owner, "without_pasid"),
			    json_number_of(owner, "shadows", 0));
		fputs("</div>", report->out);
	}
}

static bool is_gone(struct json_object *row)
{
	return json_flag_of(row, "gone");
}

static void print_devices(struct report *report)
{
	static const struct report_column columns[] = {
		{.head = "device", .key = "device"},
		{.head = "kind", .key = "kind"},
		{.head = "bus master", .key = "bus_master"},
		{.head = "ATS", .key = "ats"},
		{.head = "PRI", .key = "pri"},
		{.head = "PASID", .key = "pasid"},
		{.head = "vectors", .key = "vectors"},
		{.head = "gone", .key = "gone"},
		{.head = "who has it", .cell = owners_cell},
	};
	static const struct report_table table = {"device", columns, COUNT(columns), is_gone};

	show_table(report, REPORT_DEVICE, "devices", "Devices", &table);
}

/* PASIDs */

static void holders_cell(struct report *report, struct json_object *row)
{
	static const char *const names[] = {"allocation", "bindings", "processors", "queues",
					    "others"};
	char key[32];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(key, sizeof(key), "holders.%s", names[i]);
		if (!json_number_of(json_member(row, "holders"), names[i], 0))
			continue;
		fprintf(report->out, "<span class=\"tag\">%s ", names[i]);
		report_value(report, "span", row, key);
		fputs("</span> ", report->out);
	}
}

static void print_binding(struct report *report, struct json_object *row,
			  struct json_object *binding)
{
	const char *device = json_text_of(binding, "device");
	bool has_link;
	uint16_t rid;

	fputs("<div>", report->out);
	has_link = device && rid_parse(device, &rid) &&
		   report_entry_link(report, 0, rid,
				     (uint32_t)json_number_of(row, "host_pasid", SHOW_ANY));
	html_text(report->out, device);
	fputs(has_link ? "</a> " : " ", report->out);
	html_format(report->out, "%s %s, domain id %" PRIu64, json_text_of(binding, "kind"),
		    json_text_of(binding, "state"), json_number_of(binding, "did", 0));
	fputs("</div>", report->out);
}

static void bindings_cell(struct report *report, struct json_object *row)
{
	struct json_object *binding;

	JSON_FOR_EACH (json_member(row, "bindings"), binding)
		print_binding(report, row, binding);
}

static bool is_waiting(struct json_object *row)
{
	const char *state = json_text_of(row, "state");

	return json_flag_of(row, "stale") || (state && !strcmp(state, "free-pending"));
}

static void print_pasids(struct report *report)
{
	static const struct report_column columns[] = {
		{.head = "vm", .key = "vm"},
		{.head = "guest's number", .key = "pasid"},
		{.head = "host's number", .key = "host_pasid"},
		{.head = "state", .key = "state"},
		{.head = "GUEST_MODE", .key = "guest_mode"},
		{.head = "GUEST_PASID", .key = "guest_pasid"},
		{.head = "by virtual command", .key = "from_vcmd"},
		{.head = "references", .key = "references"},
		{.head = "held by", .cell = holders_cell},
		{.head = "page requests open", .key = "page_requests_pending"},
		{.head = "bound on", .cell = bindings_cell},
	};
	static const struct report_table table = {"pasid", columns, COUNT(columns), is_waiting};

	show_table(report, REPORT_PASID, "pasids", "PASIDs", &table);
}

/* What is under way */

static void print_groups(struct report *report)
{
	static const struct report_column columns[] = {
		{.head = "device", .key = "device"},
		{.head = "host's PASID", .key = "host_pasid"},
		{.head = "group", .key = "prgi"},
		{.head = "state", .key = "state"},
		{.head = "requests", .key = "requests"},
		{.head = "first address", .key = "address"},
		{.head = "writes", .key = "write"},
		{.head = "of a host process", .key = "native"},
	};
	static const struct report_table table = {"group", columns, COUNT(columns), NULL};

	show_table(report, REPORT_GROUP, "groups", "Page requests without an answer", &table);
}

static void queued_cell(struct report *report, struct json_object *row)
{
	struct json_object *list = json_member(row, "list"), *item;

	if (!json_length(list))
		return;
	fprintf(report->out, "<details><summary>%zu shown</summary>", json_length(list));
	JSON_FOR_EACH (list, item) {
		html_format(report->out, "%s %s ", json_text_of(item, "at"),
			    json_text_of(item, "kind"));
		html_element(report->out, "code", NULL, "%s", json_text_of(item, "text"));
		fputs("<br>", report->out);
	}
	fputs("</details>", report->out);
}

static void print_queues(struct report *report)
{
	static const struct report_column columns[] = {
		{.head = "vm", .key = "vm"},           {.head = "queue", .key = "queue"},
		{.head = "lies at", .key = "base"},    {.head = "head", .key = "head"},
		{.head = "tail", .key = "tail"},       {.head = "entries", .key = "entries"},
		{.head = "pending", .key = "pending"}, {.head = "what waits", .cell = queued_cell},
	};
	static const struct report_table table = {"queue", columns, COUNT(columns), NULL};

	show_table(report, REPORT_QUEUE, "queues", "Queues", &table);
}

static bool is_always(struct json_object *row)
{
	(void)row;
	return true;
}

static void print_faults(struct report *report)
{
	static const struct report_column columns[] = {
		{.head = "vm", .key = "vm"},
		{.head = "record", .key = "record"},
		{.head = "device", .key = "device"},
		{.head = "guest's device", .key = "guest_device"},
		{.head = "PASID", .key = "pasid"},
		{.head = "address", .key = "address"},
		{.head = "reason", .key = "name"},
		{.head = "means", .key = "meaning"},
		{.head = "record's fields", .key = "text"},
	};
	static const struct report_table table = {"faults", columns, COUNT(columns), is_always};

	show_table(report, REPORT_FAULTS, "faults", "Faults that are recorded and not taken",
		   &table);
}

/* Caches */

static bool is_stale(struct json_object *row)
{
	return json_flag_of(row, "stale");
}

static void print_caches(struct report *report)
{
	static const struct report_column columns[] = {
		{.head = "cache", .key = "cache"},
		{.head = "device", .key = "device"},
		{.head = "host's PASID", .key = "host_pasid"},
		{.head = "domain id", .key = "did"},
		{.head = "address", .key = "address"},
		{.head = "bytes", .key = "size"},
		{.head = "level", .key = "level"},
		{.head = "leads to", .key = "output"},
		{.head = "rights", .key = "rights"},
		{.head = "entry's words", .key = "words"},
		{.head = "fault", .key = "fault"},
		{.head = "stale", .key = "stale"},
	};
	static const struct report_table table = {"cache", columns, COUNT(columns), is_stale};

	show_table(report, REPORT_CACHE, "caches", "Lines of caches and device TLBs", &table);
	fputs("<p class=\"note\">A line is stale when the tables, as they are now, say something "
	      "else: memory was changed and not invalidated, or not yet. Of paging structures "
	      "(first, second) it is not said.</p>\n",
	      report->out);
}

void report_overview(struct report *report)
{
	fputs("<section id=\"machine\"><h2>Machine</h2>\n", report->out);
	print_vms(report);
	print_devices(report);
	print_pasids(report);
	print_groups(report);
	print_queues(report);
	print_faults(report);
	print_caches(report);
	fputs("</section>\n", report->out);
}

/* Units */

static void print_register(struct report *report, struct json_object *item)
{
	const char *clause = json_text_of(item, "clause");
	struct json_object *fields = json_member(item, "fields");

	fputs("<details class=\"register\"><summary>", report->out);
	report_value(report, "b", item, "name");
	fputs(" ", report->out);
	report_value(report, "code", item, "value");
	if (clause && *clause)
		html_element(report->out, "span", "clause", " VT-d %s", clause);
	fputs("</summary>\n", report->out);
	if (fields)
		report_fields(report, fields);
	else
		fputs("<p class=\"note\">It has no fields.</p>", report->out);
	fputs("</details>\n", report->out);
}

static void print_unit(struct report *report, struct json_object *row)
{
	struct json_object *item;

	fputs("<details class=\"unit\"><summary><b>", report->out);
	report_vm_name(report, json_number_of(row, "vm", 0));
	fputs("</b>", report->out);
	fputs(json_flag_of(row, "translating") ? ": translating" : ": not translating",
	      report->out);
	fputs(json_flag_of(row, "queue") ? ", queue on</summary>\n" : ", queue off</summary>\n",
	      report->out);
	JSON_FOR_EACH (json_member(row, "registers"), item)
		print_register(report, item);
	fputs("</details>\n", report->out);
}

void report_units(struct report *report)
{
	struct json_object *row;

	fputs("<section id=\"registers\"><h2>Registers</h2>\n", report->out);
	JSON_FOR_EACH (report->rows[REPORT_UNIT], row)
		print_unit(report, row);
	fputs("</section>\n", report->out);
}
