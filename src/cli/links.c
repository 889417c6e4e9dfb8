// SPDX-License-Identifier: MIT
#include "cli/links.h"

#include <stdlib.h>
#include <string.h>

#include "cli/journey.h"
#include "cli/keyed.h"

#define OPERATION_DEPTH 8u
/* Descriptors that a guest has queued, of one type. A queue holds more; who has so many under way sees the
 * oldest of them without a link. */
#define QUEUED_MAX 64u
/* Page requests under way, all devices together. */
#define ASKED_MAX 1024u

/* What a thread is at. */
struct thread {
	uint64_t key;
	struct traced open[OPERATION_DEPTH];
	unsigned depth;
	struct traced descriptor; /* of a vIOMMU, that it executes */
	bool has_descriptor;
};

/* Descriptors of one type in a guest's queue. */
struct queue {
	uint64_t key;
	struct traced queued[QUEUED_MAX];
	unsigned first, count;
};

/* Work of one PASID on a device: its last hop. */
struct work {
	uint64_t key;
	struct traced last;
};

/* A page request. */
struct asked {
	rid_t rid;
	hpasid_t host;
	uint64_t group, page;
	struct traced last;
};

struct links {
	/* of cli/keyed.h */
	void *threads, *queues, *works;
	struct asked asked[ASKED_MAX];
	unsigned asked_count;
	struct traced found; /* what was returned last */
};

/* Records */

static void forget_all(struct links *links)
{
	keyed_forget_all(&links->threads);
	keyed_forget_all(&links->queues);
	keyed_forget_all(&links->works);
	links->asked_count = 0;
}

struct links *links_create(void)
{
	return calloc(1, sizeof(struct links));
}

void links_destroy(struct links *links)
{
	if (!links)
		return;
	forget_all(links);
	free(links);
}

static const struct traced *give(struct links *links, const struct traced *from)
{
	links->found = *from;
	return &links->found;
}

/* Guest's queue */

static struct queue *queue_of(struct links *links, const struct vsva_event *event)
{
	return keyed_find_or_make(&links->queues, (uint64_t)event->vm << 32 | (uint8_t)event->value,
				  sizeof(struct queue));
}

static void queue_put(struct queue *queue, const struct traced *event)
{
	if (!queue)
		return;
	if (queue->count == QUEUED_MAX) {
		queue->first = (queue->first + 1) % QUEUED_MAX;
		queue->count--;
	}
	queue->queued[(queue->first + queue->count++) % QUEUED_MAX] = *event;
}

static const struct traced *queue_take(struct links *links, struct queue *queue)
{
	const struct traced *oldest;

	if (!queue || !queue->count)
		return NULL;
	oldest = &queue->queued[queue->first];
	queue->first = (queue->first + 1) % QUEUED_MAX;
	queue->count--;
	return give(links, oldest);
}

/* Page requests */

#define PAGE_MASK (~UINT64_C(4095))

static struct asked *find_page(struct links *links, const struct traced *event)
{
	for (unsigned i = links->asked_count; i > 0; i--) {
		struct asked *asked = &links->asked[i - 1];

		if (asked->host.v == event->owner.host.v &&
		    asked->page == (event->record.event.addr & PAGE_MASK))
			return asked;
	}
	return NULL;
}

/* Of several requests in a group the last: it asks for the answer. */
static struct asked *find_group(struct links *links, const struct traced *event)
{
	for (unsigned i = links->asked_count; i > 0; i--) {
		struct asked *asked = &links->asked[i - 1];

		if (asked->host.v == event->owner.host.v &&
		    asked->group == event->record.event.addr &&
		    (!event->record.event.rid.v || asked->rid.v == event->record.event.rid.v))
			return asked;
	}
	return NULL;
}

static void remove_asked(struct links *links, unsigned at)
{
	links->asked_count--;
	memmove(&links->asked[at], &links->asked[at + 1],
		(links->asked_count - at) * sizeof(links->asked[0]));
}

/* All requests of the group have their answer. */
static void forget_group(struct links *links, const struct asked *of)
{
	const rid_t rid = of->rid;
	const hpasid_t host = of->host;
	const uint64_t group = of->group;

	for (unsigned i = links->asked_count; i > 0; i--) {
		const struct asked *asked = &links->asked[i - 1];

		if (asked->rid.v == rid.v && asked->host.v == host.v && asked->group == group)
			remove_asked(links, i - 1);
	}
}

static void ask(struct links *links, const struct traced *event)
{
	const struct vsva_event *e = &event->record.event;

	if (links->asked_count == ASKED_MAX)
		remove_asked(links, 0);
	links->asked[links->asked_count++] = (struct asked){.rid = e->rid,
							    .host = event->owner.host,
							    .group = e->value,
							    .page = e->addr & PAGE_MASK,
							    .last = *event};
}

static const struct traced *go_on(struct links *links, struct asked *asked,
				  const struct traced *event)
{
	const struct traced *from;

	if (!asked)
		return NULL;
	from = give(links, &asked->last);
	asked->last = *event;
	return from;
}

/* The unit executes the answer that the host has queued last. */
static const struct traced *answer_of_host(struct links *links, const struct traced *event)
{
	for (unsigned i = links->asked_count; i > 0; i--) {
		const struct asked *asked = &links->asked[i - 1];

		if (asked->host.v == event->owner.host.v &&
		    asked->last.record.event.kind == VSVA_EV_PAGE_RESPONSE_HOST)
			return give(links, &asked->last);
	}
	return NULL;
}

