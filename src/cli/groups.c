/* SPDX-License-Identifier: MIT */
#include "cli/groups.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>

#define INDICES 512u /* of a requester: 9 bits */

enum state { CLOSED, OPEN, LOST };

struct requester {
	uint64_t key; /* requester id */
	uint8_t states[INDICES];
	hpasid_t pasids[INDICES]; /* of those that are not closed */
};

struct groups {
	pthread_mutex_t lock;
	void *requesters;            /* lock; a tree of search.h */
	struct groups_counts counts; /* lock */
};

struct groups *groups_create(void)
{
	struct groups *groups = calloc(1, sizeof(*groups));

	if (groups)
		pthread_mutex_init(&groups->lock, NULL);
	return groups;
}

void groups_destroy(struct groups *groups)
{
	if (!groups)
		return;
	tdestroy(groups->requesters, free);
	pthread_mutex_destroy(&groups->lock);
	free(groups);
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static struct requester *requester_of(struct groups *groups, rid_t rid)
{
	uint64_t key = rid.v;
	void **node = tfind(&key, &groups->requesters, compare);
	struct requester *requester;

	if (node)
		return *node;
	requester = calloc(1, sizeof(*requester));
	if (!requester)
		return NULL;
	requester->key = key;
	if (tsearch(requester, &groups->requesters, compare))
		return requester;
	free(requester);
	return NULL;
}

/* An index that is asked with again while it is open: what was open will be answered under the same
 * index, and that would be one answer for two. */
static void asked(struct groups *groups, struct requester *requester,
		  const struct vsva_event *event)
{
	unsigned index = event->value % INDICES;

	groups->counts.asked++;
	if (requester->states[index] == OPEN)
		groups->counts.wrong++;
	else
		groups->counts.open++;
	requester->states[index] = OPEN;
	requester->pasids[index] = event->hpasid;
}

static void answered(struct groups *groups, struct requester *requester,
		     const struct vsva_event *event)
{
	unsigned index = event->addr % INDICES;

	groups->counts.answered++;
	if (requester->states[index] == CLOSED || requester->pasids[index].v != event->hpasid.v) {
		groups->counts.wrong++;
		return;
	}
	if (requester->states[index] == OPEN)
		groups->counts.open--;
	requester->states[index] = CLOSED;
}

static void lose(const void *node, VISIT visit, void *arg)
{
	struct requester *requester = *(struct requester *const *)node;
	struct groups *groups = arg;

	if (visit != postorder && visit != leaf)
		return;
	for (unsigned i = 0; i < INDICES; i++) {
		if (requester->states[i] != OPEN)
			continue;
		requester->states[i] = LOST;
		groups->counts.open--;
		groups->counts.lost++;
	}
}

static void take_in(struct groups *groups, const struct vsva_event *event)
{
	struct requester *requester;

	if (event->kind == VSVA_EV_UNIT_RESET) {
		twalk_r(groups->requesters, lose, groups);
		return;
	}
	requester = requester_of(groups, event->rid);
	if (!requester)
		groups->counts.wrong++;
	else if (event->kind == VSVA_EV_PAGE_REQUEST)
		asked(groups, requester, event);
	else
		answered(groups, requester, event);
}

void groups_observe(struct groups *groups, const struct vsva_event *event)
{
	if (event->kind != VSVA_EV_PAGE_REQUEST && event->kind != VSVA_EV_PAGE_RESPONSE &&
	    event->kind != VSVA_EV_UNIT_RESET)
		return;
	pthread_mutex_lock(&groups->lock);
	take_in(groups, event);
	pthread_mutex_unlock(&groups->lock);
}

void groups_get_counts(struct groups *groups, struct groups_counts *out)
{
	pthread_mutex_lock(&groups->lock);
	*out = groups->counts;
	pthread_mutex_unlock(&groups->lock);
}
