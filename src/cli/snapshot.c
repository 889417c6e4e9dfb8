// SPDX-License-Identifier: MIT
/*
 * vsva snapshot: all objects, and all pages that tables are in. Tables are followed from the root of each
 * unit down; a page that is met again is not followed again, so loops end.
 */
#include "cli/snapshot.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/events.h"
#include "cli/json_text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/remap_table.h"
#include "cli/status.h"
#include "cli/trace/file.h"
#include "cli/version.h"
#include "cli/view/view.h"

/* Pages of tables that are saved at most: 1 GiB of them. */
#define PAGES_MAX 262144u

static const char *const objects[] = {"unit",  "vm",    "device", "assigned", "shadow",
				      "pasid", "group", "cache",  "stats"};

struct crawl {
	struct view *view;
	FILE *out;
	struct json_object *seen; /* pages, by key */
	unsigned pages;
	uint32_t vm; /* whose memory */
	bool is_cut; /* there were more than PAGES_MAX */
};

/* Pages */

static void write_page(struct crawl *crawl, uint32_t vm, uint64_t page, const uint64_t *words)
{
	struct json_object *line = json_object_new_object();
	char text[VIEW_WORDS_MAX * 17 + 1], *at = text;

	for (unsigned i = 0; i < VIEW_WORDS_MAX; i++)
		at += sprintf(at, i ? " %" PRIx64 : "%" PRIx64, words[i]);
	json_add_hex(line, "read", page);
	json_add_number(line, "vm", vm);
	json_add_text(line, "words", text);
	json_put_line(crawl->out, line);
}

/* Saves the page and gives its words; false: seen already, no memory, or too many. */
static bool take_page(struct crawl *crawl, uint64_t address, uint64_t *words)
{
	uint32_t vm = crawl->vm;
	uint64_t page = address & ~UINT64_C(0xfff);
	char key[40];

	snapshot_page_key(vm, page, key);
	if (json_member(crawl->seen, key))
		return false;
	crawl->is_cut |= crawl->pages == PAGES_MAX;
	if (crawl->pages == PAGES_MAX || view_read(crawl->view, vm, page, words, VIEW_WORDS_MAX))
		return false;
	json_add_flag(crawl->seen, key, true);
	crawl->pages++;
	progress_tell("%u pages of tables", crawl->pages);
	write_page(crawl, vm, page, words);
	return true;
}

static void crawl_table(struct crawl *crawl, const struct remap_table *table);

static void crawl_entries(struct crawl *crawl, const struct remap_table *table, unsigned page,
			  const uint64_t *words)
{
	struct remap_table children[REMAP_CHILDREN];

	for (unsigned i = 0; i < remap_entries(table); i++) {
		const uint64_t *entry = words + i * remap_words(table);
		unsigned count = 0;

		if (remap_is_present(table, entry))
			count = remap_children(table, page * remap_entries(table) + i, entry,
					       children);
		for (unsigned k = 0; k < count; k++)
			crawl_table(crawl, &children[k]);
	}
}

static void crawl_table(struct crawl *crawl, const struct remap_table *table)
{
	uint64_t words[VIEW_WORDS_MAX], address;

	for (unsigned page = 0; page < table->pages; page++)
		if (remap_place(crawl->view, crawl->vm, table, page, &address) &&
		    take_page(crawl, address, words))
			crawl_entries(crawl, table, page, words);
}

static void crawl_root(struct crawl *crawl, uint64_t rtaddr)
{
	struct remap_table root = remap_root(rtaddr);

	crawl_table(crawl, &root);
}

/* Queues are read by show too. */
static void crawl_queue(struct crawl *crawl, uint64_t address)
{
	uint64_t words[VIEW_WORDS_MAX];

	for (uint64_t page = 0; page < UINT64_C(1) << (address & 7); page++)
		take_page(crawl, (address & ~UINT64_C(0xfff)) + page * 4096, words);
}

static void crawl_unit(struct crawl *crawl, struct json_object *unit)
{
	struct json_object *registers = json_member(unit, "registers");
	uint64_t iqa = json_number_of(unit, "iqa", 0), pqa = json_number_of(registers, "PQA", 0);

	crawl->vm = (uint32_t)json_number_of(unit, "vm", 0);
	if (json_flag_of(unit, "queue"))
		crawl_queue(crawl, iqa);
	if (pqa)
		crawl_queue(crawl, pqa);
	if (json_number_of(unit, "root", 0))
		crawl_root(crawl, json_number_of(unit, "root", 0));
}

