// SPDX-License-Identifier: MIT
/* vsva trace: its arguments, and the way of an event from its source to a sink. */
#include "cli/trace/trace.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/links.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/spawn.h"
#include "cli/status.h"

static const char documentation[] =
	"Tells the events of a running vsva as they come, or those of a file: every hop of the "
	"four "
	"journeys, with\n"
	"an arrow from the room that led to it.\v"
	"FILE is what `vsva run --trace FILE`, `vsva trace --json` or `vsva snapshot FILE` has "
	"written.\n"
	"\n"
	"Selectors, any of them:\n"
	"  vm N                     of this VM\n"
	"  device 6a:00.0           that name this device\n"
	"  pasid N                  of this PASID: the guest's where a VM has it, else the host's\n"
	"  kind K[,K...]            of these kinds; `vsva run --list-events` has them\n"
	"  journey J[,J...]         of these journeys: bind, dma, page, flush, birth, death\n"
	"\n"
	"Examples:\n"
	"  vsva trace                                        until Ctrl-C, or the vsva goes\n"
	"  vsva trace --last vm 1 journey page               page requests that the ring still "
	"holds\n"
	"  vsva trace --count 100 pasid 1\n"
	"  vsva trace --json kind fault | jq 'select(.event)'\n"
	"  vsva run --trace t.json examples/page-faults.lua; vsva trace t.json\n"
	"  vsva trace --perfetto t.pftrace.json --seconds 2  a timeline of two seconds\n"
	"  vsva trace --svg life.svg t.json vm 1 pasid 1     the life of a PASID as a drawing\n"
	"\n"
	"Who does not read as fast as events come loses some, and is told how many; nobody waits "
	"for it.\n"
	"\n"
	"Exit status: 0 told; 1 nothing was there to be told; 2 a mistake in the arguments; 3 "
	"there is "
	"nothing to\n"
	"look at, or a file cannot be read or written.";

enum {
	KEY_COUNT = 0x4000,
	KEY_SECONDS,
	KEY_LAST,
	KEY_ASCII,
	KEY_COLOUR,
	KEY_PERFETTO,
	KEY_MERMAID,
	KEY_SVG
};

static const struct argp_option options[] = {
	{"count", KEY_COUNT, "N", 0, "stop after N events", 0},
	{"seconds", KEY_SECONDS, "S", 0, "stop after so many seconds", 0},
	{"last", KEY_LAST, NULL, 0, "what the ring holds now, and no more", 0},
	{"json", 'j', NULL, 0, "one JSON object a line: a file that can be FILE again", 0},
	{"perfetto", KEY_PERFETTO, "FILE", 0,
	 "a timeline that ui.perfetto.dev and chrome://tracing open, instead of text", 0},
	{"svg", KEY_SVG, "FILE", 0, "a drawing of one PASID's life, instead of text", 0},
	{"mermaid", KEY_MERMAID, "FILE", 0, "the same for Mermaid", 0},
	{"ascii", KEY_ASCII, NULL, 0,
	 "draw with ASCII characters, as where the locale is not UTF-8", 0},
	{"no-colour", KEY_COLOUR, NULL, 0, "no colour; it is only used on a terminal", 0},
	{0},
};

#define WORDS_MAX 16u
#define DRAWINGS  3u
#define LOOK_MS   500

struct arguments {
	struct view_source source;
	unsigned long long count; /* 0: no end */
	double seconds;           /* likewise */
	bool last, json, ascii, no_colour;
	const char *drawings[DRAWINGS]; /* paths; NULL: it is not wanted */
	unsigned word_count;
	char *words[WORDS_MAX];
};

static void take_seconds(struct arguments *arguments, const char *text, struct argp_state *state)
{
	char *end;

	arguments->seconds = strtod(text, &end);
	if (end == text || *end || !(arguments->seconds > 0 && arguments->seconds <= 1e6))
		misuse(state, "--seconds: '%s' is not between 0 and 1000000", text);
}

