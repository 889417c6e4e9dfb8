// SPDX-License-Identifier: MIT
#include "host/prq.h"

#include <errno.h>

#include "base/check.h"
#include "base/log.h"
#include "host/group.h"
#include "host/mmio.h"
#include "host/report.h"
#include "host/wait.h"
#include "vsva/limits.h"

#define RING_ORDER      2u /* 512 requests of 32 bytes: as many groups as one device may have open */
#define SLOT_LEN        sizeof(struct vtd_page_request)
#define REPORTS_PER_RUN 64u

int prq_init(struct prq *prq, struct physmem *pm)
{
	void *memory;

	lock_init(&prq->lock, LOCK_RANK_FAULT_QUEUE, "page requests");
	for (unsigned i = 0; i < GROUP_STATES; i++)
		list_init(&prq->groups[i]);
	list_init(&prq->reports);
	prq->order = RING_ORDER;
	prq->slot_count = (unsigned)((VSVA_PAGE_SIZE << RING_ORDER) / SLOT_LEN);
	if (physmem_alloc_pages(pm, RING_ORDER, &prq->ring, &memory))
		return -ENOMEM;
	prq->slots = memory;
	return 0;
}

void prq_fini(struct prq *prq, struct physmem *pm)
{
	if (!prq->slot_count)
		return;
	for (unsigned i = 0; i < GROUP_STATES; i++)
		CHECK(list_is_empty(&prq->groups[i]));
	if (prq->slots)
		physmem_free_pages(pm, prq->ring, prq->order);
	lock_destroy(&prq->lock);
	prq->slot_count = 0;
}

uint64_t prq_queue_address(const struct prq *prq)
{
	return vtd_PQA_with_PQS(vtd_PQA_with_PQA(0, prq->ring.v), prq->order);
}

/* One request */

struct request {
	struct group_key key;
	uint64_t addr;
	uint32_t perm;
	bool is_last;
	bool is_stop_marker;
	bool is_bad; /* by itself, whoever owns it */
};

static uint32_t perm_of(const struct vtd_page_request *slot)
{
	return (vtd_page_request_RDR(slot) ? VSVA_FAULT_PERM_READ : 0) |
	       (vtd_page_request_WRR(slot) ? VSVA_FAULT_PERM_WRITE : 0) |
	       (vtd_page_request_EXR(slot) ? VSVA_FAULT_PERM_EXEC : 0) |
	       (vtd_page_request_PMR(slot) ? VSVA_FAULT_PERM_PRIV : 0);
}

static bool has_access(uint32_t perm)
{
	return perm & (VSVA_FAULT_PERM_READ | VSVA_FAULT_PERM_WRITE);
}

/* What no owner is asked about: privileged access, execution. */
static bool is_refused_access(uint32_t perm)
{
	if ((perm & VSVA_FAULT_PERM_PRIV) && has_access(perm))
		return true;
	return (perm & VSVA_FAULT_PERM_EXEC) && (perm & VSVA_FAULT_PERM_READ);
}

/* VT-d 7.4.1. PASID and EXR mean something only with PP. */
static struct request request_read(const struct vtd_page_request *slot)
{
	bool has_pasid = vtd_page_request_PP(slot) != 0;
	struct request request = {
		.key = {.rid = rid((uint16_t)vtd_page_request_RID(slot)),
			.pasid = hpasid(has_pasid ? (uint32_t)vtd_page_request_PASID(slot)
						  : VSVA_PASID_INVALID),
			.prgi = (uint16_t)vtd_page_request_PRGI(slot)},
		.addr = vtd_page_request_ADDR(slot),
		.perm = perm_of(slot),
		.is_last = vtd_page_request_LPIG(slot) != 0,
	};

	if (!has_pasid)
		request.perm &= ~(uint32_t)(VSVA_FAULT_PERM_EXEC | VSVA_FAULT_PERM_PRIV);
	request.is_stop_marker = vtd_page_request_is_stop_marker(slot);
	request.is_bad = is_refused_access(request.perm) ||
			 vtd_page_request_TYPE(slot) != VTD_PAGE_REQUEST_TYPE;
	return request;
}

static bool is_living(const struct binding *binding)
{
	return !__atomic_load_n(&binding->is_dying, __ATOMIC_ACQUIRE);
}

/* Owner: a binding that lives and has a first stage, of a device that has a handler (a host process
 * needs none); and the address is one that its first stage can have. */
