// SPDX-License-Identifier: MIT
/* A sequence as a drawing of its own: SVG without anything from elsewhere. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/html.h"
#include "cli/trace/sequence.h"

#define ROOMS        5
#define FIRST_X      150
#define BETWEEN_X    235
#define WIDTH        (FIRST_X + (ROOMS - 1) * BETWEEN_X + 330)
#define HEAD_Y       74
#define HEAD_HEIGHT  44
#define FIRST_Y      (HEAD_Y + HEAD_HEIGHT + 2)
#define STEP_HEIGHT  38
#define PHASE_HEIGHT 40
#define FOOT_HEIGHT  64
#define TIME_X       74

struct svg {
	struct trace_sink sink;
	struct sequence sequence;
};

static const char *const colours[JOURNEY_COUNT] = {
	[JOURNEY_BIND] = "#2e7d32",  [JOURNEY_DMA] = "#1565c0",   [JOURNEY_PAGE] = "#b85c00",
	[JOURNEY_FLUSH] = "#00838f", [JOURNEY_BIRTH] = "#558b2f", [JOURNEY_DEATH] = "#c62828",
};

static void draw_event(struct trace_sink *sink, const struct traced *event,
		       const struct traced *from)
{
	sequence_add(&((struct svg *)sink)->sequence, sink->names, event, from);
}

/* Shorter than it is, if it is too long. */
static void put_some_text(FILE *out, const char *text, size_t max)
{
	char some[96];

	if (strlen(text) <= max || max >= sizeof(some)) {
		html_text(out, text);
		return;
	}
	snprintf(some, sizeof(some), "%.*s", (int)max - 1, text);
	html_text(out, some);
	fputs("…", out);
}

static int x_of(enum vsva_room room)
{
	return FIRST_X + (int)room * BETWEEN_X;
}

static void put_style(FILE *out)
{
	fputs("<style>\n"
	      "text{font-family:ui-sans-serif,'DejaVu "
	      "Sans',Helvetica,Arial,sans-serif;font-size:12px;fill:#263238}\n"
	      ".title{font-size:20px;font-weight:600}\n"
	      ".sub,.time,.where{fill:#78909c;font-size:11px}\n"
	      ".where,.time{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:10px}\n"
	      ".time{text-anchor:end}\n"
	      ".head{font-weight:600;font-size:14px;text-anchor:middle}\n"
	      ".name{fill:#78909c;font-size:11px;text-anchor:middle}\n"
	      ".phase{font-weight:600;fill:#455a64;letter-spacing:.06em}\n"
	      ".halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}\n"
	      ".count{font-weight:600}\n"
	      "</style>\n",
	      out);
}

/* An arrow's head in each colour. */
static void put_markers(FILE *out)
{
	fputs("<defs>\n", out);
	for (int journey = 0; journey < JOURNEY_COUNT; journey++)
		fprintf(out,
			"<marker id=\"to-%s\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" "
			"markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0.5 8 4 "
			"0 7.5z\" fill=\"%s\"/></marker>\n",
			journey_name((enum journey)journey), colours[journey]);
	fputs("</defs>\n", out);
}

static void put_heads(const struct svg *svg, int bottom)
{
	static const char *const names[ROOMS] = {"guest", "vIOMMU", "host", "unit", "device"};
	const struct sequence *sequence = &svg->sequence;
	FILE *out = svg->sink.out;

	for (int room = 0; room < ROOMS; room++) {
		const char *more = room == VSVA_ROOM_GUEST    ? sequence->who
				   : room == VSVA_ROOM_DEVICE ? sequence->devices
				   : room == VSVA_ROOM_UNIT   ? "VT-d"
							      : "";
		int x = x_of((enum vsva_room)room);

		fprintf(out,
			"<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#cfd8dc\" "
			"stroke-width=\"1.5\"/>\n",
			x, HEAD_Y + HEAD_HEIGHT, x, bottom);
		fprintf(out,
			"<rect x=\"%d\" y=\"%d\" width=\"132\" height=\"%d\" rx=\"8\" "
			"fill=\"#eceff1\" stroke=\"#90a4ae\"/>\n",
			x - 66, HEAD_Y, HEAD_HEIGHT);
		fprintf(out, "<text class=\"head\" x=\"%d\" y=\"%d\">%s</text>\n", x,
			HEAD_Y + (*more ? 19 : 27), names[room]);
		fprintf(out, "<text class=\"name\" x=\"%d\" y=\"%d\">", x, HEAD_Y + 35);
		put_some_text(out, more, 22);
		fputs("</text>\n", out);
	}
}

/* 12.3 us, 4.56 ms */
static void put_time(FILE *out, uint64_t ns, int y)
{
	double us = (double)ns / 1000;

	fprintf(out, "<text class=\"time\" x=\"%d\" y=\"%d\">", TIME_X, y);
	if (us < 1000)
		fprintf(out, "%.1f us</text>\n", us);
	else if (us < 1000000)
		fprintf(out, "%.2f ms</text>\n", us / 1000);
	else
		fprintf(out, "%.2f s</text>\n", us / 1000000);
}