static void take_word(struct arguments *arguments, char *text, struct argp_state *state)
{
	if (arguments->word_count == WORDS_MAX)
		misuse(state, "too many arguments");
	arguments->words[arguments->word_count++] = text;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_COUNT:
		if (command_number(text, UINT64_MAX, "--count", &arguments->count))
			return EINVAL;
		if (!arguments->count)
			misuse(state, "--count: one event is the least");
		return 0;
	case KEY_SECONDS:
		take_seconds(arguments, text, state);
		return 0;
	case KEY_LAST:
		arguments->last = true;
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case KEY_ASCII:
		arguments->ascii = true;
		return 0;
	case KEY_COLOUR:
		arguments->no_colour = true;
		return 0;
	case KEY_PERFETTO:
	case KEY_MERMAID:
	case KEY_SVG:
		arguments->drawings[key - KEY_PERFETTO] = text;
		return 0;
	case ARGP_KEY_ARG:
		take_word(arguments, text, state);
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->source;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Selectors come in pairs: what is left over stands first and is the file. */
static bool take_file(struct arguments *arguments)
{
	if (arguments->word_count % 2 == 0)
		return true;
	if (arguments->source.snapshot || arguments->source.control) {
		complain(VSVA_CODE_USAGE, "'%s': a file, --snapshot or --control: one of them",
			 arguments->words[0]);
		return false;
	}
	arguments->source.snapshot = arguments->words[0];
	arguments->word_count--;
	memmove(arguments->words, arguments->words + 1,
		arguments->word_count * sizeof(arguments->words[0]));
	return true;
}

static bool has_drawing(const struct arguments *arguments)
{
	for (unsigned i = 0; i < DRAWINGS; i++)
		if (arguments->drawings[i])
			return true;
	return false;
}

/* Sinks */

static bool knows_unicode(void)
{
	return setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* Files that can be made, all at once. */
typedef struct trace_sink *sink_create_fn(const struct names *names, FILE *out);
static sink_create_fn *const drawings[DRAWINGS] = {
	trace_perfetto_create, /* as the keys are */
	trace_mermaid_create,
	trace_svg_create,
};

struct output {
	struct trace_sink *sink;
	const char *path; /* NULL: standard output */
};

static struct trace_sink *make_printer(const struct arguments *arguments, const struct names *names)
{
	if (arguments->json)
		return trace_json_create(names, stdout);
	return trace_text_create(names, stdout, !arguments->no_colour && output_wants_colour(),
				 arguments->ascii || !knows_unicode());
}

static struct trace_sink *make_drawing(sink_create_fn *create, const struct names *names,
				       const char *path, const char *input)
{
	FILE *out = output_create(path, input);
	struct trace_sink *sink = out ? create(names, out) : NULL;

	if (out && !sink) {
		complain(VSVA_CODE_NO_MEMORY, "no memory");
		fclose(out);
	}
	return sink;
}

/* The way */

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal)
{
	(void)signal;
	is_interrupted = true;
}

/* poll() shall return: no SA_RESTART. */
static void catch_interrupts(void)
{
	const struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

struct way {
	const struct arguments *arguments;
	struct trace_filter filter;
	struct events *events;
	struct links *links;
	struct output outputs[DRAWINGS];
	unsigned output_count;
	int64_t end_ms;   /* INT64_MAX: none */
	uint64_t last_ns; /* of the event before */
	uint64_t told;
	uint64_t lost; /* before events that were not told */
};

static bool cannot_write(const struct way *way)
{
	for (unsigned i = 0; i < way->output_count; i++)
		if (ferror(way->outputs[i].sink->out))
			return true;
	return false;
}

static bool is_over(const struct way *way)
{
	return is_interrupted || (way->arguments->count && way->told == way->arguments->count) ||
	       cannot_write(way) || spawn_now_ms() >= way->end_ms;
}

/* Not for ever: a signal may come just before the wait, and does not end it then. */
static int time_to_wait(const struct way *way)
{
	int64_t left = way->end_ms - spawn_now_ms();

	return left < 0 ? 0 : (left > LOOK_MS ? LOOK_MS : (int)left);
}

/* No two have the same time, so that a drawing has an order: some nanoseconds in a burst. */
static void set_apart(struct way *way, struct traced *event)
{
	if (event->record.time_ns <= way->last_ns)
		event->record.time_ns = way->last_ns + 1;
	way->last_ns = event->record.time_ns;
}

static void give(struct way *way, const struct traced *event, const struct traced *from)
{
	bool is_from_shown = from && trace_filter_lets(&way->filter, from);

	for (unsigned i = 0; i < way->output_count; i++) {
		struct trace_sink *sink = way->outputs[i].sink;

		sink->ops->event(sink, event, is_from_shown || sink->draws_all ? from : NULL);
	}
}

static void tell(struct way *way, struct traced *event)
{
	const struct traced *from;

	if (way->outputs[0].path)
		set_apart(way, event);
	from = links_follow(way->links, event);
	way->lost += event->lost;
	if (!trace_filter_lets(&way->filter, event))
		return;
	event->lost = way->lost;
	way->lost = 0;
	give(way, event, from);
	way->told++;
}

/* What there is shall be seen before the next comes; who draws is told how it goes. */
static void show_progress(const struct way *way)
{
	if (!way->outputs[0].path)
		fflush(stdout);
	else
		progress_step("%" PRIu64 " events; Ctrl-C ends", way->told);
}

static int go(struct way *way)
{
	enum events_status status = EVENTS_ONE;
	struct traced event;

	while (!is_over(way) && (status == EVENTS_ONE || status == EVENTS_NONE)) {
		status = events_next(way->events, &event, 0);
		if (status == EVENTS_NONE) {
			show_progress(way);
			status = events_next(way->events, &event, time_to_wait(way));
		}
		if (status == EVENTS_ONE)
			tell(way, &event);
	}
	progress_erase();
	if (status == EVENTS_BROKEN)
		return CLI_SETUP;
	if (way->told)
		return CLI_OK;
	if (!is_interrupted)
		complain(VSVA_CODE_NO_EVENTS,
			 "there is no event to be told: none was recorded, or none is selected");
	return CLI_FAILED;
}

/* Outputs */

static bool add_output(struct way *way, struct trace_sink *sink, const char *path)
{
	if (!sink)
		return false;
	way->outputs[way->output_count++] = (struct output){.sink = sink, .path = path};
	return true;
}

static bool make_outputs(struct way *way)
{
	const struct names *names = events_names(way->events);
	const char *input = way->arguments->source.snapshot;

	for (unsigned i = 0; i < DRAWINGS; i++) {
		const char *path = way->arguments->drawings[i];

		if (path && !add_output(way, make_drawing(drawings[i], names, path, input), path))
			return false;
	}
	if (way->output_count || add_output(way, make_printer(way->arguments, names), NULL))
		return true;
	complain(VSVA_CODE_NO_MEMORY, "no memory");
	return false;
}

/* Drawings are finished whatever there was to be drawn. */
static int end_outputs(struct way *way, int status)
{
	for (unsigned i = 0; i < way->output_count; i++) {
		struct trace_sink *sink = way->outputs[i].sink;
		const char *path = way->outputs[i].path;
		FILE *out = sink->out;

		sink->ops->end(sink, way->lost + events_lost_at_end(way->events));
		sink->ops->destroy(sink);
		if (path && !output_close(out, path))
			status = CLI_SETUP;
	}
	return status;
}

static int trace_from(struct way *way)
{
	int status = CLI_SETUP;

	way->links = links_create();
	if (!way->links)
		complain(VSVA_CODE_NO_MEMORY, "no memory");
	else if (make_outputs(way))
		status = go(way);
	status = end_outputs(way, status);
	links_destroy(way->links);
	return status;
}

int command_trace(int argc, char **argv)
{
	static const struct argp_child children[] = {{&view_argp, 0, "Where to look:", 1}, {0}};
	static const struct argp argp = {.options = options,
					 .parser = parse,
					 .args_doc = "[FILE] [SELECTOR VALUE]...",
					 .doc = documentation,
					 .children = children};
	struct arguments arguments = {0};
	struct events_wanted wanted = {0};
	struct way way = {.arguments = &arguments, .end_ms = INT64_MAX};
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) || !take_file(&arguments) ||
	    trace_filter_parse(&way.filter, arguments.words, arguments.word_count))
		return CLI_USAGE;
	/* links go through events that are not shown */
	if (arguments.json && !has_drawing(&arguments))
		trace_filter_kinds(&way.filter, wanted.kinds);
	else
		memset(wanted.kinds, true, sizeof(wanted.kinds));
	wanted.from_oldest = wanted.until_now = arguments.last;
	catch_interrupts();
	way.events = events_open(&arguments.source, &wanted);
	if (!way.events)
		return CLI_SETUP;
	if (arguments.seconds > 0)
		way.end_ms = spawn_now_ms() + (int64_t)(arguments.seconds * 1000);
	status = trace_from(&way);
	events_close(way.events);
	return status;
}