static bool is_owner(const struct binding *binding, const struct request *request)
{
	if (!is_living(binding) || binding->kind == BINDING_SECOND_STAGE)
		return false;
	return (binding->kind == BINDING_FIRST_STAGE || binding->dev->handler) &&
	       vtd_is_canonical(request->addr, binding->addr_width);
}

/* Whose a request is. */
struct request_owner {
	struct vsva_dev *dev; /* NULL: nobody's */
	bool is_native;       /* a host process' */
};

/* With the lock the owner stays: its removal takes the lock after its bindings have gone. */
static struct request_owner find_owner(struct prq_locked locked, const struct function *function,
				       const struct request *request)
{
	struct request_owner owner = {NULL, false};
	const struct binding *binding;

	(void)locked;
	/* PASID 0 with a prefix is nobody's: it is the number of requests without one. */
	if (request->key.pasid.v == 0)
		return owner;
	rcu_read_lock();
	binding = function_find_bindings(function, group_key_pasid(&request->key));
	while (binding && !is_owner(binding, request))
		binding = rcu_load(binding->same);
	if (binding)
		owner = (struct request_owner){binding->dev, binding->kind == BINDING_FIRST_STAGE};
	rcu_read_unlock();
	return owner;
}

/* With the lock the function stays: its removal takes the lock after nobody can find it any more.
 */
static struct function *find_function(struct prq_locked locked, rid_t rid_)
{
	struct function *function;

	rcu_read_lock();
	function = sparse_get(&locked.iommu->functions, rid_.v);
	rcu_read_unlock();
	return function;
}

/* false: neither a group nor an answer could be made now; the request stays in the queue. */
static bool refuse_without_group(struct prq_locked locked, const struct request *request)
{
	return !request->is_last || group_answer_key(locked, &request->key, VTD_RESPONSE_INVALID);
}

static void close_group(struct prq_locked locked, struct group *group)
{
	if (group->is_bad)
		group_answer(locked, group, VTD_RESPONSE_INVALID);
	else
		group_set_ready(locked, group);
}

/* A group whose last request has come is closed: the same index again is a new group, and only a
 * device that does not wait for answers uses it. */
static struct group *group_for(struct prq_locked locked, struct function *function,
			       const struct request *request)
{
	struct group *group = group_find(locked, function, request->key.pasid, request->key.prgi);

	if (group)
		return group->state == GROUP_COLLECTING ? group : NULL;
	return group_make(locked, function, &request->key);
}

/* All requests of a group have one owner, or the group is bad. */
static bool can_join(const struct group *group, const struct request_owner *owner)
{
	return owner->dev &&
	       (!group->dev || (group->dev == owner->dev && group->is_native == owner->is_native));
}

static void add_to_group(struct prq_locked locked, struct group *group,
			 const struct request_owner *owner, const struct request *request)
{
	bool is_good = !request->is_bad && can_join(group, owner);

	TRACE(locked.iommu->trace, HOST, PAGE_REQUEST_HOST, .rid = request->key.rid,
	      .hpasid = request->key.pasid, .addr = request->addr, .value = request->key.prgi,
	      .write = (request->perm & VSVA_FAULT_PERM_WRITE) != 0,
	      .result = is_good ? 0 : -ENOENT);
	stat_add(&locked.iommu->stats.page_requests);
	if (is_good) {
		binding_count(group->function, owner->dev, request->key.pasid.v,
			      BINDING_PAGE_REQUESTS);
		group->dev = owner->dev;
		group->is_native = owner->is_native;
		group_add_request(group, request->addr, request->perm);
	} else {
		group->is_bad = true;
	}
	if (request->is_last)
		close_group(locked, group);
}

static bool take_in_request(struct prq_locked locked, const struct request *request)
{
	struct function *function = find_function(locked, request->key.rid);
	struct request_owner owner;
	struct group *group = NULL;

	if (function)
		group = group_for(locked, function, request);
	if (!group)
		return refuse_without_group(locked, request);
	owner = find_owner(locked, function, request);
	add_to_group(locked, group, &owner, request);
	return true;
}

/* The queue */

static unsigned slot_at(const struct prq *prq, uint64_t offset)
{
	return (unsigned)(offset / SLOT_LEN) & (prq->slot_count - 1);
}

