// SPDX-License-Identifier: MIT
/*
 * A timeline as Perfetto and chrome://tracing open it: the JSON trace event format.
 *
 *   place      where a hop happened: a guest, a vIOMMU, the host, the unit, a device; a process of the format
 *   hops       the first track of a place: a short slice for each event
 *   operation  a slice from beginning to end on a track of its thread
 *   span       what goes over several threads, as an asynchronous slice: a device's work, a page request
 *   flow       an arrow from the hop that led to another one
 *
 * No two events have the same time: who gives them to this sink sees to that. A slice of a hop is no longer than
 * until the next one on its track.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hop_text.h"
#include "cli/json_text.h"
#include "cli/trace/trace.h"

#define PLACES_MAX 1024u
#define SPANS_MAX  4096u
#define HOP_NS     500u
/* The track of hops; others are threads, whose numbers are larger. */
#define HOPS_TRACK 1u

struct place {
	enum vsva_room room;
	uint32_t of; /* VM or requester id */
	/* The hop that waits for the next one, to be as long as it may. */
	bool has_hop;
	struct traced hop;
	/* threads with a named track */
	uint32_t threads[64];
	unsigned thread_count;
};

/* Under way. */
struct span {
	enum vsva_event_kind begins; /* SUBMIT or PAGE_REQUEST */
	rid_t rid;
	hpasid_t host;
	uint64_t group;
	uint64_t id;
};

struct perfetto {
	struct trace_sink sink;
	struct place places[PLACES_MAX];
	unsigned place_count;
	struct span spans[SPANS_MAX];
	unsigned span_count;
	uint64_t flows, span_ids;
	uint64_t last_ns;
	bool has_line;
};

/* JSON */

static void put_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

/* Microseconds, which the format wants. */
static void put_us(FILE *out, const char *key, uint64_t ns)
{
	fprintf(out, ",\"%s\":%" PRIu64 ".%03" PRIu64, key, ns / 1000, ns % 1000);
}

static void begin_line(struct perfetto *perfetto, const char *phase, unsigned place, uint32_t track)
{
	fprintf(perfetto->sink.out, "%s{\"ph\":\"%s\",\"pid\":%u,\"tid\":%" PRIu32,
		perfetto->has_line ? ",\n" : "", phase, place + 1, track);
	perfetto->has_line = true;
}

static void put_name(struct perfetto *perfetto, const char *name)
{
	fputs(",\"name\":", perfetto->sink.out);
	put_text(perfetto->sink.out, name);
}

static void end_line(struct perfetto *perfetto)
{
	fputc('}', perfetto->sink.out);
}

static void put_metadata(struct perfetto *perfetto, unsigned place, uint32_t track,
			 const char *what, const char *name)
{
	begin_line(perfetto, "M", place, track);
	put_name(perfetto, what);
	fputs(",\"args\":{\"name\":", perfetto->sink.out);
	put_text(perfetto->sink.out, name);
	fputc('}', perfetto->sink.out);
	end_line(perfetto);
}

/* Places */

static void name_place(const struct perfetto *perfetto, const struct place *place, char *name,
		       size_t size)
{
	const struct names *names = perfetto->sink.names;
	bool is_device = place->room == VSVA_ROOM_DEVICE;
	const char *called = is_device ? names_device(names, rid((uint16_t)place->of))
				       : names_guest(names, place->of);
	char number[16];

	if (is_device)
		rid_format((uint16_t)place->of, number);
	else
		snprintf(number, sizeof(number), "VM %" PRIu32, place->of);
	switch (place->room) {
	case VSVA_ROOM_GUEST:
		snprintf(name, size, "guest %s", called ? called : number);
		break;
	case VSVA_ROOM_VMM:
		snprintf(name, size, "vIOMMU of %s", called ? called : number);
		break;
	case VSVA_ROOM_HOST:
	case VSVA_ROOM_UNIT:
		snprintf(name, size, "%s", vsva_room_name(place->room));
		break;
	case VSVA_ROOM_DEVICE:
		snprintf(name, size, "device %s", called ? called : number);
		break;
	}
}

