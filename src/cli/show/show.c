// SPDX-License-Identifier: MIT
/* vsva show: its arguments, in the grammar of ip and bpftool. */
#include "cli/show/show.h"

#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/output.h"
#include "cli/spawn.h"
#include "cli/status.h"

static const char documentation[] =
	"Shows what a running vsva, or a snapshot, holds.\v"
	"Objects, which may be abbreviated:\n"
	"  unit                        registers of the physical and the virtual units, decoded\n"
	"  vm                          virtual machines\n"
	"  device                      devices, and who has them\n"
	"  pasid                       PASIDs: state, references and whose they are, bindings\n"
	"  entry DEVICE PASID          guest's entry, shadow and host's entry side by side\n"
	"  walk DEVICE PASID ADDRESS   every entry of both stages; a write with `write` behind\n"
	"  cache                       caches and device TLBs; stale entries are marked\n"
	"  group                       page requests that have no answer yet\n"
	"  queue                       invalidation and page-request queues with what is in them\n"
	"  faults                      faults that are recorded and not taken\n"
	"  stats                       counters; rates with --watch\n"
	"\n"
	"Selectors, any of them: vm N (0: what is no VM's), device 6a:00.0 (with vm N also as its "
	"guest "
	"names it),\n"
	"pasid N: of the guest that has this number, or of all that have; where none has, the "
	"host's.\n"
	"\n"
	"Examples:\n"
	"  vsva show pasid vm 1\n"
	"  vsva show entry 6a:00.0 1\n"
	"  vsva show walk 6a:00.0 1 0x7f0000001000\n"
	"  vsva show -j cache device 6a:00.0 | jq '.[] | select(.stale)'\n"
	"  vsva show stats --watch\n"
	"  vsva show --snapshot FILE unit vm 0\n"
	"\n"
	"Exit status: 0 shown; 1 there is no such thing; 2 a mistake in the arguments; 3 there is "
	"nothing to look at.";

enum { KEY_WATCH = 0x3000, KEY_COLOUR };

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "as JSON", 0},
	{"pretty", 'p', NULL, 0, "as JSON that is easy to read", 0},
	{"watch", KEY_WATCH, "SECONDS", OPTION_ARG_OPTIONAL,
	 "again every SECONDS (1); of counters what came per second", 0},
	{"no-colour", KEY_COLOUR, NULL, 0, "no colour; it is only used on a terminal", 0},
	{0},
};

static const struct object {
	const char *name;
	show_collect_fn *collect;
	show_print_fn *print;
	const char *const positions; /* arguments without a name: d device, p PASID, a address */
} objects[] = {
	{"unit", show_unit_collect, show_unit_print, ""},
	{"vm", show_vm_collect, show_vm_print, ""},
	{"device", show_device_collect, show_device_print, "d"},
	{"pasid", show_pasid_collect, show_pasid_print, ""},
	{"entry", show_entry_collect, show_entry_print, "dp"},
	{"walk", show_walk_collect, show_walk_print, "dpa"},
	{"cache", show_cache_collect, show_cache_print, ""},
	{"group", show_group_collect, show_group_print, ""},
	{"queue", show_queue_collect, show_queue_print, ""},
	{"faults", show_faults_collect, show_faults_print, ""},
	{"stats", show_stats_collect, show_stats_print, ""},
};
#define OBJECT_COUNT (sizeof(objects) / sizeof(objects[0]))

#define WORDS_MAX 16u

struct arguments {
	struct view_source source;
	bool json, pretty, no_colour;
	unsigned watch_ms; /* 0: once */
	unsigned count;
	char *words[WORDS_MAX];
};

static unsigned take_seconds(const char *text, const struct argp_state *state)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.1 && seconds <= 3600))
		misuse(state, "--watch: '%s' is not between 0.1 and 3600", text);
	return (unsigned)(seconds * 1000);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'j':
		arguments->json = true;
		return 0;
	case 'p':
		arguments->json = arguments->pretty = true;
		return 0;
	case KEY_COLOUR:
		arguments->no_colour = true;
		return 0;
	case KEY_WATCH:
		arguments->watch_ms = take_seconds(text ? text : "1", state);
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->count == WORDS_MAX)
			misuse(state, "too many arguments");
		arguments->words[arguments->count++] = text;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->source;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->count)
			misuse(state, "show what? One of: unit, vm, device, pasid, entry, "
				      "walk, cache, group, queue, faults, stats");
		if (arguments->watch_ms && arguments->source.snapshot)
			misuse(state, "--watch: a snapshot does not change");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Words */

/* The first that begins so, as ip does it. */
static const struct object *find_object(const char *name)
{
	for (size_t i = 0; *name && i < OBJECT_COUNT; i++)
		if (!strncmp(objects[i].name, name, strlen(name)))
			return &objects[i];
	complain(VSVA_CODE_USAGE,
		 "no object '%s'; there are: unit, vm, device, pasid, entry, walk, cache, group, "
		 "queue, faults, stats",
		 name);
	return NULL;
}

static int take_device(struct show *show, const char *text)
{
	uint16_t rid;

	if (command_device(text, &rid))
		return -EINVAL;
	show->device = rid;
	return 0;
}