static void put_label(FILE *out, const struct sequence_step *step, int x, int y)
{
	fprintf(out, "<text class=\"halo\" x=\"%d\" y=\"%d\">", x, y - 6);
	html_text(out, step->words.what);
	if (step->count > 1)
		fprintf(out, " <tspan class=\"count\" fill=\"%s\">×%" PRIu64 "</tspan>",
			colours[step->journey], step->count);
	fputs("</text>\n", out);
	if (!step->words.where[0])
		return;
	fprintf(out, "<text class=\"where halo\" x=\"%d\" y=\"%d\">", x, y + 12);
	html_text(out, step->words.where);
	fputs("</text>\n", out);
}

static void put_step(const struct svg *svg, const struct sequence_step *step, int y)
{
	int here = x_of(step->to), there = x_of(step->from);
	const char *colour = colours[step->journey];
	FILE *out = svg->sink.out;

	put_time(out, step->first_ns - svg->sequence.first_ns, y + 4);
	if (here == there) {
		fprintf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>\n", here, y,
			colour);
		put_label(out, step, here + 16, y + (step->words.where[0] ? 3 : 10));
		return;
	}
	fprintf(out,
		"<circle cx=\"%d\" cy=\"%d\" r=\"3\" fill=\"%s\"/>\n"
		"<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"1.8\" "
		"marker-end=\"url(#to-%s)\"/>\n",
		there, y, colour, there, y, here + (here > there ? -2 : 2), y, colour,
		journey_name(step->journey));
	put_label(out, step, (here < there ? here : there) + 16, y);
}

static void put_phase(FILE *out, enum sequence_phase phase, int y)
{
	fprintf(out,
		"<rect x=\"16\" y=\"%d\" width=\"%d\" height=\"22\" rx=\"4\" fill=\"#f5f7f8\"/>\n"
		"<text class=\"phase\" x=\"26\" y=\"%d\">%s</text>\n",
		y, WIDTH - 32, y + 15, sequence_phase_name(phase));
}

static void put_legend(FILE *out, int y)
{
	static const char *const texts[JOURNEY_COUNT] = {"bind",         "DMA",   "page request",
							 "invalidation", "birth", "death"};

	for (int journey = 0; journey < JOURNEY_COUNT; journey++)
		fprintf(out,
			"<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>"
			"<text class=\"sub\" x=\"%d\" y=\"%d\">%s</text>\n",
			32 + journey * 130, y - 4, colours[journey], 44 + journey * 130, y,
			texts[journey]);
}

static unsigned steps_of(const struct sequence *sequence, enum sequence_phase phase)
{
	unsigned count = 0;

	for (unsigned i = 0; i < sequence->count; i++)
		count += sequence->steps[i].phase == phase;
	return count;
}

static int height_of(const struct sequence *sequence)
{
	int height = FIRST_Y + (int)sequence->count * STEP_HEIGHT;

	for (int phase = 0; phase < PHASE_COUNT; phase++)
		height += steps_of(sequence, (enum sequence_phase)phase) ? PHASE_HEIGHT : 0;
	return height;
}

static void put_title(const struct svg *svg, uint64_t lost)
{
	const struct sequence *sequence = &svg->sequence;
	FILE *out = svg->sink.out;
	char title[160];

	sequence_title(sequence, title, sizeof(title));
	fputs("<text class=\"title\" x=\"16\" y=\"34\">", out);
	html_text(out, sequence->is_chosen ? title : "No PASID was bound, and none worked");
	fprintf(out,
		"</text>\n<text class=\"sub\" x=\"16\" y=\"55\">%" PRIu64
		" events. An arrow ends where something happens and comes from what led to it; "
		"those that look alike in a phase are one, with their number and the first one's "
		"time and addresses",
		sequence->events);
	if (lost + sequence->left_out)
		fprintf(out, "; %" PRIu64 " events are not here", lost + sequence->left_out);
	fputs("</text>\n", out);
}

static void put_steps(const struct svg *svg)
{
	const struct sequence *sequence = &svg->sequence;
	int y = FIRST_Y;

	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		if (!steps_of(sequence, (enum sequence_phase)phase))
			continue;
		put_phase(svg->sink.out, (enum sequence_phase)phase, y + 12);
		y += PHASE_HEIGHT;
		for (unsigned i = 0; i < sequence->count; i++) {
			if (sequence->steps[i].phase != (enum sequence_phase)phase)
				continue;
			put_step(svg, &sequence->steps[i], y + STEP_HEIGHT / 2);
			y += STEP_HEIGHT;
		}
	}
}

static void draw_end(struct trace_sink *sink, uint64_t lost)
{
	const struct svg *svg = (struct svg *)sink;
	int bottom = height_of(&svg->sequence), height = bottom + FOOT_HEIGHT;

	fprintf(sink->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, height, WIDTH, height);
	put_style(sink->out);
	put_markers(sink->out);
	put_title(svg, lost);
	put_heads(svg, bottom + 10);
	put_steps(svg);
	put_legend(sink->out, height - 20);
	fputs("</svg>\n", sink->out);
}

static void destroy(struct trace_sink *sink)
{
	sequence_fini(&((struct svg *)sink)->sequence);
	free(sink);
}

struct trace_sink *trace_svg_create(const struct names *names, FILE *out)
{
	static const struct trace_sink_ops ops = {
		.event = draw_event, .end = draw_end, .destroy = destroy};
	struct svg *svg = calloc(1, sizeof(*svg));

	if (!svg)
		return NULL;
	svg->sink = (struct trace_sink){.ops = &ops, .names = names, .out = out};
	return &svg->sink;
}
