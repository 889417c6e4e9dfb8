// SPDX-License-Identifier: MIT
/* Events as the lines of a trace file, each with all that is known about whose it is. */
#include <stdlib.h>

#include "cli/trace/trace.h"
#include "cli/trace/file.h"

static void tell_event(struct trace_sink *sink, const struct traced *event,
		       const struct traced *from)
{
	struct vsva_record record = event->record;

	(void)from;
	record.event.vm = event->owner.vm;
	record.event.gpasid = event->owner.guest;
	record.event.hpasid = event->owner.host;
	trace_file_lost(sink->out, event->lost);
	trace_file_event(sink->out, &record);
}

static void tell_end(struct trace_sink *sink, uint64_t lost)
{
	trace_file_lost(sink->out, lost);
}

static void destroy(struct trace_sink *sink)
{
	free(sink);
}

struct trace_sink *trace_json_create(const struct names *names, FILE *out)
{
	static const struct trace_sink_ops ops = {
		.event = tell_event, .end = tell_end, .destroy = destroy};
	struct trace_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	*sink = (struct trace_sink){.ops = &ops, .names = names, .out = out};
	trace_file_begin(out);
	trace_file_names(out, names);
	return sink;
}
