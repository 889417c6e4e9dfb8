// SPDX-License-Identifier: MIT
#include "cli/report/events.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "cli/links.h"
#include "cli/status.h"

struct report_events {
	struct events *source;
	struct links *links;
	bool is_over;
	uint64_t total, lost;
	struct report_event kept[REPORT_EVENTS_MAX]; /* the nth at n % REPORT_EVENTS_MAX */
};

struct report_events *report_events_open(const struct view_source *source)
{
	static const struct events_wanted wanted = {
		.kinds = {[0 ... VSVA_EV_KIND_COUNT - 1] = true}, .from_oldest = true};
	struct report_events *events = calloc(1, sizeof(*events));

	if (!events) {
		complain(VSVA_CODE_NO_MEMORY, "no memory");
		return NULL;
	}
	events->links = links_create();
	events->source = events->links ? events_open(source, &wanted) : NULL;
	if (events->source)
		return events;
	report_events_close(events);
	return NULL;
}

void report_events_close(struct report_events *events)
{
	if (!events)
		return;
	if (events->source)
		events_close(events->source);
	if (events->links)
		links_destroy(events->links);
	free(events);
}

static void keep(struct report_events *events, const struct traced *event)
{
	const struct traced *from = links_follow(events->links, event);
	struct report_event *kept = &events->kept[events->total++ % REPORT_EVENTS_MAX];

	*kept = (struct report_event){.event = *event, .has_from = from != NULL};
	if (from) {
		kept->from_id = from->record.id;
		kept->from_room = from->record.event.room;
	}
	events->lost += event->lost;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void report_events_take(struct report_events *events, unsigned ms)
{
	int64_t end = now_ms() + ms, left = ms;
	struct traced event;

	while (!events->is_over && left >= 0) {
		enum events_status status = events_next(events->source, &event, (int)left);

		if (status == EVENTS_ONE)
			keep(events, &event);
		else if (status != EVENTS_NONE)
			events->is_over = true;
		left = end - now_ms();
	}
	if (left > 0 && ms)
		poll(NULL, 0, (int)left);
}

size_t report_events_count(const struct report_events *events)
{
	return events->total < REPORT_EVENTS_MAX ? events->total : REPORT_EVENTS_MAX;
}

const struct report_event *report_events_at(const struct report_events *events, size_t index)
{
	uint64_t first = events->total - report_events_count(events);

	return &events->kept[(first + index) % REPORT_EVENTS_MAX];
}

uint64_t report_events_before(const struct report_events *events)
{
	return events->total - report_events_count(events);
}

uint64_t report_events_lost(const struct report_events *events)
{
	return events->lost + events_lost_at_end(events->source);
}

const struct names *report_events_names(const struct report_events *events)
{
	return events_names(events->source);
}
