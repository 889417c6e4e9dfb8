// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/event_line.h"
#include "cli/journey.h"
#include "cli/json_text.h"
#include "cli/show/show.h"
#include "cli/status.h"
#include "cli/trace/trace.h"

static int take_device(struct trace_filter *filter, const char *text)
{
	uint16_t rid;

	if (command_device(text, &rid))
		return -EINVAL;
	filter->device = rid;
	return 0;
}

static int take_kind(struct trace_filter *filter, const char *name)
{
	enum vsva_event_kind kind;

	if (!event_kind_parse(name, &kind)) {
		complain(VSVA_CODE_USAGE,
			 "no kind of event '%s'; `vsva run --list-events` has them", name);
		return -EINVAL;
	}
	filter->kinds[kind] = true;
	return 0;
}

static int take_journey(struct trace_filter *filter, const char *name)
{
	for (int journey = 0; journey < JOURNEY_COUNT; journey++)
		if (!strcmp(journey_name((enum journey)journey), name)) {
			filter->journeys[journey] = true;
			return 0;
		}
	complain(VSVA_CODE_USAGE,
		 "no journey '%s'; there are: bind, dma, page, flush, birth, death", name);
	return -EINVAL;
}

/* Each of a list with commas. */
static int take_list(struct trace_filter *filter, const char *list,
		     int (*take)(struct trace_filter *filter, const char *name))
{
	char *names = strdup(list), *place = NULL;
	int err = names ? 0 : -ENOMEM;

	for (char *name = names ? strtok_r(names, ",", &place) : NULL; name && !err;
	     name = strtok_r(NULL, ",", &place))
		err = take(filter, name);
	free(names);
	return err;
}

static int take(struct trace_filter *filter, const char *word, const char *value)
{
	if (!strcmp(word, "vm"))
		return command_unsigned(value, SHOW_ANY - 1, "vm", &filter->vm);
	if (!strcmp(word, "device") || !strcmp(word, "dev"))
		return take_device(filter, value);
	if (!strcmp(word, "pasid"))
		return command_unsigned(value, VSVA_PASID_MAX, "pasid", &filter->pasid);
	if (!strcmp(word, "kind"))
		return take_list(filter, value, take_kind);
	if (!strcmp(word, "journey"))
		return take_list(filter, value, take_journey);
	complain(
		VSVA_CODE_USAGE,
		"'%s' selects nothing; vm, device, pasid, kind and journey do: `vsva trace --help`",
		word);
	return -EINVAL;
}

int trace_filter_parse(struct trace_filter *filter, char *const *words, unsigned count)
{
	*filter = (struct trace_filter){.vm = SHOW_ANY, .device = SHOW_ANY, .pasid = SHOW_ANY};
	for (unsigned i = 0; i < count; i += 2) {
		if (i + 1 == count) {
			complain(VSVA_CODE_USAGE, "'%s' needs a value behind it", words[i]);
			return -EINVAL;
		}
		if (take(filter, words[i], words[i + 1]))
			return -EINVAL;
	}
	return 0;
}

static bool any(const bool *flags, int count)
{
	for (int i = 0; i < count; i++)
		if (flags[i])
			return true;
	return false;
}

static bool lets_all_kinds(const struct trace_filter *filter)
{
	return !any(filter->kinds, VSVA_EV_KIND_COUNT) && !any(filter->journeys, JOURNEY_COUNT);
}

/* Descriptors are of several journeys. */
void trace_filter_kinds(const struct trace_filter *filter, bool kinds[VSVA_EV_KIND_COUNT])
{
	for (int i = 0; i < VSVA_EV_KIND_COUNT; i++) {
		const struct hop_kind *kind = hop_kind_of((enum vsva_event_kind)i);

		kinds[i] =
			filter->kinds[i] || filter->journeys[kind->journey] ||
			(filter->journeys[JOURNEY_PAGE] && kind->value == HOP_VALUE_DESCRIPTOR) ||
			lets_all_kinds(filter);
	}
}

static bool lets_kind(const struct trace_filter *filter, const struct vsva_event *event)
{
	return filter->kinds[event->kind] || filter->journeys[journey_of(event)] ||
	       lets_all_kinds(filter);
}

bool trace_filter_lets(const struct trace_filter *filter, const struct traced *event)
{
	const struct owner *owner = &event->owner;
	uint32_t pasid = owner->guest.v != VSVA_PASID_INVALID ? owner->guest.v : owner->host.v;

	return lets_kind(filter, &event->record.event) &&
	       (filter->vm == SHOW_ANY || filter->vm == owner->vm) &&
	       (filter->device == SHOW_ANY || filter->device == event->record.event.rid.v) &&
	       (filter->pasid == SHOW_ANY || filter->pasid == pasid);
}