/* The file */

static void write_header(FILE *out)
{
	struct json_object *line = json_object_new_object();

	json_add_number(line, "snapshot", SNAPSHOT_VERSION);
	json_add_text(line, "vsva", VSVA_VERSION);
	json_put_line(out, line);
}

/* The units are the caller's; NULL: complained. */
static struct json_object *write_objects(struct crawl *crawl)
{
	struct json_object *units = NULL, *items, *line;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		progress_step("asking for %s", objects[i]);
		items = view_get(crawl->view, objects[i]);
		if (!items) {
			json_object_put(units);
			return NULL;
		}
		if (!i)
			units = json_object_get(items);
		line = json_object_new_object();
		json_add_text(line, "get", objects[i]);
		json_object_object_add(line, "items", items);
		json_put_line(crawl->out, line);
	}
	return units;
}

/* What the ring holds. */
static int write_events(struct crawl *crawl, const struct view_source *source)
{
	static const struct events_wanted wanted = {
		.kinds = {[0 ... VSVA_EV_KIND_COUNT - 1] = true},
		.from_oldest = true,
		.until_now = true,
	};
	struct events *events = events_open(source, &wanted);
	enum events_status status = EVENTS_BROKEN;
	struct traced event;

	if (!events)
		return CLI_SETUP;
	while ((status = events_next(events, &event, -1)) == EVENTS_ONE) {
		trace_file_lost(crawl->out, event.lost);
		trace_file_event(crawl->out, &event.record);
	}
	trace_file_lost(crawl->out, events_lost_at_end(events));
	events_close(events);
	return status == EVENTS_END ? CLI_OK : CLI_SETUP;
}

static int write_all(struct crawl *crawl, const struct view_source *source)
{
	int status;

	struct json_object *units;

	write_header(crawl->out);
	units = write_objects(crawl);
	if (!units)
		return CLI_SETUP;
	for (size_t i = 0; i < json_object_array_length(units); i++)
		crawl_unit(crawl, json_object_array_get_idx(units, i));
	json_object_put(units);
	status = write_events(crawl, source);
	if (status || !crawl->is_cut)
		return status;
	complain(VSVA_CODE_FILE, "there are more than %u pages of tables: the rest is left out",
		 PAGES_MAX);
	return CLI_FAILED;
}

static int save(struct view *view, const struct view_source *source, const char *path)
{
	struct crawl crawl = {.view = view, .out = output_create(path, source->snapshot)};
	int status;

	if (!crawl.out)
		return CLI_SETUP;
	crawl.seen = json_object_new_object();
	status = write_all(&crawl, source);
	progress_erase();
	json_object_put(crawl.seen);
	if (!output_close(crawl.out, path) && !status)
		return CLI_SETUP;
	return status;
}

/* The command */

static const char documentation[] =
	"Saves what a running vsva holds to FILE: all that `vsva show`, `vsva explain` and others "
	"can show, and the pages that tables are in.\v"
	"What changes while it is saved is saved as it was when it was its turn. The last events "
	"are "
	"saved too, if\n"
	"they are recorded: since a `vsva trace`, or from the beginning with --events of serve and "
	"boot.\n\n"
	"Examples:\n"
	"  vsva snapshot before.json\n"
	"  vsva show --snapshot before.json pasid\n"
	"  vsva explain --snapshot before.json 6a:00.0 1 0x7f0000001000\n"
	"  vsva trace before.json\n"
	"\n"
	"Exit status: 0 saved; 1 there are more tables than can be saved; 2 a mistake in the "
	"arguments; 3 there is nothing to look at, or "
	"FILE cannot "
	"be written.";

struct arguments {
	struct view_source source;
	const char *path;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (arguments->path)
			misuse(state, "one file: '%s' and '%s'", arguments->path, text);
		arguments->path = text;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->source;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->path)
			misuse(state, "where to? vsva snapshot FILE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int command_snapshot(int argc, char **argv)
{
	static const struct argp_child children[] = {{&view_argp, 0, "Where to look:", 1}, {0}};
	static const struct argp argp = {
		.parser = parse, .args_doc = "FILE", .doc = documentation, .children = children};
	struct arguments arguments = {0};
	struct view *view;
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CLI_USAGE;
	view = view_open(&arguments.source);
	if (!view)
		return CLI_SETUP;
	status = save(view, &arguments.source, arguments.path);
	view_close(view);
	return status;
}