/* Takes requests in until the queue is empty, or an answer finds no room. */
static bool take_in_all(struct prq_locked locked)
{
	struct vsva_iommu *iommu = locked.iommu;
	struct prq *prq = &iommu->prq;
	unsigned tail = slot_at(prq, vtd_PQT_PQT(VTD_READ(&iommu->port, PQT)));
	unsigned head = prq->head;
	bool goes_on = true;

	if (head == tail)
		return true;
	while (head != tail && goes_on) {
		struct vtd_page_request slot = prq->slots[head];
		struct request request = request_read(&slot);

		goes_on = request.is_stop_marker || take_in_request(locked, &request);
		if (goes_on)
			head = (head + 1) & (prq->slot_count - 1);
	}
	prq->head = head;
	VTD_WRITE(&iommu->port, PQH, vtd_PQH_with_PQH(0, head * SLOT_LEN));
	return goes_on;
}

/*
 * While PRO is set the unit drops requests and answers the last of a group itself with "success":
 * the device will ask again. Groups of which only a part got through must be forgotten before it
 * may queue again, or their remains would be mixed with the repetition. VT-d 7.4, 11.4.12.6
 */
static void recover_from_overflow(struct prq_locked locked)
{
	struct vsva_iommu *iommu = locked.iommu;

	if (slot_at(&iommu->prq, vtd_PQT_PQT(VTD_READ(&iommu->port, PQT))) != iommu->prq.head)
		return;
	group_drop_collecting(locked);
	__atomic_store_n(&iommu->prq.overflow_count, iommu->prq.overflow_count + 1,
			 __ATOMIC_RELAXED);
	VTD_WRITE(&iommu->port, PRS, VTD_PRS_PRO);
	LOG_LIMITED(LOG_WARN, VSVA_CODE_PRQ_FULL,
		    "host: the page-request queue was full; devices ask again");
}

void prq_stop(struct vsva_iommu *iommu)
{
	struct prq_locked locked = prq_lock(iommu);

	iommu->prq.is_stopped = true;
	prq_unlock(locked);
}

void prq_start(struct vsva_iommu *iommu)
{
	struct prq_locked locked = prq_lock(iommu);

	iommu->prq.head = 0;
	iommu->prq.has_left = false;
	iommu->prq.is_stopped = false;
	prq_unlock(locked);
}

/* PPR first: a request that comes after the tail was read then makes a new event (VT-d 7.4.2). So
 * does an overflow while neither PPR nor PRO is set. Without PPR nothing has come since. */
static bool take_in(struct prq_locked locked)
{
	const struct vtd_port *port = &locked.iommu->port;
	struct prq *prq = &locked.iommu->prq;
	uint64_t prs;

	if (prq->is_stopped)
		return true;
	prs = VTD_READ(port, PRS);
	if (vtd_PRS_PPR(prs))
		VTD_WRITE(port, PRS, VTD_PRS_PPR);
	if (vtd_PRS_PPR(prs) || prq->has_left)
		prq->has_left = !take_in_all(locked);
	if (vtd_PRS_PPR(prs))
		prs = VTD_READ(port, PRS);
	if (vtd_PRS_PRO(prs))
		recover_from_overflow(locked);
	return !prq->has_left;
}

static void discard_dying_of_all(struct prq_locked locked);

/* false: the unit's queue has no room for an answer. */
static bool take_in_and_answer(struct prq_locked locked)
{
	bool is_done = group_flush_answers(locked) && take_in(locked);

	discard_dying_of_all(locked);
	return group_flush_answers(locked) && is_done;
}

bool prq_run(void *arg)
{
	struct vsva_iommu *iommu = arg;
	struct prq_locked locked = prq_lock(iommu);
	bool is_done = take_in_and_answer(locked);
	unsigned reports = 0;

	prq_unlock(locked);
	while (reports < REPORTS_PER_RUN && report_next(iommu))
		reports++;
	if (!is_done)
		qi_wait_for_room(&iommu->qi);
	return !is_done || reports == REPORTS_PER_RUN;
}

/* Draining */

struct discard {
	struct vsva_iommu *iommu;
	struct function *function;
	group_filter *filter;
	const void *arg;
	uint64_t overflows;
	bool has_reports; /* other owners' groups are ready */
};

static bool discard_once(struct discard *discard)
{
	struct prq_locked locked = prq_lock(discard->iommu);
	bool is_done = take_in(locked);

	group_discard(locked, discard->function, discard->filter, discard->arg);
	is_done = group_flush_answers(locked) && is_done;
	discard->overflows = discard->iommu->prq.overflow_count;
	discard->has_reports = !list_is_empty(&discard->iommu->prq.groups[GROUP_READY]);
	prq_unlock(locked);
	return is_done;
}

/* Other owners' requests are taken in too, so the worker may have something to report; and to answer,
 * where there was no room. */
