/* SPDX-License-Identifier: MIT */
#include "cli/flight.h"

#include <pthread.h>
#include <stdlib.h>

#include "cli/keyed.h"

#define MOMENTS 1024u
#define GROUPS  512u /* page request group indices of a requester: 9 bits */

/* (requester, PASID): the key orders the PASIDs of a requester one after the other. */
struct pair {
	uint64_t key;
	rid_t rid;
	hpasid_t pasid;
	gpasid_t guest;
	uint32_t vm;
	uint64_t descriptors, page_requests;
};

struct requester {
	uint64_t key;
	uint32_t vm;
	struct pair *asked[GROUPS]; /* whose request is without an answer; NULL: none */
	uint64_t descriptors, page_requests;
};

struct flight {
	pthread_mutex_t lock;
	/* all under lock; records of cli/keyed.h */
	void *pairs, *requesters;
	struct flight_moment moments[MOMENTS];
	unsigned first, count;
	uint64_t lost;
};

/* Records */

/* NULL: no memory, and that is counted. */
static void *record_of(struct flight *flight, void **tree, uint64_t key, size_t size)
{
	void *record = keyed_find_or_make(tree, key, size);

	flight->lost += !record;
	return record;
}

static struct requester *requester_of(struct flight *flight, const struct vsva_event *event)
{
	return record_of(flight, &flight->requesters, event->rid.v, sizeof(struct requester));
}

static struct pair *pair_of(struct flight *flight, const struct vsva_event *event)
{
	uint64_t key = (uint64_t)event->rid.v << 32 | event->hpasid.v;
	bool is_new = !keyed_find(&flight->pairs, key);
	struct pair *pair = record_of(flight, &flight->pairs, key, sizeof(*pair));

	if (!pair || !is_new)
		return pair;
	pair->rid = event->rid;
	pair->pasid = event->hpasid;
	pair->guest.v = VSVA_PASID_INVALID;
	return pair;
}

struct flight *flight_create(void)
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (flight)
		pthread_mutex_init(&flight->lock, NULL);
	return flight;
}

void flight_destroy(struct flight *flight)
{
	if (!flight)
		return;
	keyed_forget_all(&flight->requesters);
	keyed_forget_all(&flight->pairs);
	pthread_mutex_destroy(&flight->lock);
	free(flight);
}

/* Counting */

static void submitted(struct requester *requester, struct pair *pair)
{
	requester->descriptors++;
	pair->descriptors++;
}

static void finished(struct requester *requester, struct pair *pair)
{
	/* what was submitted before anybody counted is nothing */
	if (!pair->descriptors)
		return;
	requester->descriptors--;
	pair->descriptors--;
}

static void forget_request(struct requester *requester, unsigned group)
{
	struct pair *pair = requester->asked[group];

	if (!pair)
		return;
	requester->asked[group] = NULL;
	requester->page_requests--;
	pair->page_requests--;
}

static void asked(struct requester *requester, struct pair *pair, unsigned group)
{
	forget_request(requester, group);
	requester->asked[group] = pair;
	requester->page_requests++;
	pair->page_requests++;
}

static void answered(struct requester *requester, const struct pair *pair, unsigned group)
{
	if (requester->asked[group] == pair)
		forget_request(requester, group);
}

/* Moments */

static void keep(struct flight *flight, const struct flight_moment *moment)
{
	if (!moment->descriptors && !moment->page_requests)
		return;
	if (flight->count == MOMENTS) {
		flight->lost++;
		return;
	}
	flight->moments[(flight->first + flight->count++) % MOMENTS] = *moment;
}

static void come_to(struct flight *flight, const struct vsva_event *event,
		    const struct requester *requester, const struct pair *pair)
{
	struct flight_moment moment = {
		.kind = event->kind,
		.command = event->kind == VSVA_EV_STOP ? (unsigned)event->value : 0,
		.rid = event->rid,
		.pasid = event->hpasid,
		.guest = {VSVA_PASID_INVALID},
		.vm = requester->vm,
		.descriptors = requester->descriptors,
		.page_requests = requester->page_requests,
	};

	if (event->hpasid.v != VSVA_PASID_INVALID) {
		moment.guest = pair->guest;
		moment.vm = pair->vm ? pair->vm : requester->vm;
		moment.descriptors = pair->descriptors;
		moment.page_requests = pair->page_requests;
	}
	keep(flight, &moment);
}

