// SPDX-License-Identifier: MIT
/*
 * The structure as a tree that unfolds: each unit from its root table down to pages. A table that was
 * printed already (the second stage is every PASID's) is referred to.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/decode.h"
#include "cli/html.h"
#include "cli/json_text.h"
#include "cli/remap_table.h"
#include "cli/report/report.h"

struct tree {
	struct report *report;
	uint32_t vm;              /* whose unit */
	uint16_t rid;             /* whose tables are being printed */
	uint32_t rid_pasid;       /* of its requests without PASID */
	struct json_object *seen; /* number by key, of tables that are printed */
};

/* A run of entries: one, or pages that follow one another in both spaces with the same rights. */
struct run {
	const struct remap_table *table;
	const uint64_t *entry; /* the first */
	unsigned index, count;
};

static void print_table(struct tree *tree, const struct remap_table *table);

/* Entries */

static bool is_stage(const struct remap_table *table)
{
	return table->kind == REMAP_FIRST_STAGE || table->kind == REMAP_SECOND_STAGE;
}

static const char *title_of(const struct remap_table *table)
{
	static const char *const titles[] = {
		[REMAP_LEGACY_ROOT] = "Root table",
		[REMAP_ROOT] = "Root table",
		[REMAP_LEGACY_CONTEXT] = "Context table",
		[REMAP_CONTEXT] = "Context table",
		[REMAP_PASID_DIRECTORY] = "PASID directory",
		[REMAP_PASID_TABLE] = "PASID table",
		[REMAP_FIRST_STAGE] = "First-stage table",
		[REMAP_SECOND_STAGE] = "Second-stage table",
	};

	return titles[table->kind];
}

static void print_rid(struct tree *tree, uint16_t rid)
{
	const char *kind = report_device_kind(tree->report, tree->vm, rid);
	char text[8];

	rid_format(rid, text);
	html_format(tree->report->out, "%s%s%s", text, kind ? " " : "", kind ? kind : "");
}

/* The other number of a PASID, and whose it is. */
static void print_pasid(struct tree *tree, uint32_t pasid)
{
	struct json_object *row = report_pasid_row(tree->report, tree->vm, pasid);
	FILE *out = tree->report->out;

	fprintf(out, "%s %" PRIu32, tree->vm ? "PASID" : "host PASID", pasid);
	if (pasid == tree->rid_pasid)
		fputs(" = without PASID", out);
	if (tree->vm && row)
		fprintf(out, " = host PASID %" PRIu64, json_number_of(row, "host_pasid", 0));
	if (!tree->vm && json_member(row, "vm")) {
		if (json_member(row, "pasid"))
			fprintf(out, " = PASID %" PRIu64 " of ", json_number_of(row, "pasid", 0));
		else
			fputs(" = without PASID, ", out);
		report_vm_name(tree->report, json_number_of(row, "vm", 0));
	}
}

static void print_range(struct tree *tree, const struct run *run)
{
	uint64_t first = remap_input(run->table, run->index), span = remap_span(run->table);

	fprintf(tree->report->out, "<code>0x%" PRIx64, first);
	if (run->count > 1)
		fprintf(tree->report->out, "…0x%" PRIx64, first + run->count * span - 1);
	fputs("</code>", tree->report->out);
}

static void print_input(struct tree *tree, const struct run *run)
{
	uint64_t input = remap_input(run->table, run->index);
	FILE *out = tree->report->out;

	switch (run->table->kind) {
	case REMAP_LEGACY_ROOT:
	case REMAP_ROOT:
		fprintf(out, "bus %02" PRIx64, input);
		break;
	case REMAP_LEGACY_CONTEXT:
	case REMAP_CONTEXT:
		print_rid(tree, (uint16_t)input);
		break;
	case REMAP_PASID_DIRECTORY:
		fprintf(out, "PASIDs %" PRIu64 "…%" PRIu64, input, input + 63);
		break;
	case REMAP_PASID_TABLE:
		print_pasid(tree, (uint32_t)input);
		break;
	default:
		print_range(tree, run);
	}
}

