// SPDX-License-Identifier: MIT
#include "host/group.h"

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "vsva/limits.h"

#define NS_PER_MS 1000000u

struct prq_locked prq_lock(struct vsva_iommu *iommu)
{
	lock_take(&iommu->prq.lock);
	return (struct prq_locked){iommu};
}

void prq_unlock(struct prq_locked locked)
{
	lock_drop(&locked.iommu->prq.lock);
}

static bool is_pending(enum group_state state)
{
	return state == GROUP_READY || state == GROUP_REPORTED;
}

/* prq.h has the table of legal edges; this checks it. */
static bool edge_is_legal(enum group_state from, enum group_state to)
{
	static const bool legal[GROUP_STATES][GROUP_STATES] = {
		[GROUP_COLLECTING] = {[GROUP_READY] = true, [GROUP_ANSWERED] = true},
		[GROUP_READY] = {[GROUP_REPORTED] = true, [GROUP_ANSWERED] = true},
		[GROUP_REPORTED] = {[GROUP_ANSWERED] = true},
	};

	return legal[from][to];
}

static void group_set_state(struct prq_locked locked, struct group *group, enum group_state state)
{
	struct prq *prq = &locked.iommu->prq;
	int pending = is_pending(state) - is_pending(group->state);

	CHECK(edge_is_legal(group->state, state));
	list_remove(&group->in_list);
	list_append(&prq->groups[state], &group->in_list);
	group->state = state;
	if (state == GROUP_READY && group->is_native)
		worker_kick(locked.iommu->native_worker);
	__atomic_store_n(&prq->pending, prq->pending + (uint32_t)pending, __ATOMIC_RELAXED);
}

/* Buckets */

uint32_t group_key_pasid(const struct group_key *key)
{
	return key->pasid.v == VSVA_PASID_INVALID ? 0 : key->pasid.v;
}

static struct group **bucket_of(struct function *function, uint16_t prgi)
{
	return &function->groups.buckets[prgi % GROUP_BUCKETS];
}

struct group *group_find(struct prq_locked locked, struct function *function, hpasid_t pasid,
			 uint16_t prgi)
{
	struct group *group = *bucket_of(function, prgi);

	(void)locked;
	while (group && (group->key.prgi != prgi || group->key.pasid.v != pasid.v))
		group = group->next;
	return group;
}

static void bucket_add(struct group *group)
{
	struct group **bucket = bucket_of(group->function, group->key.prgi);

	group->next = *bucket;
	*bucket = group;
	group->function->groups.count++;
}

static void bucket_remove(struct group *group)
{
	struct group **link = bucket_of(group->function, group->key.prgi);
	while (*link != group)
		link = &(*link)->next;
	*link = group->next;
	group->function->groups.count--;
	group->function = NULL;
	group->dev = NULL;
}

struct group *group_make(struct prq_locked locked, struct function *function,
			 const struct group_key *key)
{
	struct prq *prq = &locked.iommu->prq;
	struct group *group;

	if (function->groups.count >= VSVA_LIMIT_GROUPS_PER_DEVICE)
		return NULL;
	group = base_zalloc(sizeof(*group));
	if (!group)
		return NULL;
	group->function = function;
	group->key = *key;
	group->serial = ++prq->next_serial;
	list_append(&prq->groups[GROUP_COLLECTING], &group->in_list);
	bucket_add(group);
	return group;
}

static bool is_to_report(const struct group *group, const struct vsva_dev *dev)
{
	return group->dev == dev && !group->is_native;
}

bool group_is_unreported(struct prq_locked locked, const struct vsva_dev *dev)
{
	struct list *ready = &locked.iommu->prq.groups[GROUP_READY];

	for (struct list *at = ready->next; at != ready; at = at->next)
		if (is_to_report(container_of(at, struct group, in_list), dev))
			return true;
	/* beside its registration somebody else holds the handler: he is calling it */
	return dev->handler && __atomic_load_n(&dev->handler->refs, __ATOMIC_ACQUIRE) > 1;
}

static void group_free(struct group *group)
{
	list_remove(&group->in_list);
	base_free(group->requests);
	base_free(group);
}

/* Requests */

static bool make_room(struct group *group)
{
	unsigned room = group->room ? group->room * 2 : 1;
	struct group_request *requests;

	if (group->count < group->room)
		return true;
	if (room > VSVA_LIMIT_REQUESTS_PER_GROUP)
		return false;
	requests = base_calloc(room, sizeof(*requests));
	if (!requests)
		return false;
	if (group->count)
		memcpy(requests, group->requests, group->count * sizeof(*requests));
	base_free(group->requests);
	group->requests = requests;
	group->room = room;
	return true;
}