static uint64_t work_key(const struct traced *event)
{
	return (uint64_t)event->record.event.rid.v << 32 | event->record.event.hpasid.v;
}

/* What the device does then it does because of the answer. */
static const struct traced *deliver(struct links *links, struct asked *asked,
				    const struct traced *event)
{
	struct work *work = keyed_find(&links->works, work_key(event));

	if (work)
		work->last = *event;
	if (!asked)
		return NULL;
	give(links, &asked->last);
	forget_group(links, asked);
	return &links->found;
}

/* DMA */

/* The work may have come before anybody looked. */
static const struct traced *go_on_working(struct links *links, const struct traced *event)
{
	struct work *work = keyed_find_or_make(&links->works, work_key(event), sizeof(*work));
	const struct traced *from = NULL;

	if (!work)
		return NULL;
	if (work->last.record.id && event->record.event.kind != VSVA_EV_SUBMIT)
		from = give(links, &work->last);
	work->last = *event;
	return from;
}

static const struct traced *ask_for_page(struct links *links, const struct traced *event)
{
	const struct traced *from = go_on_working(links, event);

	ask(links, event);
	return from;
}

/* Operations of a thread */

/* The beginning that the ring names; those inside it have ended, or have been given up. */
static const struct traced *find_cause(struct links *links, struct thread *thread, uint64_t cause)
{
	for (unsigned depth = thread->depth; depth > 0; depth--)
		if (thread->open[depth - 1].record.id == cause) {
			thread->depth = depth;
			return give(links, &thread->open[depth - 1]);
		}
	return NULL;
}

static void open_operation(struct thread *thread, const struct traced *event)
{
	if (thread->depth < OPERATION_DEPTH)
		thread->open[thread->depth++] = *event;
}

static const struct traced *within_thread(struct links *links, const struct traced *event)
{
	const struct vsva_record *record = &event->record;
	struct thread *thread =
		keyed_find_or_make(&links->threads, record->thread, sizeof(struct thread));
	const struct traced *from = NULL;

	if (!thread)
		return NULL;
	if (record->cause)
		from = find_cause(links, thread, record->cause);
	else
		thread->depth = 0;
	if (vsva_event_is_end(record->event.kind) && from)
		thread->depth--;
	if (vsva_event_end(record->event.kind) != VSVA_EV_KIND_COUNT)
		open_operation(thread, event);
	if (!from && !record->cause && thread->has_descriptor)
		from = give(links, &thread->descriptor);
	return from;
}

static void set_descriptor(struct links *links, const struct traced *event, bool has)
{
	struct thread *thread =
		keyed_find_or_make(&links->threads, event->record.thread, sizeof(struct thread));

	if (!thread)
		return;
	thread->has_descriptor = has;
	if (has)
		thread->descriptor = *event;
}

static const struct traced *execute(struct links *links, const struct traced *event)
{
	set_descriptor(links, event, true);
	return queue_take(links, queue_of(links, &event->record.event));
}

/* What a device or a guest does is not done for a vIOMMU. */
static const struct traced *other(struct links *links, const struct traced *event)
{
	enum vsva_room room = event->record.event.room;

	if (room == VSVA_ROOM_GUEST || room == VSVA_ROOM_DEVICE)
		set_descriptor(links, event, false);
	return within_thread(links, event);
}

/* A guest makes a page present because a device has asked for it, or for itself. */
static const struct traced *make_present(struct links *links, const struct traced *event)
{
	struct asked *asked = find_page(links, event);

	return asked ? go_on(links, asked, event) : other(links, event);
}

const struct traced *links_follow(struct links *links, const struct traced *event)
{
	const struct traced *from;

	if (event->lost)
		forget_all(links);
	switch (event->record.event.kind) {
	case VSVA_EV_GUEST_QUEUE:
		set_descriptor(links, event, false);
		queue_put(queue_of(links, &event->record.event), event);
		return within_thread(links, event);
	case VSVA_EV_VIOMMU_DESCRIPTOR:
		return execute(links, event);
	case VSVA_EV_VIOMMU_VCMD:
		set_descriptor(links, event, false);
		return NULL;
	case VSVA_EV_SUBMIT:
	case VSVA_EV_TRANSLATE:
	case VSVA_EV_ACCESS:
	case VSVA_EV_COMPLETE:
	case VSVA_EV_ABORT:
	case VSVA_EV_FAULT:
		return go_on_working(links, event);
	case VSVA_EV_PAGE_REQUEST:
		return ask_for_page(links, event);
	case VSVA_EV_PAGE_REQUEST_QUEUED:
	case VSVA_EV_PAGE_REQUEST_HOST:
	case VSVA_EV_PAGE_REQUEST_GUEST:
	case VSVA_EV_PAGE_FAULT_HOST:
	case VSVA_EV_PAGE_FAULT_GUEST:
		return go_on(links, find_page(links, event), event);
	case VSVA_EV_GUEST_MAP:
		return make_present(links, event);
	case VSVA_EV_PAGE_RESPONSE_GUEST:
	case VSVA_EV_PAGE_RESPONSE_HOST:
		from = go_on(links, find_group(links, event), event);
		return from ? from : other(links, event);
	case VSVA_EV_DESCRIPTOR:
		from = answer_of_host(links, event);
		return from && journey_of(&event->record.event) == JOURNEY_PAGE
			       ? from
			       : other(links, event);
	case VSVA_EV_PAGE_RESPONSE:
		return deliver(links, find_group(links, event), event);
	default:
		return other(links, event);
	}
}