/* Guests above, then down to the devices. */
static void tell_place(struct perfetto *perfetto, unsigned at)
{
	const struct place *place = &perfetto->places[at];
	bool is_a_vms = place->room == VSVA_ROOM_GUEST || place->room == VSVA_ROOM_VMM;
	uint64_t order = is_a_vms ? place->of * UINT64_C(2) + place->room
				  : (UINT64_C(1) << 24) * place->room + place->of;
	char name[64];

	name_place(perfetto, place, name, sizeof(name));
	put_metadata(perfetto, at, HOPS_TRACK, "process_name", name);
	put_metadata(perfetto, at, HOPS_TRACK, "thread_name", "hops");
	begin_line(perfetto, "M", at, HOPS_TRACK);
	fprintf(perfetto->sink.out,
		",\"name\":\"process_sort_index\",\"args\":{\"sort_index\":%" PRIu64 "}", order);
	end_line(perfetto);
}

/* More places than there may be share the last one. */
static unsigned place_of(struct perfetto *perfetto, const struct traced *event)
{
	enum vsva_room room = event->record.event.room;
	bool is_a_vms = room == VSVA_ROOM_GUEST || room == VSVA_ROOM_VMM;
	uint32_t of = is_a_vms ? event->owner.vm : 0;

	if (room == VSVA_ROOM_DEVICE)
		of = event->record.event.rid.v;
	for (unsigned i = 0; i < perfetto->place_count; i++)
		if (perfetto->places[i].room == room && perfetto->places[i].of == of)
			return i;
	if (perfetto->place_count == PLACES_MAX)
		return PLACES_MAX - 1;
	perfetto->places[perfetto->place_count] = (struct place){.room = room, .of = of};
	tell_place(perfetto, perfetto->place_count);
	return perfetto->place_count++;
}

static void name_thread(struct perfetto *perfetto, unsigned at, uint32_t thread)
{
	struct place *place = &perfetto->places[at];
	char name[48];

	for (unsigned i = 0; i < place->thread_count; i++)
		if (place->threads[i] == thread)
			return;
	if (place->thread_count < sizeof(place->threads) / sizeof(place->threads[0]))
		place->threads[place->thread_count++] = thread;
	snprintf(name, sizeof(name), "operations of thread %" PRIu32, thread);
	put_metadata(perfetto, at, thread, "thread_name", name);
}

/* Slices */

static void put_hex(FILE *out, const char *key, uint64_t value)
{
	if (value)
		fprintf(out, ",\"%s\":\"0x%" PRIx64 "\"", key, value);
}

static void put_args(struct perfetto *perfetto, const struct traced *event)
{
	const struct vsva_event *e = &event->record.event;
	struct hop hop = traced_hop(event);
	FILE *out = perfetto->sink.out;
	struct hop_words words;

	hop_words_of(perfetto->sink.names, &hop, &words);
	fputs(",\"args\":{\"what\":", out);
	put_text(out, words.what);
	fputs(",\"who\":", out);
	put_text(out, words.who);
	fputs(",\"pasid\":", out);
	put_text(out, words.pasids);
	fputs(",\"where\":", out);
	put_text(out, words.where);
	put_hex(out, "addr", e->addr);
	put_hex(out, "hpa", e->hpa.v);
	put_hex(out, "len", e->len);
	put_hex(out, "id", event->record.id);
	fprintf(out, ",\"value\":%" PRIu64 ",\"result\":%d,\"thread\":%" PRIu32 "}", e->value,
		e->result, event->record.thread);
}

static void put_category(struct perfetto *perfetto, const struct traced *event)
{
	fprintf(perfetto->sink.out, ",\"cat\":\"%s\"",
		journey_name(journey_of(&event->record.event)));
}

