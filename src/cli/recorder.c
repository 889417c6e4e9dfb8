/* SPDX-License-Identifier: MIT */
#include "cli/recorder.h"

#include <pthread.h>
#include <stdlib.h>

/* Between two calls of a script: some tens of megabytes at most. */
#define KEPT_MAX (1u << 18)

struct recorder {
	pthread_mutex_t lock;
	bool keep;
	/* all under lock */
	struct hop *hops;
	size_t count, room;
	uint64_t counts[VSVA_EV_KIND_COUNT];
	uint64_t total, dropped;
};

struct recorder *recorder_create(bool keep)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return NULL;
	pthread_mutex_init(&recorder->lock, NULL);
	recorder->keep = keep;
	return recorder;
}

void recorder_destroy(struct recorder *recorder)
{
	if (!recorder)
		return;
	pthread_mutex_destroy(&recorder->lock);
	free(recorder->hops);
	free(recorder);
}

static bool make_room(struct recorder *recorder)
{
	size_t room = recorder->room ? recorder->room * 2 : 256;
	struct hop *hops;

	if (recorder->count < recorder->room)
		return true;
	if (room > KEPT_MAX)
		return false;
	hops = realloc(recorder->hops, room * sizeof(*hops));
	if (!hops)
		return false;
	recorder->hops = hops;
	recorder->room = room;
	return true;
}

void recorder_add(struct recorder *recorder, struct hop *hop)
{
	pthread_mutex_lock(&recorder->lock);
	hop->number = ++recorder->total;
	if ((unsigned)hop->event.kind < VSVA_EV_KIND_COUNT)
		recorder->counts[hop->event.kind]++;
	if (recorder->keep && make_room(recorder))
		recorder->hops[recorder->count++] = *hop;
	else if (recorder->keep)
		recorder->dropped++;
	pthread_mutex_unlock(&recorder->lock);
}

struct hop *recorder_fetch(struct recorder *recorder, size_t *count)
{
	struct hop *hops;

	pthread_mutex_lock(&recorder->lock);
	hops = recorder->hops;
	*count = recorder->count;
	recorder->hops = NULL;
	recorder->count = recorder->room = 0;
	pthread_mutex_unlock(&recorder->lock);
	return hops;
}

uint64_t recorder_count(struct recorder *recorder, enum vsva_event_kind kind)
{
	uint64_t count;

	pthread_mutex_lock(&recorder->lock);
	count = recorder->counts[kind];
	pthread_mutex_unlock(&recorder->lock);
	return count;
}

uint64_t recorder_total(struct recorder *recorder)
{
	uint64_t total;

	pthread_mutex_lock(&recorder->lock);
	total = recorder->total;
	pthread_mutex_unlock(&recorder->lock);
	return total;
}

uint64_t recorder_dropped(struct recorder *recorder)
{
	uint64_t dropped;

	pthread_mutex_lock(&recorder->lock);
	dropped = recorder->dropped;
	pthread_mutex_unlock(&recorder->lock);
	return dropped;
}
