// SPDX-License-Identifier: MIT
/*
 * The journeys as a timeline: all events that are kept as marks, by room and time; and the last of them one by
 * one, each with an arrow from the room that led to it.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/hop_text.h"
#include "cli/html.h"
#include "cli/journey.h"
#include "cli/report/report.h"

#define ROOMS 5u
/* Events that are told one by one. */
#define TOLD 400u

static const char *const rooms[ROOMS] = {"guest", "vmm", "host", "unit", "device"};

static enum journey journey_at(const struct report *report, size_t index)
{
	return journey_of(&report_events_at(report->events, index)->event.record.event);
}

static uint64_t time_at(const struct report *report, size_t index)
{
	return report_events_at(report->events, index)->event.record.time_ns;
}

/* Which journeys are shown: the style hides the others, without a script */

static void print_choice(struct report *report, size_t first)
{
	size_t counts[JOURNEY_COUNT] = {0};

	for (size_t i = first; i < report_events_count(report->events); i++)
		counts[journey_at(report, i)]++;
	fputs("<p class=\"choice\" role=\"group\" aria-label=\"Journeys\">", report->out);
	for (unsigned i = 0; i < JOURNEY_COUNT; i++)
		fprintf(report->out,
			"<label class=\"on-%s\"><input type=\"checkbox\" id=\"show-%s\" checked> "
			"%s "
			"<span class=\"count\">%zu</span></label>\n",
			journey_name(i), journey_name(i), journey_name(i), counts[i]);
	fputs("</p>\n", report->out);
}

/* All of them */

#define MAP_LEFT   60u
#define MAP_WIDTH  1100u
#define MAP_LANE   26u
#define MAP_HEIGHT (ROOMS * MAP_LANE + 22)

static void print_time(FILE *out, uint64_t ns)
{
	if (ns < 1000000)
		fprintf(out, "%.1f µs", (double)ns / 1e3);
	else if (ns < 1000000000)
		fprintf(out, "%.3f ms", (double)ns / 1e6);
	else
		fprintf(out, "%.3f s", (double)ns / 1e9);
}

static void print_lanes(struct report *report, uint64_t span)
{
	FILE *out = report->out;

	for (unsigned i = 0; i < ROOMS; i++)
		fprintf(out,
			"<line class=\"grid\" x1=\"%u\" x2=\"%u\" y1=\"%u\" y2=\"%u\"/><text "
			"x=\"4\" "
			"y=\"%u\">%s</text>\n",
			MAP_LEFT, MAP_LEFT + MAP_WIDTH, (i + 1) * MAP_LANE, (i + 1) * MAP_LANE,
			(i + 1) * MAP_LANE - 8, rooms[i]);
	fprintf(out, "<text x=\"%u\" y=\"%u\">0</text><text class=\"last\" x=\"%u\" y=\"%u\">",
		MAP_LEFT, MAP_HEIGHT - 6, MAP_LEFT + MAP_WIDTH, MAP_HEIGHT - 6);
	print_time(out, span);
	fputs("</text>\n", out);
}

/* A place of a lane is marked once in each colour. */
static void print_marks(struct report *report, uint64_t begin, uint64_t span)
{
	static uint8_t seen[ROOMS][MAP_WIDTH + 1];

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < report_events_count(report->events); i++) {
		unsigned room = report_events_at(report->events, i)->event.record.event.room;
		enum journey journey = journey_at(report, i);
		uint64_t since = time_at(report, i) - begin;
		unsigned x = span ? (unsigned)((double)since / (double)span * MAP_WIDTH) : 0;

		if (room >= ROOMS || x > MAP_WIDTH || (seen[room][x] & 1u << journey))
			continue;
		seen[room][x] |= (uint8_t)(1u << journey);
		fprintf(report->out,
			"<line class=\"j-%s\" x1=\"%u\" x2=\"%u\" y1=\"%u\" y2=\"%u\"/>",
			journey_name(journey), MAP_LEFT + x, MAP_LEFT + x, room * MAP_LANE + 5,
			(room + 1) * MAP_LANE);
	}
}

static void print_map(struct report *report)
{
	size_t count = report_events_count(report->events);
	uint64_t begin = time_at(report, 0), span = time_at(report, count - 1) - begin;

	fprintf(report->out,
		"<figure><figcaption>%zu events by room and time</figcaption>\n<svg class=\"plot "
		"map\" "
		"viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"events by room and time\">",
		count, MAP_LEFT + MAP_WIDTH + 10, MAP_HEIGHT);
	print_lanes(report, span);
	print_marks(report, begin, span);
	fputs("</svg></figure>\n", report->out);
}

/* One by one */

#define LANE   44u
#define HEIGHT 22u

static unsigned x_of(unsigned room)
{
	return LANE / 2 + room * LANE;
}

static void print_arrow(FILE *out, unsigned from, unsigned to, const char *journey)
{
	int way = to > from ? 1 : -1;
	int tip = (int)x_of(to) - 5 * way;

	fprintf(out,
		"<polyline class=\"j-%s\" points=\"%u,11 %d,11\"/><polygon class=\"j-%s\" "
		"points=\"%d,11 %d,7 %d,15\"/>",
		journey, x_of(from), tip, journey, tip, tip - 7 * way, tip - 7 * way);
}