/* "descriptor wait", "submit copy", "bind" */
static void name_slice(const struct perfetto *perfetto, const struct traced *event, char *name,
		       size_t size)
{
	struct hop hop = traced_hop(event);
	struct hop_words words;
	const char *value;

	hop_words_of(perfetto->sink.names, &hop, &words);
	value = strstr(words.what, ": ");
	snprintf(name, size, "%s%s%s", vsva_event_name(event->record.event.kind), value ? " " : "",
		 value ? value + 2 : "");
}

static void put_slice(struct perfetto *perfetto, const struct traced *event, unsigned place,
		      uint32_t track, uint64_t end_ns)
{
	char name[96];

	name_slice(perfetto, event, name, sizeof(name));
	begin_line(perfetto, "X", place, track);
	put_name(perfetto, name);
	put_category(perfetto, event);
	put_us(perfetto->sink.out, "ts", event->record.time_ns);
	put_us(perfetto->sink.out, "dur", end_ns - event->record.time_ns);
	put_args(perfetto, event);
	end_line(perfetto);
}

static void put_hop(struct perfetto *perfetto, unsigned at, uint64_t next_ns)
{
	struct place *place = &perfetto->places[at];
	uint64_t end = place->hop.record.time_ns + HOP_NS;

	if (place->has_hop)
		put_slice(perfetto, &place->hop, at, HOPS_TRACK, end < next_ns ? end : next_ns);
	place->has_hop = false;
}

static void put_operation(struct perfetto *perfetto, const struct traced *event,
			  const struct traced *from, unsigned place)
{
	if (!from || vsva_event_end(from->record.event.kind) != event->record.event.kind)
		return;
	name_thread(perfetto, place, event->record.thread);
	put_slice(perfetto, from, place, event->record.thread, event->record.time_ns);
}

/* Flows */

static void put_flow_end(struct perfetto *perfetto, const char *phase, const struct traced *event,
			 const struct traced *of)
{
	begin_line(perfetto, phase, place_of(perfetto, event), HOPS_TRACK);
	put_name(perfetto, journey_name(journey_of(&of->record.event)));
	put_category(perfetto, of);
	fprintf(perfetto->sink.out, ",\"id\":%" PRIu64 "%s", perfetto->flows,
		*phase == 'f' ? ",\"bp\":\"e\"" : "");
	put_us(perfetto->sink.out, "ts", event->record.time_ns);
	end_line(perfetto);
}

static void put_flow(struct perfetto *perfetto, const struct traced *event,
		     const struct traced *from)
{
	perfetto->flows++;
	put_flow_end(perfetto, "s", from, event);
	put_flow_end(perfetto, "f", event, event);
}

/* Spans */

static void put_span(struct perfetto *perfetto, const char *phase, const struct span *span,
		     uint64_t ns, const struct traced *event)
{
	const struct traced place = {.record.event = {.room = VSVA_ROOM_DEVICE, .rid = span->rid}};

	begin_line(perfetto, phase, place_of(perfetto, &place), HOPS_TRACK);
	put_name(perfetto, span->begins == VSVA_EV_SUBMIT ? "work" : "page request");
	fprintf(perfetto->sink.out, ",\"cat\":\"span\",\"id\":%" PRIu64, span->id);
	put_us(perfetto->sink.out, "ts", ns);
	if (event)
		put_args(perfetto, event);
	end_line(perfetto);
}

static void begin_span(struct perfetto *perfetto, const struct traced *event)
{
	const struct vsva_event *e = &event->record.event;
	struct span *span;

	if (perfetto->span_count == SPANS_MAX)
		return;
	span = &perfetto->spans[perfetto->span_count++];
	*span = (struct span){.begins = e->kind,
			      .rid = e->rid,
			      .host = e->hpasid,
			      .group = e->kind == VSVA_EV_PAGE_REQUEST ? e->value : 0,
			      .id = ++perfetto->span_ids};
	put_span(perfetto, "b", span, event->record.time_ns, event);
}