/* After a reset of the function nobody waits for an answer to what it had asked. */
static void forget_requests(struct requester *requester)
{
	for (unsigned group = 0; group < GROUPS; group++)
		forget_request(requester, group);
}

static void stop(struct flight *flight, const struct vsva_event *event, struct requester *requester,
		 const struct pair *pair)
{
	come_to(flight, event, requester, pair);
	if (!event->value)
		forget_requests(requester);
}

static void take_in(struct flight *flight, const struct vsva_event *event)
{
	struct requester *requester = requester_of(flight, event);
	struct pair *pair = pair_of(flight, event);

	if (!requester || !pair)
		return;
	switch (event->kind) {
	case VSVA_EV_DEVICE_ATTACH:
		/* part of a function: what it sends has its base PASID */
		if (event->hpasid.v == VSVA_PASID_INVALID)
			requester->vm = event->vm;
		else
			pair->vm = event->vm;
		break;
	case VSVA_EV_BIND:
		pair->vm = event->vm;
		pair->guest = event->gpasid;
		break;
	case VSVA_EV_SUBMIT:
		submitted(requester, pair);
		break;
	case VSVA_EV_COMPLETE:
	case VSVA_EV_ABORT:
		finished(requester, pair);
		break;
	case VSVA_EV_PAGE_REQUEST:
		asked(requester, pair, event->value % GROUPS);
		break;
	case VSVA_EV_PAGE_RESPONSE:
		answered(requester, pair, event->addr % GROUPS);
		break;
	case VSVA_EV_UNBIND:
		come_to(flight, event, requester, pair);
		break;
	default:
		stop(flight, event, requester, pair);
		break;
	}
}

static bool is_of_interest(const struct vsva_event *event)
{
	switch (event->kind) {
	case VSVA_EV_COMPLETE:
		return event->addr == 0; /* a batch counts as a whole */
	case VSVA_EV_DEVICE_ATTACH:
	case VSVA_EV_BIND:
	case VSVA_EV_SUBMIT:
	case VSVA_EV_ABORT:
	case VSVA_EV_PAGE_REQUEST:
	case VSVA_EV_PAGE_RESPONSE:
	case VSVA_EV_UNBIND:
	case VSVA_EV_STOP:
		return true;
	default:
		return false;
	}
}

void flight_observe(struct flight *flight, const struct vsva_event *event)
{
	if (!is_of_interest(event))
		return;
	pthread_mutex_lock(&flight->lock);
	take_in(flight, event);
	pthread_mutex_unlock(&flight->lock);
}

bool flight_take(struct flight *flight, struct flight_moment *out)
{
	bool any;

	pthread_mutex_lock(&flight->lock);
	any = flight->count > 0;
	if (any) {
		*out = flight->moments[flight->first];
		flight->first = (flight->first + 1) % MOMENTS;
		flight->count--;
	}
	pthread_mutex_unlock(&flight->lock);
	return any;
}

uint64_t flight_lost(struct flight *flight)
{
	uint64_t lost;

	pthread_mutex_lock(&flight->lock);
	lost = flight->lost;
	pthread_mutex_unlock(&flight->lock);
	return lost;
}

/* DSA 9.2.13 */
const char *flight_moment_name(const struct flight_moment *moment)
{
	static const char *const commands[] = {
		[0] = "function-reset", [2] = "disable-device", [3] = "drain-all",
		[4] = "abort-all",      [5] = "reset-device",   [7] = "disable-queue",
		[8] = "drain-queue",    [9] = "abort-queue",    [10] = "reset-queue",
		[11] = "drain-pasid",   [12] = "abort-pasid",
	};
	const char *name = NULL;

	if (moment->kind == VSVA_EV_UNBIND)
		return "unbind";
	if (moment->command < sizeof(commands) / sizeof(commands[0]))
		name = commands[moment->command];
	return name ? name : "stop";
}