static void print_ladder(FILE *out, const struct report_event *event)
{
	unsigned here = event->event.record.event.room, from = event->from_room;
	const char *journey = journey_name(journey_of(&event->event.record.event));

	fprintf(out,
		"<td class=\"ladder\"><svg viewBox=\"0 0 %u %u\" aria-hidden=\"true\"><path d=\"",
		ROOMS * LANE, HEIGHT);
	for (unsigned i = 0; i < ROOMS; i++)
		fprintf(out, "M%u 0V%u", x_of(i), HEIGHT);
	fputs("\"/>", out);
	if (event->has_from && from != here && from < ROOMS && here < ROOMS)
		print_arrow(out, from, here, journey);
	if (here < ROOMS)
		fprintf(out, "<circle class=\"j-%s\" cx=\"%u\" cy=\"11\" r=\"4.5\"/>", journey,
			x_of(here));
	fputs("</svg></td>", out);
}

/* What led to it, if it is told too. */
static void print_from(struct report *report, size_t first, size_t index)
{
	const struct report_event *event = report_events_at(report->events, index);

	for (size_t i = index; event->has_from && i > first; i--)
		if (report_events_at(report->events, i - 1)->event.record.id == event->from_id) {
			fprintf(report->out,
				"<a href=\"#event-%" PRIu64 "\" title=\"what led to it\">↑ %zu</a>",
				event->from_id, index - (i - 1));
			return;
		}
}

static void print_pasids(struct report *report, const struct report_event *event,
			 const struct hop_words *words)
{
	bool has_link = event->event.owner.host.v != VSVA_PASID_INVALID &&
			report_entry_link(report, 0, event->event.record.event.rid.v,
					  event->event.owner.host.v);

	html_text(report->out, words->pasids);
	fputs(has_link ? "</a>" : "", report->out);
}

static void print_event(struct report *report, size_t first, size_t index)
{
	const struct report_event *event = report_events_at(report->events, index);
	const struct vsva_record *record = &event->event.record;
	const char *journey = journey_name(journey_of(&record->event));
	struct hop hop = traced_hop(&event->event);
	struct hop_words words;
	FILE *out = report->out;

	hop_words_of(report_events_names(report->events), &hop, &words);
	fprintf(out,
		"<tr id=\"event-%" PRIu64
		"\" class=\"on-%s\"><td class=\"hex\">%.3f</td><td>%s</td>",
		record->id, journey, (double)(record->time_ns - time_at(report, first)) / 1e3,
		journey);
	print_ladder(out, event);
	html_element(out, "td", NULL, "%s", words.who);
	html_element(out, "td", NULL, "%s", words.device);
	fputs(record->cause && !vsva_event_is_end(record->event.kind) ? "<td class=\"inner\">"
								      : "<td>",
	      out);
	html_text(out, words.what);
	fputs("</td><td>", out);
	print_pasids(report, event, &words);
	fputs("</td>", out);
	html_element(out, "td", "hex", "%s", words.where);
	fputs("<td>", out);
	print_from(report, first, index);
	fputs("</td></tr>\n", out);
}

static void print_lost(struct report *report, uint64_t lost)
{
	if (lost)
		fprintf(report->out,
			"<tr class=\"bad\"><td colspan=\"9\">%" PRIu64
			" events were lost here</td></tr>\n",
			lost);
}

static void print_events(struct report *report, size_t first)
{
	FILE *out = report->out;

	fputs("<div class=\"wide\"><table "
	      "class=\"events\"><thead><tr><th>µs</th><th>journey</th><th><div "
	      "class=\"rooms\">",
	      out);
	for (unsigned i = 0; i < ROOMS; i++)
		html_element(out, "span", NULL, "%s", rooms[i]);
	fputs("</div></th><th>who</th><th>device</th><th>what "
	      "happens</th><th>PASIDs</th><th>where</th>"
	      "<th>led by</th></tr></thead>\n<tbody>\n",
	      out);
	for (size_t i = first; i < report_events_count(report->events); i++) {
		print_lost(report, report_events_at(report->events, i)->event.lost);
		print_event(report, first, i);
	}
	fputs("</tbody></table></div>\n", out);
}

static void print_timeline(struct report *report)
{
	size_t count = report_events_count(report->events);
	size_t first = count > TOLD ? count - TOLD : 0;

	print_map(report);
	print_choice(report, first);
	report_more(report, first + report_events_before(report->events),
		    "events came before these and are", "<code>vsva trace --last</code>");
	print_events(report, first);
	if (report_events_lost(report->events))
		fprintf(report->out, "<p class=\"more\">%" PRIu64 " events were lost in all.</p>\n",
			report_events_lost(report->events));
}

void report_journeys(struct report *report)
{
	fputs("<section id=\"journeys\"><h2>Journeys</h2>\n", report->out);
	if (report_events_count(report->events))
		print_timeline(report);
	else
		fputs("<p class=\"none\">No event was recorded. A vsva that runs records while a "
		      "<code>vsva trace</code> looks, or from the beginning with <code>vsva serve "
		      "--events</code>.</p>\n",
		      report->out);
	fputs("</section>\n", report->out);
}
