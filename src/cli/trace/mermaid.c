// SPDX-License-Identifier: MIT
/* A sequence as Mermaid draws it: for documents that are text. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/trace/sequence.h"

struct mermaid {
	struct trace_sink sink;
	struct sequence sequence;
};

static void draw_event(struct trace_sink *sink, const struct traced *event,
		       const struct traced *from)
{
	sequence_add(&((struct mermaid *)sink)->sequence, sink->names, event, from);
}

/* What means something to Mermaid: by its number. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++)
		if (*text == ';' || *text == '#' || *text == '<' || *text == '>' || *text == '&')
			fprintf(out, "#%d;", *text);
		else
			fputc(*text, out);
}

static void put_participants(const struct mermaid *mermaid)
{
	FILE *out = mermaid->sink.out;

	fputs("    participant guest as ", out);
	put_text(out, mermaid->sequence.who[0] ? mermaid->sequence.who : "guest");
	fputs("\n    participant vmm as vIOMMU\n    participant host\n    participant unit\n"
	      "    participant device as ",
	      out);
	put_text(out, mermaid->sequence.devices[0] ? mermaid->sequence.devices : "device");
	fputc('\n', out);
}

static void put_step(FILE *out, const struct sequence_step *step)
{
	const char *from = vsva_room_name(step->from), *to = vsva_room_name(step->to);

	if (step->from == step->to)
		fprintf(out, "    Note over %s: ", to);
	else
		fprintf(out, "    %s->>%s: ", from, to);
	put_text(out, step->words.what);
	if (step->words.where[0]) {
		fputs("<br/>", out);
		put_text(out, step->words.where);
	}
	if (step->count > 1)
		fprintf(out, " (%" PRIu64 " times)", step->count);
	fputc('\n', out);
}

static void draw_end(struct trace_sink *sink, uint64_t lost)
{
	const struct mermaid *mermaid = (struct mermaid *)sink;
	const struct sequence *sequence = &mermaid->sequence;
	char title[160];

	sequence_title(sequence, title, sizeof(title));
	fputs("---\ntitle: ", sink->out);
	fprintf(sink->out, "%s\n---\nsequenceDiagram\n", sequence->is_chosen ? title : "No PASID");
	put_participants(mermaid);
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		bool any = false;

		for (unsigned i = 0; i < sequence->count; i++) {
			if (sequence->steps[i].phase != (enum sequence_phase)phase)
				continue;
			if (!any)
				fprintf(sink->out, "    Note over guest,device: %s\n",
					sequence_phase_name((enum sequence_phase)phase));
			any = true;
			put_step(sink->out, &sequence->steps[i]);
		}
	}
	if (lost + sequence->left_out)
		fprintf(sink->out, "    Note over guest,device: %" PRIu64 " events are not here\n",
			lost + sequence->left_out);
}

static void destroy(struct trace_sink *sink)
{
	sequence_fini(&((struct mermaid *)sink)->sequence);
	free(sink);
}

struct trace_sink *trace_mermaid_create(const struct names *names, FILE *out)
{
	static const struct trace_sink_ops ops = {
		.event = draw_event, .end = draw_end, .destroy = destroy};
	struct mermaid *mermaid = calloc(1, sizeof(*mermaid));

	if (!mermaid)
		return NULL;
	mermaid->sink = (struct trace_sink){.ops = &ops, .names = names, .out = out};
	return &mermaid->sink;
}