static uint64_t discard_all_of(struct function *function, group_filter *filter, const void *arg)
{
	struct discard discard = {
		.iommu = function->iommu, .function = function, .filter = filter, .arg = arg};
	bool is_done;

	do
		is_done = discard_once(&discard);
	while (!is_done && !qi_wait_for_room(&function->iommu->qi));
	if (!is_done || discard.has_reports)
		worker_kick(function->iommu->prq_event.worker);
	return discard.overflows;
}

uint64_t prq_overflows(struct vsva_iommu *iommu)
{
	return __atomic_load_n(&iommu->prq.overflow_count, __ATOMIC_RELAXED);
}

struct owner {
	const struct vsva_dev *dev;
	uint32_t pasid;
};

static bool is_of_pasid(const struct group *group, const void *arg)
{
	const struct owner *owner = arg;

	return group_key_pasid(&group->key) == owner->pasid &&
	       (!group->dev || group->dev == owner->dev);
}

uint64_t prq_discard(struct vsva_dev *dev, uint32_t pasid)
{
	struct owner owner = {dev, pasid};

	return discard_all_of(dev->function, is_of_pasid, &owner);
}

static bool is_of_device(const struct group *group, const void *arg)
{
	const struct vsva_dev *dev = arg;

	return group->dev == dev || (!group->dev && dev == &dev->function->own);
}

uint64_t prq_discard_all(struct vsva_dev *dev)
{
	return discard_all_of(dev->function, is_of_device, dev);
}

/* Nobody will answer it: whoever has its PASID is dying or gone. */
static bool is_of_dying(const struct group *group, const void *arg)
{
	const struct binding *binding;

	(void)arg;
	rcu_read_lock();
	binding = function_find_bindings(group->function, group_key_pasid(&group->key));
	while (binding && (!is_living(binding) || (group->dev && binding->dev != group->dev)))
		binding = rcu_load(binding->same);
	rcu_read_unlock();
	return !binding;
}

uint64_t prq_discard_dying(struct function *function)
{
	return discard_all_of(function, is_of_dying, NULL);
}

/* Atomic: only a flag and a kick. */
void prq_discard_dying_later(struct vsva_iommu *iommu)
{
	__atomic_store_n(&iommu->prq.has_dying, true, __ATOMIC_RELEASE);
	worker_kick(iommu->prq_event.worker);
}

/* Without a lock of ours another function may come or go; a group's function stays. */
static void discard_dying_of_all(struct prq_locked locked)
{
	struct vsva_iommu *iommu = locked.iommu;
	struct function *function;

	if (!__atomic_exchange_n(&iommu->prq.has_dying, false, __ATOMIC_ACQ_REL))
		return;
	for (uint32_t at = 0;; at++) {
		rcu_read_lock();
		function = sparse_next(&iommu->functions, &at);
		rcu_read_unlock();
		if (!function)
			break;
		group_discard(locked, function, is_of_dying, NULL);
	}
}

/* Draining on behalf of a virtual unit */

struct drain {
	struct vsva_iommu *iommu;
	struct vsva_dev *const *devs;
	unsigned count;
	bool is_taken_in; /* what matters of the unit's queue */
};

/* Nothing that matters is in the queue, and no group of the devices waits to be reported or is being. */
static bool look(const struct drain *drain)
{
	struct prq_locked locked = prq_lock(drain->iommu);
	bool is_done = true;

	if (!drain->is_taken_in || drain->iommu->prq.has_left)
		is_done = take_in_and_answer(locked);
	for (unsigned i = 0; i < drain->count && is_done; i++)
		is_done = !group_is_unreported(locked, drain->devs[i]);
	prq_unlock(locked);
	return is_done;
}

static bool is_drained(void *arg)
{
	const struct drain *drain = arg;
	bool is_done = look(drain);

	if (!is_done)
		worker_kick(drain->iommu->prq_event.worker);
	return is_done;
}

/* Reports by itself, because the caller may hold locks that other workers take; and waits only for a
 * report that is being made. */
int prq_end_drain(struct vsva_dev *const *devs, unsigned count, bool is_taken_in)
{
	struct drain drain = {devs[0]->iommu, devs, count, is_taken_in};

	if (look(&drain))
		return 0;
	for (unsigned i = 0; i < count; i++)
		while (report_next_of(devs[i]))
			;
	if (look(&drain))
		return 0;
	return host_wait(drain.iommu->pool, is_drained, &drain, drain.iommu->qi.timeout_ms)
		       ? 0
		       : -ETIMEDOUT;
}
