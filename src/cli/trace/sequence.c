// SPDX-License-Identifier: MIT
#include "cli/trace/sequence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A drawing with more is none. */
#define STEPS_MAX 400u

/* Which PASID */

static bool has_pasid(const struct traced *event)
{
	return event->owner.guest.v != VSVA_PASID_INVALID ||
	       (event->owner.host.v && event->owner.host.v != VSVA_PASID_INVALID);
}

/* Something that a PASID's life has. */
static bool is_worth_a_life(enum vsva_event_kind kind)
{
	switch (kind) {
	case VSVA_EV_GUEST_PASID_ENTRY:
	case VSVA_EV_VIOMMU_DESCRIPTOR:
	case VSVA_EV_BIND:
	case VSVA_EV_SUBMIT:
	case VSVA_EV_PAGE_REQUEST:
		return true;
	default:
		return false;
	}
}

static bool is_same_pasid(const struct owner *a, const struct owner *b)
{
	if (a->guest.v != VSVA_PASID_INVALID && b->guest.v != VSVA_PASID_INVALID)
		return a->vm == b->vm && a->guest.v == b->guest.v;
	return a->host.v != VSVA_PASID_INVALID && a->host.v == b->host.v;
}

static void choose(struct sequence *sequence, const struct traced *event)
{
	sequence->is_chosen = true;
	sequence->pasid = event->owner;
}

/* Phases */

static bool begins_death(const struct vsva_event *event)
{
	switch (event->kind) {
	case VSVA_EV_UNBIND:
	case VSVA_EV_IOASID_FREE:
	case VSVA_EV_PROCESS_EXIT:
	case VSVA_EV_STOP:
		return true;
	case VSVA_EV_GUEST_PASID_ENTRY:
		return !event->value;
	default:
		return false;
	}
}

static void set_phase(struct sequence *sequence, const struct vsva_event *event)
{
	if (begins_death(event))
		sequence->phase = PHASE_DEATH;
	else if (sequence->phase == PHASE_BIND && event->room == VSVA_ROOM_DEVICE)
		sequence->phase = PHASE_WORK;
	if (event->kind == VSVA_EV_BIND && sequence->phase == PHASE_DEATH)
		sequence->phase = PHASE_BIND;
}

const char *sequence_phase_name(enum sequence_phase phase)
{
	static const char *const names[] = {"Bind", "Work", "End"};

	return names[phase];
}

/* Steps */

static bool is_like(const struct sequence_step *a, const struct sequence_step *b)
{
	bool is_numbered = hop_kind_of(a->event.kind)->value == HOP_VALUE_GROUP;

	return a->phase == b->phase && a->from == b->from && a->to == b->to &&
	       a->event.kind == b->event.kind && a->event.write == b->event.write &&
	       a->event.rid.v == b->event.rid.v && !a->event.result == !b->event.result &&
	       (is_numbered || a->event.value == b->event.value || a->event.kind == VSVA_EV_ACCESS);
}

static bool count_in(struct sequence *sequence, const struct sequence_step *step)
{
	for (unsigned i = 0; i < sequence->count; i++)
		if (is_like(&sequence->steps[i], step)) {
			sequence->steps[i].count++;
			return true;
		}
	return false;
}

static bool make_room(struct sequence *sequence)
{
	unsigned room = sequence->room ? 2 * sequence->room : 32;
	struct sequence_step *steps;

	if (sequence->count == STEPS_MAX)
		return false;
	if (sequence->count < sequence->room)
		return true;
	steps = realloc(sequence->steps, room * sizeof(*steps));
	if (!steps)
		return false;
	sequence->steps = steps;
	sequence->room = room;
	return true;
}

static void add_device(struct sequence *sequence, const char *device)
{
	size_t used = strlen(sequence->devices);

	if (!*device || strstr(sequence->devices, device))
		return;
	snprintf(sequence->devices + used, sizeof(sequence->devices) - used, "%s%s",
		 used ? ", " : "", device);
}

static void add_step(struct sequence *sequence, const struct names *names,
		     const struct traced *event, const struct traced *from)
{
	const struct vsva_event *e = &event->record.event;
	struct hop hop = traced_hop(event);
	struct sequence_step step = {.phase = sequence->phase,
				     .from = from ? from->record.event.room : e->room,
				     .to = e->room,
				     .journey = journey_of(e),
				     .event = *e,
				     .first_ns = event->record.time_ns,
				     .count = 1};

	hop_words_of(names, &hop, &step.words);
	add_device(sequence, step.words.device);
	if (!sequence->who[0] && event->owner.guest.v == sequence->pasid.guest.v)
		snprintf(sequence->who, sizeof(sequence->who), "%s", step.words.who);
	if (!sequence->events++)
		sequence->first_ns = event->record.time_ns;
	sequence->last_ns = event->record.time_ns;
	if (count_in(sequence, &step))
		return;
	if (make_room(sequence))
		sequence->steps[sequence->count++] = step;
	else
		sequence->left_out++;
}

/* It was allocated before anybody knew whose it would be. */
static void add_alloc(struct sequence *sequence, const struct names *names,
		      const struct traced *event)
{
	struct traced alloc = sequence->alloc;

	if (!sequence->has_alloc || alloc.owner.host.v != event->owner.host.v)
		return;
	sequence->has_alloc = false;
	alloc.owner = event->owner;
	add_step(sequence, names, &alloc, NULL);
}

void sequence_add(struct sequence *sequence, const struct names *names, const struct traced *event,
		  const struct traced *from)
{
	enum vsva_event_kind kind = event->record.event.kind;

	if (sequence->is_over)
		return;
	if (kind == VSVA_EV_IOASID_ALLOC) {
		sequence->alloc = *event;
		sequence->has_alloc = true;
	}
	if (!has_pasid(event))
		return;
	if (!sequence->is_chosen && is_worth_a_life(kind))
		choose(sequence, event);
	if (!sequence->is_chosen || !is_same_pasid(&sequence->pasid, &event->owner))
		return;
	if (sequence->pasid.host.v == VSVA_PASID_INVALID)
		sequence->pasid.host = event->owner.host;
	set_phase(sequence, &event->record.event);
	if (kind == VSVA_EV_BIND)
		add_alloc(sequence, names, event);
	add_step(sequence, names, event, from);
	sequence->is_over = kind == VSVA_EV_IOASID_RECLAIM;
}

void sequence_fini(struct sequence *sequence)
{
	free(sequence->steps);
}

void sequence_title(const struct sequence *sequence, char *title, size_t size)
{
	char host[32] = "";

	if (sequence->pasid.guest.v == VSVA_PASID_INVALID) {
		snprintf(title, size, "Life of host PASID %#" PRIx32, sequence->pasid.host.v);
		return;
	}
	if (sequence->pasid.host.v != VSVA_PASID_INVALID)
		snprintf(host, sizeof(host), ", host PASID %#" PRIx32, sequence->pasid.host.v);
	snprintf(title, size, "Life of PASID %" PRIu32 " of %s%s", sequence->pasid.guest.v,
		 sequence->who[0] ? sequence->who : "a guest", host);
}
