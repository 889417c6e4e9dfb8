// SPDX-License-Identifier: MIT
/*
 * vsva snapshot: all objects, and all pages that tables are in. Tables are followed from the root of each
 * unit down; a page that is met again is not followed again, so loops end.
 */
#include "cli/snapshot.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/decode.h"
#include "cli/events.h"
#include "cli/json_text.h"
#include "cli/status.h"
#include "cli/trace_file.h"
#include "cli/version.h"
#include "cli/view.h"
#include "vsva/describe.h"

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

static void write_line(FILE *out, struct json_object *line)
{
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(line);
}

static void write_page(struct crawl *crawl, uint32_t vm, uint64_t page, const uint64_t *words)
{
	struct json_object *line = json_object_new_object();
	char text[VIEW_WORDS_MAX * 17 + 1], *at = text;

	for (unsigned i = 0; i < VIEW_WORDS_MAX; i++)
		at += sprintf(at, i ? " %" PRIx64 : "%" PRIx64, words[i]);
	json_add_hex(line, "read", page);
	json_add_number(line, "vm", vm);
	json_add_text(line, "words", text);
	write_line(crawl->out, line);
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
	write_page(crawl, vm, page, words);
	return true;
}

/* How the entries of a table are to be read. */
struct paging {
	bool first_stage;
	uint64_t
		second; /* its addresses go through this second stage; 0: they are the crawl's own */
	unsigned second_levels;
};

/* A guest physical address through a second stage; false: it leads nowhere. */
static bool translate(struct crawl *crawl, const struct paging *paging, uint64_t *address)
{
	uint64_t table = paging->second, entry;

	for (unsigned level = paging->second_levels; level; level--) {
		uint64_t span = UINT64_C(1) << (3 + 9 * level);

		if (view_read(crawl->view, crawl->vm, table + *address / span % 512 * 8, &entry,
			      1) ||
		    !(entry & 3))
			return false;
		table = decode_field("SS_PTE", &entry, "ADDR");
		if (level == 1 || decode_field("SS_PTE", &entry, "PS")) {
			*address = (table & ~(span - 1)) | (*address & (span - 1));
			return true;
		}
	}
	return false;
}

static void crawl_paging(struct crawl *crawl, uint64_t table, unsigned level,
			 const struct paging *paging)
{
	const char *layout = paging->first_stage ? "FS_PTE" : "SS_PTE";
	uint64_t words[VIEW_WORDS_MAX];

	if (paging->second && !translate(crawl, paging, &table))
		return;
	if (!take_page(crawl, table, words) || level <= 1)
		return;
	for (unsigned i = 0; i < VIEW_WORDS_MAX; i++)
		if ((words[i] & (paging->first_stage ? 1 : 3)) &&
		    !decode_field(layout, &words[i], "PS"))
			crawl_paging(crawl, decode_field(layout, &words[i], "ADDR"), level - 1,
				     paging);
}

static void crawl_pasid_entry(struct crawl *crawl, const uint64_t *entry)
{
	struct paging first = {.first_stage = true}, second = {0};
	uint64_t type = decode_field("pasid_entry", entry, "PGTT");
	uint64_t root = decode_field("pasid_entry", entry, "SSPTPTR");
	unsigned levels = (unsigned)decode_field("pasid_entry", entry, "AW") + 2;

	if (!decode_field("pasid_entry", entry, "P"))
		return;
	if (type == 2 || type == 3)
		crawl_paging(crawl, root, levels, &second);
	if (type == 3)
		first = (struct paging){
			.first_stage = true, .second = root, .second_levels = levels};
	if (type == 1 || type == 3)
		crawl_paging(crawl, decode_field("pasid_entry", entry, "FSPTPTR"),
			     decode_field("pasid_entry", entry, "FSPM") ? 5 : 4, &first);
}