static int take_address(struct show *show, const char *text)
{
	unsigned long long number;

	if (command_number(text, UINT64_MAX, "ADDRESS", &number))
		return -EINVAL;
	show->address = number;
	show->has_address = true;
	return 0;
}

static int take(struct show *show, char what, const char *text)
{
	switch (what) {
	case 'd':
		return take_device(show, text);
	case 'p':
		if (strcmp(text, "none"))
			return command_unsigned(text, 0xfffff, "PASID", &show->pasid);
		show->pasid = SHOW_ANY;
		return 0;
	case 'v':
		return command_unsigned(text, SHOW_ANY - 1, "vm", &show->vm);
	default:
		return take_address(show, text);
	}
}

static char selector_of(const char *word)
{
	if (!strcmp(word, "vm"))
		return 'v';
	if (!strcmp(word, "device") || !strcmp(word, "dev"))
		return 'd';
	return !strcmp(word, "pasid") ? 'p' : 0;
}

static int take_words(struct show *show, const struct object *object, char *const *words,
		      unsigned count)
{
	const char *positions = object->positions;

	for (unsigned i = 0; i < count; i++) {
		char selector = selector_of(words[i]);
		int err;

		if (selector && i + 1 < count)
			err = take(show, selector, words[++i]);
		else if (!strcmp(words[i], "write") && object->collect == show_walk_collect)
			err = (show->write = true, 0);
		else if (*positions)
			err = take(show, *positions++, words[i]);
		else
			err = -ENOENT;
		if (err == -ENOENT)
			complain(VSVA_CODE_USAGE, "'%s' means nothing here; `vsva show --help`",
				 words[i]);
		if (err)
			return err;
	}
	if (!*positions || object->collect == show_device_collect)
		return 0;
	complain(VSVA_CODE_USAGE, "show %s needs %s", object->name,
		 object->collect == show_walk_collect ? "DEVICE PASID ADDRESS" : "DEVICE PASID");
	return -EINVAL;
}

/* Showing */

static void print(struct show *show, const struct arguments *arguments, const struct object *object,
		  struct json_object *rows)
{
	if (!arguments->json)
		object->print(show, rows);
	else
		fprintf(show->out, "%s\n",
			json_object_to_json_string_ext(
				rows, JSON_C_TO_STRING_NOSLASHESCAPE |
					      (arguments->pretty ? JSON_C_TO_STRING_PRETTY |
									   JSON_C_TO_STRING_SPACED
								 : JSON_C_TO_STRING_PLAIN)));
	fflush(show->out);
}

static struct json_object *collect(struct show *show, const struct object *object)
{
	struct json_object *rows;

	show_select_begin(show);
	rows = object->collect(show);
	show_select_end(show);
	return rows;
}

static int show_once(struct show *show, const struct arguments *arguments,
		     const struct object *object)
{
	struct json_object *rows = collect(show, object);
	bool is_empty;

	if (!rows)
		return CLI_SETUP;
	is_empty = !json_length(rows);
	print(show, arguments, object, rows);
	json_object_put(rows);
	return is_empty && (show->vm != SHOW_ANY || show->device != SHOW_ANY ||
			    show->pasid != SHOW_ANY)
		       ? CLI_FAILED
		       : CLI_OK;
}

/* Until it is interrupted, or the server goes. How long a look takes counts too. */
static int watch(struct show *show, const struct arguments *arguments, const struct object *object)
{
	bool has_rates = object->collect == show_stats_collect, is_first = true;
	int64_t then = spawn_now_ms(), time;
	struct json_object *before = collect(show, object), *now, *rates;

	while (before && !ferror(show->out)) {
		poll(NULL, 0, (int)arguments->watch_ms);
		time = spawn_now_ms();
		now = collect(show, object);
		rates = now && has_rates
				? show_stats_rates(before, now, (double)(time - then) / 1000.0)
				: json_object_get(now);
		if (rates && !is_first && !arguments->json)
			fputc('\n', show->out);
		if (rates)
			print(show, arguments, object, rates);
		json_object_put(rates);
		json_object_put(before);
		before = now;
		then = time;
		is_first = false;
	}
	return CLI_SETUP;
}

int command_show(int argc, char **argv)
{
	static const struct argp_child children[] = {{&view_argp, 0, "Where to look:", 1}, {0}};
	static const struct argp argp = {.options = options,
					 .parser = parse,
					 .args_doc = "OBJECT [SELECTOR...]",
					 .doc = documentation,
					 .children = children};
	struct arguments arguments = {0};
	struct show show = {.out = stdout, .vm = SHOW_ANY, .device = SHOW_ANY, .pasid = SHOW_ANY};
	const struct object *object;
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CLI_USAGE;
	object = find_object(arguments.words[0]);
	if (!object || take_words(&show, object, arguments.words + 1, arguments.count - 1))
		return CLI_USAGE;
	show.view = view_open(&arguments.source);
	if (!show.view)
		return CLI_SETUP;
	show.in_colour = !arguments.no_colour && output_wants_colour();
	status = arguments.watch_ms ? watch(&show, &arguments, object)
				    : show_once(&show, &arguments, object);
	view_close(show.view);
	return status;
}