/* The oldest that this may be the end of. */
static void end_span(struct perfetto *perfetto, const struct traced *event,
		     enum vsva_event_kind begins, uint64_t group)
{
	const struct vsva_event *e = &event->record.event;

	for (unsigned i = 0; i < perfetto->span_count; i++) {
		struct span *span = &perfetto->spans[i];

		if (span->begins != begins || span->rid.v != e->rid.v ||
		    span->host.v != e->hpasid.v || span->group != group)
			continue;
		put_span(perfetto, "e", span, event->record.time_ns, NULL);
		memmove(span, span + 1, (perfetto->span_count - i - 1) * sizeof(*span));
		perfetto->span_count--;
		return;
	}
}

static void follow_spans(struct perfetto *perfetto, const struct traced *event)
{
	const struct vsva_event *e = &event->record.event;

	switch (e->kind) {
	case VSVA_EV_SUBMIT:
	case VSVA_EV_PAGE_REQUEST:
		begin_span(perfetto, event);
		break;
	case VSVA_EV_COMPLETE:
		/* a batch counts as a whole */
		if (!e->addr)
			end_span(perfetto, event, VSVA_EV_SUBMIT, 0);
		break;
	case VSVA_EV_ABORT:
		end_span(perfetto, event, VSVA_EV_SUBMIT, 0);
		break;
	case VSVA_EV_PAGE_RESPONSE:
		end_span(perfetto, event, VSVA_EV_PAGE_REQUEST, e->addr);
		break;
	default:
		break;
	}
}

/* The sink */

static void put_lost(struct perfetto *perfetto, uint64_t lost, uint64_t ns)
{
	if (!lost)
		return;
	fprintf(perfetto->sink.out,
		"%s{\"ph\":\"i\",\"s\":\"g\",\"name\":\"%" PRIu64 " events were lost\"",
		perfetto->has_line ? ",\n" : "", lost);
	put_us(perfetto->sink.out, "ts", ns);
	perfetto->has_line = true;
	end_line(perfetto);
}

static void draw_event(struct trace_sink *sink, const struct traced *event,
		       const struct traced *from)
{
	struct perfetto *perfetto = (struct perfetto *)sink;
	unsigned at = place_of(perfetto, event);

	put_lost(perfetto, event->lost, event->record.time_ns);
	put_hop(perfetto, at, event->record.time_ns);
	perfetto->places[at].hop = *event;
	perfetto->places[at].has_hop = true;
	put_operation(perfetto, event, from, at);
	if (from)
		put_flow(perfetto, event, from);
	follow_spans(perfetto, event);
	perfetto->last_ns = event->record.time_ns;
}

static void draw_end(struct trace_sink *sink, uint64_t lost)
{
	struct perfetto *perfetto = (struct perfetto *)sink;

	for (unsigned i = 0; i < perfetto->place_count; i++)
		put_hop(perfetto, i, UINT64_MAX);
	for (unsigned i = 0; i < perfetto->span_count; i++)
		put_span(perfetto, "e", &perfetto->spans[i], perfetto->last_ns, NULL);
	put_lost(perfetto, lost, perfetto->last_ns);
	fputs("\n]}\n", sink->out);
}

static void destroy(struct trace_sink *sink)
{
	free(sink);
}

struct trace_sink *trace_perfetto_create(const struct names *names, FILE *out)
{
	static const struct trace_sink_ops ops = {
		.event = draw_event, .end = draw_end, .destroy = destroy};
	struct perfetto *perfetto = calloc(1, sizeof(*perfetto));

	if (!perfetto)
		return NULL;
	perfetto->sink = (struct trace_sink){.ops = &ops, .names = names, .out = out};
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", out);
	return &perfetto->sink;
}