static void crawl_directory(struct crawl *crawl, uint64_t directory, unsigned pdts)
{
	uint64_t words[VIEW_WORDS_MAX], table[VIEW_WORDS_MAX];
	unsigned pages = (1u << (pdts + 7)) / VIEW_WORDS_MAX;

	for (unsigned page = 0; page < (pages ? pages : 1); page++) {
		if (!take_page(crawl, directory + page * UINT64_C(4096), words))
			continue;
		for (unsigned i = 0; i < VIEW_WORDS_MAX; i++) {
			if (!decode_field("pasid_dir_entry", &words[i], "P") ||
			    !take_page(crawl,
				       decode_field("pasid_dir_entry", &words[i], "SMPTBLPTR"),
				       table))
				continue;
			for (unsigned k = 0; k < VIEW_WORDS_MAX; k += 8)
				crawl_pasid_entry(crawl, &table[k]);
		}
	}
}

static void crawl_legacy_contexts(struct crawl *crawl, uint64_t table)
{
	const struct paging second = {0};
	uint64_t words[VIEW_WORDS_MAX];

	if (!take_page(crawl, table, words))
		return;
	for (unsigned i = 0; i < VIEW_WORDS_MAX; i += 2)
		if (decode_field("legacy_context", &words[i], "P") &&
		    decode_field("legacy_context", &words[i], "TT") < 2)
			crawl_paging(crawl, decode_field("legacy_context", &words[i], "SSPTPTR"),
				     (unsigned)decode_field("legacy_context", &words[i], "AW") + 2,
				     &second);
}

static void crawl_contexts(struct crawl *crawl, uint64_t table)
{
	uint64_t words[VIEW_WORDS_MAX];

	if (!take_page(crawl, table, words))
		return;
	for (unsigned i = 0; i < VIEW_WORDS_MAX; i += 4)
		if (decode_field("context_entry", &words[i], "P"))
			crawl_directory(crawl,
					decode_field("context_entry", &words[i], "PASIDDIRPTR"),
					(unsigned)decode_field("context_entry", &words[i], "PDTS"));
}

static void crawl_root(struct crawl *crawl, uint64_t rtaddr)
{
	bool is_scalable = decode_field("RTADDR", &rtaddr, "TTM") == 1;
	uint64_t words[VIEW_WORDS_MAX];

	if (!take_page(crawl, decode_field("RTADDR", &rtaddr, "RTA"), words))
		return;
	for (unsigned i = 0; i < VIEW_WORDS_MAX; i += 2) {
		if (!is_scalable && decode_field("legacy_root", &words[i], "P"))
			crawl_legacy_contexts(crawl, decode_field("legacy_root", &words[i], "CTP"));
		if (is_scalable && decode_field("root_entry", &words[i], "LP"))
			crawl_contexts(crawl, decode_field("root_entry", &words[i], "LCTP"));
		if (is_scalable && decode_field("root_entry", &words[i], "UP"))
			crawl_contexts(crawl, decode_field("root_entry", &words[i], "UCTP"));
	}
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
	write_line(out, line);
}

/* The units are the caller's; NULL: complained. */
static struct json_object *write_objects(struct crawl *crawl)
{
	struct json_object *units = NULL, *items, *line;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
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
		write_line(crawl->out, line);
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

/* Where it goes; what stands there already is replaced. Like the socket it is for its owner alone. */
static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		complain(VSVA_CODE_FILE, "%s: %s", path, strerror(errno));
	if (!file && fd >= 0)
		close(fd);
	return file;
}

static int save(struct view *view, const struct view_source *source, const char *path)
{
	struct crawl crawl = {.view = view, .out = create(path)};
	int status;

	if (!crawl.out)
		return CLI_SETUP;
	crawl.seen = json_object_new_object();
	status = write_all(&crawl, source);
	json_object_put(crawl.seen);
	if (fclose(crawl.out) && !status) {
		complain(VSVA_CODE_FILE, "%s: %s", path, strerror(errno));
		return CLI_SETUP;
	}
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
	"  vsva trace before.json";

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