void group_add_request(struct group *group, uint64_t addr, uint32_t perm)
{
	CHECK(group->state == GROUP_COLLECTING);
	if (group->is_bad)
		return;
	if (!make_room(group)) {
		group->is_bad = true;
		return;
	}
	if (!group->count)
		group->first = (struct group_request){addr, perm};
	group->requests[group->count++] = (struct group_request){addr, perm};
}

void group_set_ready(struct prq_locked locked, struct group *group)
{
	group_set_state(locked, group, GROUP_READY);
}

void group_set_reported(struct prq_locked locked, struct group *group)
{
	uint64_t timeout_ms = locked.iommu->response_timeout_ms;

	group->deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	group_set_state(locked, group, GROUP_REPORTED);
	worker_kick(locked.iommu->expiry_worker);
}

/* Answers */

/* VT-d 7.7.1: PP, PASID, RID and PRGI are copied from the request. */
static struct vtd_desc response_descriptor(const struct group_key *key, uint8_t code)
{
	struct vtd_desc response = vtd_desc_of_type(VTD_DESC_PAGE_RESPONSE);
	bool has_pasid = key->pasid.v != VSVA_PASID_INVALID;

	vtd_desc_page_response_set_PP(&response, has_pasid);
	vtd_desc_page_response_set_PASID(&response, has_pasid ? key->pasid.v : 0);
	vtd_desc_page_response_set_RID(&response, key->rid.v);
	vtd_desc_page_response_set_PRGI(&response, key->prgi);
	vtd_desc_page_response_set_RC(&response, code);
	return response;
}

struct answer {
	const struct vsva_iommu *iommu;
	const struct group_key *key;
	uint8_t code;
};

/* Before the unit tells that it has delivered it. */
static void trace_answer(void *arg)
{
	const struct answer *answer = arg;

	TRACE(answer->iommu->trace, HOST, PAGE_RESPONSE_HOST, .rid = answer->key->rid,
	      .hpasid = answer->key->pasid, .addr = answer->key->prgi, .value = answer->code);
}

bool group_answer_key(struct prq_locked locked, const struct group_key *key, uint8_t code)
{
	struct vsva_iommu *iommu = locked.iommu;
	struct vtd_desc response = response_descriptor(key, code);
	struct answer answer = {.iommu = iommu, .key = key, .code = code};

	if (qi_post(&iommu->qi, &response, trace_answer, &answer))
		return false;
	stat_add(&iommu->stats.page_responses);
	return true;
}

bool group_flush_answers(struct prq_locked locked)
{
	struct list *answered = &locked.iommu->prq.groups[GROUP_ANSWERED];

	while (!list_is_empty(answered)) {
		struct group *group = container_of(answered->next, struct group, in_list);

		if (!group_answer_key(locked, &group->key, group->code))
			return false;
		group_free(group);
	}
	return true;
}

void group_answer(struct prq_locked locked, struct group *group, uint8_t code)
{
	bucket_remove(group);
	group->code = code;
	group_set_state(locked, group, GROUP_ANSWERED);
	if (!group_flush_answers(locked))
		worker_kick(locked.iommu->prq_event.worker);
}

void group_drop(struct prq_locked locked, struct group *group)
{
	(void)locked;
	CHECK(group->state == GROUP_COLLECTING);
	bucket_remove(group);
	group_free(group);
}

void group_drop_collecting(struct prq_locked locked)
{
	struct list *collecting = &locked.iommu->prq.groups[GROUP_COLLECTING];

	while (!list_is_empty(collecting))
		group_drop(locked, container_of(collecting->next, struct group, in_list));
}

static void discard_one(struct prq_locked locked, struct group *group)
{
	if (group->state == GROUP_COLLECTING)
		group_drop(locked, group);
	else
		group_answer(locked, group, VTD_RESPONSE_INVALID);
}

void group_discard(struct prq_locked locked, struct function *function, group_filter *filter,
		   const void *arg)
{
	for (unsigned i = 0; i < GROUP_BUCKETS && function->groups.count; i++) {
		struct group *group = function->groups.buckets[i];

		while (group) {
			struct group *next = group->next;

			if (filter(group, arg))
				discard_one(locked, group);
			group = next;
		}
	}
}