static void print_summary(struct tree *tree, const struct run *run)
{
	FILE *out = tree->report->out;
	char line[400];

	fputs("<summary>", out);
	print_input(tree, run);
	if (run->count > 1)
		fprintf(out, " <span class=\"tag\">%u pages</span>", run->count);
	if (!remap_is_present(run->table, run->entry))
		fputs(" <span class=\"tag warn\">not present</span>", out);
	fprintf(out, " <code class=\"raw\">%016" PRIx64 "</code> ", run->entry[0]);
	vsva_describe_line(remap_layout(run->table), run->entry, line, sizeof(line));
	html_element(out, "span", "line", "%s", line);
	fputs("</summary>\n", out);
}

/* All words, then each field. */
static void print_fields(struct tree *tree, const struct run *run)
{
	const struct vsva_layout *layout = remap_layout(run->table);
	struct json_object *fields = decode_fields(layout, run->entry, is_stage(run->table));
	FILE *out = tree->report->out;

	fprintf(out, "<p class=\"words\">%s, VT-d %s: <code>", vsva_layout_text(layout),
		vsva_layout_clause(layout));
	for (unsigned i = 0; i < remap_words(run->table); i++)
		fprintf(out, i ? " %016" PRIx64 : "%016" PRIx64, run->entry[i]);
	fprintf(out, "</code>%s</p>\n",
		is_stage(run->table) ? "; fields that are zero are left out" : "");
	report_fields(tree->report, fields);
	json_object_put(fields);
}

static void print_link(struct tree *tree, const struct run *run)
{
	uint32_t pasid = (uint32_t)remap_input(run->table, run->index);
	FILE *out = tree->report->out;

	if (run->table->kind != REMAP_PASID_TABLE)
		return;
	fputs("<p>", out);
	if (report_entry_link(tree->report, tree->vm, tree->rid,
			      pasid == tree->rid_pasid ? SHOW_ANY : pasid))
		fputs("Side by side with the other side's entry</a>", out);
	fputs("</p>\n", out);
}

static void print_run(struct tree *tree, const struct run *run)
{
	struct remap_table children[REMAP_CHILDREN];
	FILE *out = tree->report->out;
	unsigned count = 0;

	tree->report->nodes_left--;
	if (run->table->kind == REMAP_CONTEXT) {
		tree->rid = (uint16_t)remap_input(run->table, run->index);
		tree->rid_pasid = (uint32_t)decode_field("context_entry", run->entry, "RID_PASID");
	}
	fputs("<li><details>", out);
	print_summary(tree, run);
	if (remap_is_present(run->table, run->entry))
		count = remap_children(run->table, run->index, run->entry, children);
	if (count)
		fputs("<details class=\"decoded\"><summary>fields</summary>\n", out);
	print_fields(tree, run);
	if (count)
		fputs("</details>\n", out);
	print_link(tree, run);
	for (unsigned i = 0; i < count; i++)
		print_table(tree, &children[i]);
	fputs("</details></li>\n", out);
}

/* Tables */

/* Something stands there, though it may not count: an entry that was switched off keeps FPD. */
static bool is_set(const struct remap_table *table, const uint64_t *entry)
{
	if (is_stage(table))
		return remap_is_present(table, entry);
	for (unsigned i = 0; i < remap_words(table); i++)
		if (entry[i])
			return true;
	return false;
}

static bool goes_on(const struct run *run, const uint64_t *words, unsigned place)
{
	const uint64_t *next = words + place + run->count;

	return place + run->count < VIEW_WORDS_MAX && remap_is_leaf(run->table, run->entry) &&
	       is_set(run->table, next) &&
	       *next == *run->entry + run->count * remap_span(run->table);
}

struct lines {
	unsigned shown;
	size_t left_out; /* entries */
};

static void print_page(struct tree *tree, const struct remap_table *table, unsigned page,
		       const uint64_t *words, struct lines *lines)
{
	unsigned step = remap_words(table), entries = remap_entries(table);

	for (unsigned i = 0; i < entries; i++) {
		struct run run = {
			.table = table,
			.entry = words + i * step,
			.index = page * entries + i,
			.count = 1,
		};

		if (!is_set(table, run.entry))
			continue;
		while (is_stage(table) && goes_on(&run, words, i))
			run.count++;
		if (lines->shown < REPORT_LINES && tree->report->nodes_left) {
			lines->shown++;
			print_run(tree, &run);
		} else {
			lines->left_out += run.count;
		}
		i += run.count - 1;
	}
}

