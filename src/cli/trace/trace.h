/* SPDX-License-Identifier: MIT */
/*
 * vsva trace: events from a source, through a filter, to a sink.
 *
 *   sink   what becomes of them: text, JSON, a timeline, a drawing
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdio.h>

#include "cli/events.h"
#include "cli/journey.h"

struct trace_sink;

struct trace_sink_ops {
	/* from: the event that led to it; NULL: none is known. Both are valid during the call. */
	void (*event)(struct trace_sink *sink, const struct traced *event,
		      const struct traced *from);
	/* After the last. lost: events behind it that nobody saw. */
	void (*end)(struct trace_sink *sink, uint64_t lost);
	void (*destroy)(struct trace_sink *sink);
};

struct trace_sink {
	const struct trace_sink_ops *ops;
	const struct names *names;
	FILE *out;
	bool draws_all; /* arrows from events that are not shown, too */
};

/* NULL: no memory. */
struct trace_sink *trace_text_create(const struct names *names, FILE *out, bool in_colour,
				     bool is_ascii);
struct trace_sink *trace_json_create(const struct names *names, FILE *out);
/* Wants no two events with the same time. */
struct trace_sink *trace_perfetto_create(const struct names *names, FILE *out);
/* Of one PASID's life. */
struct trace_sink *trace_mermaid_create(const struct names *names, FILE *out);
struct trace_sink *trace_svg_create(const struct names *names, FILE *out);

/* What is shown; SHOW_ANY (cli/show/show.h): all. */
struct trace_filter {
	uint32_t vm, device, pasid;
	bool kinds[VSVA_EV_KIND_COUNT]; /* these, and those of these journeys; none of both: all */
	bool journeys[JOURNEY_COUNT];
};

/* Selector words: vm N, device D, pasid N, kind K[,K…], journey J[,J…]. 0; -EINVAL: complained. */
int trace_filter_parse(struct trace_filter *filter, char *const *words, unsigned count);
/* Kinds of which it may let some. */
void trace_filter_kinds(const struct trace_filter *filter, bool kinds[VSVA_EV_KIND_COUNT]);
bool trace_filter_lets(const struct trace_filter *filter, const struct traced *event);

#endif
