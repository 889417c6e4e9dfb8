// SPDX-License-Identifier: MIT
/*
 * Events as text: a column for each room, a mark where it happened, an arrow from the room that led to it.
 *
 *   guest vmm  host unit device
 *   │     │    │    ○────▶●        unit delivers the answer …
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/hop_text.h"
#include "cli/journey.h"
#include "cli/trace/trace.h"

#define ROOMS       5
#define ROOM_WIDTH  6
#define LADDER_LAST ((ROOMS - 1) * ROOM_WIDTH)

/* Pieces of the picture. */
struct pieces {
	const char *lane, *here, *from, *line, *right, *left;
};

static const struct pieces unicode = {"│", "●", "○", "─", "▶", "◀"};
static const struct pieces ascii = {"|", "*", "o", "-", ">", "<"};

struct trace_text {
	struct trace_sink sink;
	const struct pieces *pieces;
	bool in_colour;
	bool has_begun;
	uint64_t first_ns;
};

#define PLAIN "\033[0m"
#define DIM   "\033[2m"
#define RED   "\033[31m"

static const char *colour(const struct trace_text *text, const char *code)
{
	return text->in_colour ? code : "";
}

/* As `vsva run` has them. */
static const char *journey_colour(const struct trace_text *text, enum journey journey)
{
	static const char *const codes[] = {"\033[32m", "\033[34m", "\033[33m",
					    "\033[36m", "\033[32m", "\033[31m"};

	return colour(text, codes[journey]);
}

/* The picture */

static const char *piece_at(const struct trace_text *text, int at, int here, int from)
{
	const struct pieces *pieces = text->pieces;
	int low = here < from ? here : from, high = here < from ? from : here;

	if (at == here)
		return pieces->here;
	if (at == from)
		return pieces->from;
	if (at == here - 1 && from < here)
		return pieces->right;
	if (at == here + 1 && from > here)
		return pieces->left;
	if (at > low && at < high)
		return pieces->line;
	return at % ROOM_WIDTH ? " " : pieces->lane;
}

static void print_picture(const struct trace_text *text, const struct traced *event,
			  const struct traced *from)
{
	int here = (int)event->record.event.room * ROOM_WIDTH;
	int there = from ? (int)from->record.event.room * ROOM_WIDTH : here;
	enum journey journey = journey_of(&event->record.event);
	const char *on = journey_colour(text, journey), *dim = colour(text, DIM);
	const char *is_on = NULL;

	for (int at = 0; at <= LADDER_LAST; at++) {
		const char *piece = piece_at(text, at, here, there);
		const char *wanted = piece == text->pieces->lane ? dim : on;

		if (wanted != is_on && *piece != ' ')
			fprintf(text->sink.out, "%s%s", colour(text, PLAIN), wanted);
		is_on = *piece == ' ' ? is_on : wanted;
		fputs(piece, text->sink.out);
	}
	fputs(colour(text, PLAIN), text->sink.out);
}

/* Lines */

static void print_head(struct trace_text *text, const struct traced *event)
{
	text->has_begun = true;
	text->first_ns = event->record.time_ns;
	fprintf(text->sink.out,
		"%s%13s         guest vmm   host  unit  device   who          device  what "
		"happens; "
		"time 0 is %" PRIu64 ".%09" PRIu64 " of CLOCK_MONOTONIC%s\n",
		colour(text, DIM), "us", text->first_ns / 1000000000, text->first_ns % 1000000000,
		colour(text, PLAIN));
}

static void print_lost(const struct trace_text *text, uint64_t lost)
{
	if (lost)
		fprintf(text->sink.out, "%s%13s  %" PRIu64 " events were lost here%s\n",
			colour(text, RED), "", lost, colour(text, PLAIN));
}

/* Accesses that followed one another in memory are one event. */
static void print_windows(const struct trace_text *text, const struct vsva_event *event)
{
	if (event->kind == VSVA_EV_ACCESS && event->len)
		fprintf(text->sink.out, ", %" PRIu64 " bytes", event->len);
}

static void tell_event(struct trace_sink *sink, const struct traced *event,
		       const struct traced *from)
{
	struct trace_text *text = (struct trace_text *)sink;
	enum journey journey = journey_of(&event->record.event);
	struct hop hop = traced_hop(event);
	struct hop_words words;
	uint64_t since;

	if (!text->has_begun)
		print_head(text, event);
	print_lost(text, event->lost);
	since = event->record.time_ns - text->first_ns;
	hop_words_of(sink->names, &hop, &words);
	fprintf(sink->out, "%9" PRIu64 ".%03" PRIu64 "  %s%-5s%s  ", since / 1000, since % 1000,
		journey_colour(text, journey), journey_name(journey), colour(text, PLAIN));
	print_picture(text, event, from);
	fprintf(sink->out, "        %-12s %-7s %s%s", words.who, words.device,
		event->record.cause && !vsva_event_is_end(event->record.event.kind) ? "  " : "",
		words.what);
	if (*words.pasids)
		fprintf(sink->out, "  [%s]", words.pasids);
	if (*words.where)
		fprintf(sink->out, "  %s", words.where);
	print_windows(text, &event->record.event);
	fputc('\n', sink->out);
}

static void tell_end(struct trace_sink *sink, uint64_t lost)
{
	print_lost((struct trace_text *)sink, lost);
}

static void destroy(struct trace_sink *sink)
{
	free(sink);
}

struct trace_sink *trace_text_create(const struct names *names, FILE *out, bool in_colour,
				     bool is_ascii)
{
	static const struct trace_sink_ops ops = {
		.event = tell_event, .end = tell_end, .destroy = destroy};
	struct trace_text *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text->sink =
		(struct trace_sink){.ops = &ops, .names = names, .out = out, .draws_all = true};
	text->pieces = is_ascii ? &ascii : &unicode;
	text->in_colour = in_colour;
	return &text->sink;
}