static bool print_pages(struct tree *tree, const struct remap_table *table)
{
	uint64_t words[VIEW_WORDS_MAX], address;
	struct lines lines = {0};
	unsigned unreadable = 0;

	fputs("<ul>\n", tree->report->out);
	for (unsigned page = 0; page < table->pages; page++)
		if (remap_place(tree->report->view, tree->vm, table, page, &address) &&
		    !view_read(tree->report->view, tree->vm, address, words, VIEW_WORDS_MAX))
			print_page(tree, table, page, words, &lines);
		else
			unreadable++;
	fputs("</ul>\n", tree->report->out);
	if (unreadable)
		fprintf(tree->report->out,
			"<p class=\"more\">%u of its pages cannot be read%s.</p>\n", unreadable,
			tree->report->is_live ? "" : ", or are not in the snapshot");
	report_more(tree->report, lines.left_out,
		    "entries of this table, and what they lead to, are", "");
	return lines.shown;
}

/* The number under which it is printed; 0: it is not yet, and is now. */
static unsigned number_of(struct tree *tree, const struct remap_table *table, unsigned *number)
{
	struct json_object *known;
	char key[96];

	snprintf(key, sizeof(key), "%d:%u:%" PRIx64 ":%" PRIx64 ":%" PRIx64, (int)table->kind,
		 table->level, table->address, table->second, table->input);
	if (json_object_object_get_ex(tree->seen, key, &known))
		return *number = (unsigned)json_object_get_int(known);
	*number = (unsigned)json_object_object_length(tree->seen) + 1;
	json_add_number(tree->seen, key, *number);
	return 0;
}

static void print_table(struct tree *tree, const struct remap_table *table)
{
	FILE *out = tree->report->out;
	unsigned number;

	if (number_of(tree, table, &number)) {
		fprintf(out,
			"<p class=\"table\">%s at <code>0x%" PRIx64 "</code>: <a "
			"href=\"#table-%" PRIu32 "-%u\">is above</a></p>\n",
			title_of(table), table->address, tree->vm, number);
		return;
	}
	fprintf(out, "<p class=\"table\" id=\"table-%" PRIu32 "-%u\">%s", tree->vm, number,
		title_of(table));
	if (table->level)
		fprintf(out, ", level %u,", table->level);
	fprintf(out, " at <code>%s0x%" PRIx64 "</code></p>\n",
		table->second || tree->vm ? "GPA " : "", table->address);
	if (!print_pages(tree, table))
		fputs("<p class=\"none\">No entry is shown.</p>\n", out);
}

static void print_unit(struct report *report, struct json_object *unit)
{
	struct tree tree = {.report = report, .vm = (uint32_t)json_number_of(unit, "vm", 0)};
	uint64_t root = json_number_of(unit, "root", 0);
	struct remap_table table = remap_root(root);
	char line[200];

	tree.seen = json_object_new_object();
	fputs("<details class=\"tree\" open><summary><b>", report->out);
	report_vm_name(report, tree.vm);
	vsva_describe_line(vsva_layout_find("RTADDR"), &root, line, sizeof(line));
	fprintf(report->out, "</b>, root table register <code class=\"raw\">%016" PRIx64 "</code> ",
		root);
	html_element(report->out, "span", "line", "%s", line);
	fputs("</summary>\n", report->out);
	if (root)
		print_table(&tree, &table);
	else
		fputs("<p class=\"none\">Its root was not set.</p>\n", report->out);
	fputs("</details>\n", report->out);
	json_object_put(tree.seen);
}

void report_trees(struct report *report)
{
	struct json_object *units = view_get(report->view, "unit"), *unit;
	unsigned count = 0, left = REPORT_NODES;

	fputs("<section id=\"structure\"><h2>Structure</h2>\n<p class=\"note\">From the root table "
	      "register down to pages, as the unit reads it. Pages that follow one another are one "
	      "line, decoded by the first entry.</p>\n",
	      report->out);
	JSON_FOR_EACH (units, unit) {
		/* what the units before have not used is shared among those that come */
		unsigned share = left / (unsigned)(json_length(units) - count++);

		report->nodes_left = share;
		print_unit(report, unit);
		left -= share - report->nodes_left;
	}
	json_object_put(units);
	fputs("</section>\n", report->out);
}
